//! The verb `infer`: a blob on inputs from a file, here or on a board.

use std::path::PathBuf;

use anyhow::{Context, Result};
use rayon::prelude::*;
use secateur_firmware::Engine;
use secateur_shared::Model;

use super::blob::{self, Subject};
use super::target::{self, Target};
use super::verify;
use crate::data::files::write_atomically;
use crate::export::Blob;
use crate::failure::Failure;

/// What the verb was asked to do.
#[derive(Debug)]
pub struct Request {
    /// The network.
    pub blob: PathBuf,
    /// Inputs, int8 in HWC order, one after the other.
    pub input: PathBuf,
    /// Where the outputs go, one after the other.
    pub output: PathBuf,
    /// Where it runs; here where none is named.
    pub target: Option<Target>,
}

/// Runs the network on every input of a file.
///
/// # Errors
/// A blob that is refused, a file that is not of whole inputs, a board that does not hold the network or does not
/// answer.
pub fn run(request: &Request) -> Result<()> {
    let Request { blob: path, input, output, target } = request;
    let inputs = std::fs::read(input).with_context(|| format!("cannot read {}", input.display()))?;
    let blob = blob::read(path)?;
    let model = blob.model()?;
    let values = model.input().shape.bytes().unwrap_or(0) as usize;
    if inputs.is_empty() || !inputs.len().is_multiple_of(values) {
        let (name, length) = (input.display(), inputs.len());
        let message = format!("{name} has {length} bytes: write inputs of {values} bytes each, at least one");
        return Err(Failure::Usage(message).into());
    }
    let inputs: &[i8] = bytemuck::cast_slice(&inputs);
    let outputs = match target {
        None => on_desk(&model, inputs)?,
        Some(target) => on_board(&Subject { path: path.clone(), target: target.clone() }, inputs)?,
    };
    write_atomically(output, bytemuck::cast_slice(&outputs))?;
    let place = target.as_ref().map_or("this machine", |target| &target.board.name);
    let (count, each) = (inputs.len() / values, outputs.len() / (inputs.len() / values));
    println!("{}: {count} outputs of {each} bytes, computed on {place}", output.display());
    Ok(())
}

/// The outputs of this machine's engine, one after the other.
///
/// # Errors
/// A model that this build's engine refuses.
pub fn on_desk(model: &Model, inputs: &[i8]) -> Result<Vec<i8>> {
    let values = model.input().shape.bytes().unwrap_or(1) as usize;
    let (arena_bytes, at_once) =
        (model.arena_bytes() as usize, inputs.len().div_ceil(values * rayon::current_num_threads()));
    let chunks = inputs.par_chunks(values * at_once.max(1)).map(|inputs| {
        let mut arena = vec![0; arena_bytes];
        let mut engine = Engine::new(*model, &mut arena)?;
        let infer = |input: &[i8]| {
            engine.input_hwc().copy_from_slice(input);
            engine.infer().to_vec()
        };
        Ok(inputs.chunks_exact(values).map(infer).collect::<Vec<_>>().concat())
    });
    Ok(chunks.collect::<Result<Vec<Vec<i8>>>>()?.concat())
}

/// The outputs of a board, one after the other.
fn on_board(subject: &Subject, inputs: &[i8]) -> Result<Vec<i8>> {
    let blob::Placed { blob, image, .. } = subject.place()?;
    let (path, _folder) = target::image_file(&image)?;
    let mut running = subject.target.start(&path)?;
    let link = running.link();
    verify::greet(link, &subject.target.board, &blob)?;
    let values = values(&blob)?;
    let mut outputs = Vec::new();
    for (index, input) in inputs.chunks_exact(values).enumerate() {
        outputs.extend(link.infer(input).with_context(|| format!("input {index}"))?);
    }
    Ok(outputs)
}

fn values(blob: &Blob) -> Result<usize> {
    Ok(blob.model()?.input().shape.bytes().unwrap_or(1) as usize)
}
