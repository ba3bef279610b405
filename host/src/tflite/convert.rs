//! From a file's bytes to a blob.

use super::lower::Lowered;
use super::{Network, Plan, lower, read};
use crate::export::{Blob, export};
use crate::quantize::IntegerNetwork;
use anyhow::{Context, Result, ensure};
use secateur_shared::Refusal;
use secateur_shared::layer::{LAYERS_MAX, Layer};

/// A network ready to run.
#[derive(Debug)]
pub struct Converted {
    /// The model.
    pub blob: Blob,
    /// Real = scale * (q - zero point), of its input and of its output.
    pub scales: (f32, f32),
    /// What became of operators that are no layer.
    pub notes: Vec<String>,
}

/// The blob of a `.tflite` file.
///
/// # Errors
/// What is wrong with the file, or cannot be run, with its place.
pub fn convert(bytes: &[u8]) -> Result<Converted> {
    let graph = read(bytes)?;
    let network = lower(&graph, &Plan::new(&graph)?)?;
    let place = |refusal: Refusal| {
        let lowered = layer_of(refusal).and_then(|layer| network.layers.get(layer));
        lowered.map_or_else(|| "the network".to_owned(), |lowered| graph.operator_name(lowered.operators[0]))
    };
    let blob = integers(&network).and_then(|network| export(&network)).map_err(|error| {
        let place = error.downcast_ref().map(|refusal| place(*refusal));
        error.context(place.unwrap_or_else(|| "the network".to_owned()))
    })?;
    Ok(Converted { blob, scales: (network.input_scale, network.output_scale), notes: network.notes })
}

/// The layer that a refusal names.
fn layer_of(refusal: Refusal) -> Option<usize> {
    match refusal {
        Refusal::Geometry(layer)
        | Refusal::Parameters(layer)
        | Refusal::Quantization(layer)
        | Refusal::Overflow(layer)
        | Refusal::Operator(layer) => Some(layer.into()),
        _ => None,
    }
}

/// The layers, each with its inputs by their distance.
fn integers(network: &Network) -> Result<IntegerNetwork> {
    let count = network.layers.len();
    ensure!(count <= LAYERS_MAX, "it has {count} layers, a blob at most {LAYERS_MAX}");
    let mut integers = IntegerNetwork::new(network.input, network.input_zero_point);
    for (index, lowered) in network.layers.iter().enumerate() {
        let Lowered { parameters, input, other, .. } = lowered;
        let back = |tensor: usize| u8::try_from(index - tensor).context("a tensor is read too long after it was made");
        let mut layer = lowered.layer;
        if let (Layer::Add(add), Some(other)) = (&mut layer, other) {
            add.other = back(*other)?;
        }
        integers.push_from(layer, back(*input)?, parameters.clone())?;
    }
    Ok(integers)
}
