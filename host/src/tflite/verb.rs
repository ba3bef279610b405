//! The verb `import` for a `.tflite` file.

use super::convert::{Converted, convert};
use crate::data::files::write_atomically;
use crate::report::{bytes, render, thousands, write_json};
use anyhow::{Context, Result};
use secateur_shared::Model;
use secateur_shared::layer::{Shape, Step, Tensor};
use serde::Serialize;
use std::path::PathBuf;
use tabled::builder::Builder;

/// What the verb was asked to do.
#[derive(Debug)]
pub struct Request {
    /// The network.
    pub model: PathBuf,
    /// Where the blob goes.
    pub output: PathBuf,
    /// Where its figures go as data.
    pub json: Option<PathBuf>,
}

/// Writes the blob of a network, and shows what it is made of.
///
/// # Errors
/// A network that cannot be run, with the place of what is wrong; a file that cannot be read or written.
pub fn run(request: &Request) -> Result<()> {
    let Request { model, output, json } = request;
    let file = std::fs::read(model).with_context(|| format!("cannot read {}", model.display()))?;
    let converted = convert(&file).with_context(|| model.display().to_string())?;
    write_atomically(output, converted.blob.bytes())?;
    print!("{}", describe(&converted)?);
    println!("{}: {}", output.display(), bytes(converted.blob.bytes().len() as u32));
    write_json(json.as_deref(), &Figures::new(&converted)?)
}

/// What a network is made of, as data.
#[derive(Debug, Serialize)]
struct Figures {
    layers: Vec<LayerFigures>,
    input: End,
    output: End,
    arena_bytes: u32,
    blob_bytes: usize,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct LayerFigures {
    layer: String,
    input_hwc: [u16; 3],
    output_hwc: [u16; 3],
    macs: u64,
    parameter_bytes: u32,
}

/// What an end's values stand for: real = scale * (q - zero point).
#[derive(Debug, Serialize)]
struct End {
    hwc: [u16; 3],
    scale: f32,
    zero_point: i8,
}

impl Figures {
    fn new(Converted { blob, scales, notes }: &Converted) -> Result<Self> {
        let model = blob.model()?;
        let layer = |step: Step| LayerFigures {
            layer: name(&step),
            input_hwc: hwc(step.input.shape),
            output_hwc: hwc(step.output.shape),
            macs: step.macs(),
            parameter_bytes: step.parameters_end - step.parameters_at,
        };
        let end = |tensor: &Tensor, scale| End { hwc: hwc(tensor.shape), scale, zero_point: tensor.zero_point.0 };
        Ok(Self {
            layers: model.steps().map(|step| step.map(layer)).collect::<Result<_, _>>()?,
            input: end(model.input(), scales.0),
            output: end(model.output(), scales.1),
            arena_bytes: model.arena_bytes(),
            blob_bytes: blob.bytes().len(),
            notes: notes.clone(),
        })
    }
}

fn hwc(shape: Shape) -> [u16; 3] {
    [shape.height, shape.width, shape.channels]
}

/// Layers, ends and memory of a network, for people.
fn describe(Converted { blob, scales, notes }: &Converted) -> Result<String> {
    let model = blob.model()?;
    let end = |name: &str, tensor: &Tensor, scale: f32| {
        let zero_point = i32::from(tensor.zero_point.0);
        let sign = if zero_point < 0 { '+' } else { '-' };
        format!("{name} {}: real = {scale} * (q {sign} {})\n", text(tensor.shape), zero_point.abs())
    };
    let mut said = format!("{}\n", layers(&model)?);
    said.extend(notes.iter().map(|note| format!("{note}\n")));
    said += &end("input", model.input(), scales.0);
    said += &end("output", model.output(), scales.1);
    said += &format!("arena {}\n", bytes(model.arena_bytes()));
    Ok(said)
}

fn layers(model: &Model) -> Result<String> {
    let mut table = Builder::default();
    table.push_record(["layer", "", "reads", "input", "output", "MAC", "parameters"]);
    let (mut macs, mut parameters) = (0, 0);
    for step in model.steps() {
        let step = step?;
        let own = step.parameters_end - step.parameters_at;
        (macs, parameters) = (macs + step.macs(), parameters + own);
        let (input, output) = (text(step.input.shape), text(step.output.shape));
        table.push_record([
            step.index.to_string(),
            name(&step),
            reads(&step),
            input,
            output,
            thousands(step.macs()),
            bytes(own),
        ]);
    }
    let none = String::new;
    table.push_record(["all".to_owned(), none(), none(), none(), none(), thousands(macs), bytes(parameters)]);
    Ok(render(table))
}

/// The operator, and the pool in the same pass.
fn name(step: &Step) -> String {
    let is_pooled = matches!(step.layer(), secateur_shared::Layer::Conv2d(conv) if conv.is_pooled);
    format!("{}{}", step.layer().operator(), if is_pooled { " and max-pool2d" } else { "" })
}

/// The layers whose outputs it reads, where they are not the one before.
fn reads(step: &Step) -> String {
    let source = |tensor: usize| tensor.checked_sub(1).map_or_else(|| "input".to_owned(), |layer| layer.to_string());
    match step.other() {
        Some((_, other)) => format!("{}, {}", source(step.input_index), source(other)),
        None if step.input_index == step.index => String::new(),
        None => source(step.input_index),
    }
}

fn text(shape: Shape) -> String {
    format!("{}x{}x{}", shape.height, shape.width, shape.channels)
}
