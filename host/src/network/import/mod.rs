//! The verb `import`: weights that another program trained, as a network of ours.
//!
//! Which tensor goes where: `names` (a rule), `map` (as a file says). `source` reads the numbers, `assemble` fits them
//! in, `input` takes in the other program's normalization, `moments` gives statistics to layers without a batch norm.
//! PyTorch's order of numbers is ours: convolutions `[output][input][row][column]`, maps flattened
//! `[channel][row][column]`.

mod assemble;
mod input;
mod map;
mod moments;
mod names;
mod source;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Serialize;
use tabled::builder::Builder;

use self::names::Names;
use self::source::Source;
use super::arch::Arch;
use super::evaluate::accuracy;
use super::weights::{Layer, Network};
use crate::data::files::write_atomically;
use crate::data::{DataSet, load};
use crate::failure::Failure;
use crate::report::render;

pub use self::input::TheirInput;

/// Training images whose statistics stand in for a batch norm's that there was none of.
const STATISTICS_IMAGES: usize = 512;

/// What `import` was asked to do.
#[derive(Debug)]
pub struct Plan {
    /// The file of weights: `.pth`, `.pt` or `.safetensors`.
    pub weights: PathBuf,
    /// The network's layers.
    pub arch: Arch,
    /// The data set's name or folder.
    pub data: String,
    /// What is to say which tensor goes where.
    pub map: Option<PathBuf>,
    /// How the other program turned pixels into numbers.
    pub input: TheirInput,
    /// ε of its batch norms.
    pub epsilon: f32,
    /// Where the network goes; by default `out/<file of weights>-<data>.safetensors`.
    pub output: Option<PathBuf>,
    /// Where the figures go.
    pub json: Option<PathBuf>,
}

/// A network out of the file, and what is to be said of it.
struct Imported {
    network: Network,
    names: Vec<Names>,
    /// Tensors that no layer took, counters of batches aside.
    unused: Vec<String>,
    /// The largest distance between the other program's padding and ours, in pixel steps.
    padding_steps: f64,
}

/// What an import gave.
#[derive(Debug, Serialize)]
struct Figures {
    arch: String,
    data: String,
    pixel_mean: u8,
    pixel_deviation: f32,
    padding_steps: f64,
    unused: Vec<String>,
    validation_accuracy: f64,
    test_accuracy: f64,
    output: PathBuf,
}

/// Imports a network, saves it, and prints which tensor went where and its accuracy.
///
/// # Errors
/// A file that cannot be read, tensors that do not fit the architecture, data of another size, a full disk.
pub fn run(plan: &Plan) -> Result<()> {
    let data = load(&plan.data)?;
    let output = output(plan, &data)?;
    let imported = import(plan, &data).with_context(|| plan.weights.display().to_string())?;
    println!("{}\n{}", table(&imported), remarks(&imported));
    imported.network.save(&output)?;
    let figures = figures(imported, &data, output)?;
    println!(
        "validation accuracy {:.2} %, test accuracy {:.2} %; wrote {}",
        100.0 * figures.validation_accuracy,
        100.0 * figures.test_accuracy,
        figures.output.display()
    );
    match &plan.json {
        Some(path) => write_atomically(path, &serde_json::to_vec_pretty(&figures)?),
        None => Ok(()),
    }
}

/// Where the network goes: never over the file that it comes from.
fn output(plan: &Plan, data: &DataSet) -> Result<PathBuf> {
    let output = plan.output.clone().unwrap_or_else(|| {
        let stem = plan.weights.file_stem().unwrap_or_default().to_string_lossy();
        PathBuf::from("out").join(format!("{stem}-{}.safetensors", data.name))
    });
    match (output.canonicalize(), plan.weights.canonicalize()) {
        (Ok(to), Ok(from)) if to == from => {
            let message = format!("--output {} is the file to import: name another", output.display());
            Err(Failure::Usage(message).into())
        }
        _ => Ok(output),
    }
}

fn import(plan: &Plan, data: &DataSet) -> Result<Imported> {
    let normalization = plan.input.ours(data.shape().channels)?;
    let mut network = Network::blank(plan.arch.clone(), data.shape(), data.classes, normalization)?;
    network.data.clone_from(&data.name);
    let source = Source::open(&plan.weights)?;
    let names = match &plan.map {
        None => names::by_rule(&source.shapes, &network)?,
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            map::by_map(&text, &source.shapes, &network).with_context(|| path.display().to_string())?
        }
    };
    let without_norm = assemble::fill(&mut network, &names, &source, plan.epsilon)?;
    let padding_steps = plan.input.absorb(&mut network)?;
    moments::settle(&mut network, &without_norm, &data.train.head(STATISTICS_IMAGES))?;
    let unused = unused(&source, &names);
    Ok(Imported { network, names, unused, padding_steps })
}

fn unused(source: &Source, names: &[Names]) -> Vec<String> {
    let taken = |name: &&String| names.iter().flat_map(Names::all).any(|taken| taken == *name);
    let counter = |name: &&String| name.rsplit('.').next() == Some("num_batches_tracked");
    source.shapes.keys().filter(|name| !taken(name) && !counter(name)).cloned().collect()
}

/// Test images are read here, once.
fn figures(imported: Imported, data: &DataSet, output: PathBuf) -> Result<Figures> {
    let Imported { network, unused, padding_steps, .. } = imported;
    Ok(Figures {
        arch: network.arch.to_string(),
        data: data.name.clone(),
        pixel_mean: network.normalization.mean,
        pixel_deviation: network.normalization.deviation,
        padding_steps,
        unused,
        validation_accuracy: accuracy(&network, &data.validation)?,
        test_accuracy: accuracy(&network, &data.test)?,
        output,
    })
}

/// Which tensors each layer is made of.
fn table(imported: &Imported) -> String {
    let mut table = Builder::default();
    table.push_record(["layer", "weights", "bias", "batch norm's mean"]);
    let layers = imported.network.layer_names().into_iter().zip(&imported.network.layers);
    let with_parameters = layers.filter(|(_, layer)| !matches!(layer, Layer::Pool));
    for ((layer, _), names) in with_parameters.zip(&imported.names) {
        let or_none = |name: Option<&String>| name.map_or("none", |name| name).to_owned();
        let norm = or_none(names.norm.as_ref().map(|norm| &norm.mean));
        table.push_record([layer, names.weight.clone(), or_none(names.bias.as_ref()), norm]);
    }
    render(table)
}

fn remarks(imported: &Imported) -> String {
    let mut lines = Vec::new();
    let normalization = imported.network.normalization;
    lines.push(format!(
        "a pixel p enters as (p - {}) / {:.3}; the rest of the normalization is in the first layer",
        normalization.mean, normalization.deviation
    ));
    if imported.padding_steps > 1e-3 {
        lines.push(format!(
            "beyond the image's edge the other program's padding differs from ours by {:.2} pixel steps",
            imported.padding_steps
        ));
    }
    if !imported.unused.is_empty() {
        lines.push(format!("not used: {}", imported.unused.join(", ")));
    }
    lines.join("\n")
}
