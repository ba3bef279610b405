//! Integer network to blob.

use crate::quantize::{IntegerNetwork, LayerParameters};
use anyhow::Result;
use secateur_shared::header::{ALIGNMENT, HEADER_BYTES};
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
    let table = network.table();
    let payload_at = memory::payload_at(table)? as usize;
    let mut bytes = vec![0; HEADER_BYTES];
    bytes.extend(postcard::to_stdvec(table)?);
    bytes.resize(payload_at, 0);
    for parameters in network.parameters() {
        append(&mut bytes, parameters);
    }
    header::seal(&mut bytes)?;
    let blob = Blob::from_bytes(&bytes);
    blob.model()?;
    Ok(blob)
}

fn append(bytes: &mut Vec<u8>, parameters: &LayerParameters) {
    bytes.extend(parameters.bias.iter().flat_map(|bias| bias.to_le_bytes()));
    bytes.extend(parameters.multipliers.iter().flat_map(|multiplier| multiplier.mantissa.to_le_bytes()));
    bytes.extend(parameters.multipliers.iter().map(|multiplier| multiplier.exponent.cast_unsigned()));
    bytes.extend(parameters.weights.iter().map(|weight| weight.cast_unsigned()));
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}
