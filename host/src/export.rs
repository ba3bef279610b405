//! Integer network to blob.

use crate::quantize::{IntegerNetwork, LayerParameters};
use anyhow::{Context, Result};
use secateur_shared::header::{ALIGNMENT, HEADER_BYTES};
use secateur_shared::packing::Order;
use secateur_shared::quant::{Multiplier, ZeroPoint};
use secateur_shared::{Model, header, memory};

/// A blob in memory, aligned as in flash, so that [`Model::parse`] reads it in place.
#[derive(Clone, Debug)]
pub struct Blob {
    words: Vec<u128>,
    length: usize,
}

const _: () = assert!(align_of::<u128>() == ALIGNMENT, "a blob of u128 words is aligned as in flash");

impl Blob {
    /// Copies bytes, of whatever content.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut blob = Self { words: vec![0; bytes.len().div_ceil(ALIGNMENT)], length: bytes.len() };
        bytemuck::cast_slice_mut(&mut blob.words)[..bytes.len()].copy_from_slice(bytes);
        blob
    }

    /// The blob as it lies in flash.
    pub fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.length]
    }

    /// The checked network.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn model(&self) -> Result<Model<'_>, secateur_shared::Refusal> {
        Model::parse(self.bytes())
    }
}

/// The blob of a network: FORMAT.md, byte by byte. It is parsed again before it is given out.
///
/// # Errors
/// Where the network breaks one of the format's bounds, such as an accumulator that could overflow.
pub fn export(network: &IntegerNetwork) -> Result<Blob> {
    let mut table = network.table().clone();
    table.place()?;
    let mut bytes = vec![0; HEADER_BYTES];
    bytes.extend(postcard::to_stdvec(&table)?);
    bytes.resize(memory::payload_at(table.nodes.len()), 0);
    let mut parameters = network.parameters().iter();
    for step in table.steps() {
        let step = step?;
        if step.parameters().is_some() {
            let parameters = parameters.next().context("a layer without its parameters")?;
            append(&mut bytes, parameters, step.input.zero_point, step.layer().order());
        }
    }
    header::seal(&mut bytes)?;
    let blob = Blob::from_bytes(&bytes);
    blob.model()?;
    Ok(blob)
}

fn append(bytes: &mut Vec<u8>, parameters: &LayerParameters, zero_point: ZeroPoint, order: Order) {
    let LayerParameters { bias, multipliers, weights } = parameters;
    let multipliers: Vec<Multiplier> = multipliers.iter().map(|multiplier| shifting(*multiplier)).collect();
    let outputs = bias.len();
    let per_output = weights.len() / outputs;
    // Layers without weights have multipliers all the same.
    let rows = || (0..outputs).map(|output| &weights[output * per_output..(output + 1) * per_output]);
    let folded = bias.iter().zip(rows()).map(|(bias, row)| zero_point.fold(*bias, row));
    bytes.extend(folded.flat_map(i32::to_le_bytes));
    bytes.extend(multipliers.iter().flat_map(|multiplier| multiplier.mantissa.to_le_bytes()));
    let mut packed = vec![0; weights.len()];
    for (output, row) in rows().enumerate() {
        let places = order.row(outputs, per_output, output);
        for (position, weight) in row.iter().enumerate() {
            packed[places.index(position)] = weight.cast_unsigned();
        }
    }
    bytes.extend(packed);
    bytes.extend(multipliers.iter().map(|multiplier| multiplier.exponent.cast_unsigned()));
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

/// A multiplier of 0, as a channel of next to no weight has, is 2^-32 instead: every sum within the format's bounds gives 0
/// by both, and fast kernels want a shift.
fn shifting(multiplier: Multiplier) -> Multiplier {
    if multiplier.mantissa == 0 { Multiplier { mantissa: 1 << 30, exponent: -31 } } else { multiplier }
}
