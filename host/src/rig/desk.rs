//! The same engine as the chip's, on the desk.

use anyhow::Result;
use rayon::prelude::*;
use secateur_firmware::{Engine, argmax};
use secateur_shared::Model;

use crate::data::Images;

/// Images that one arena runs one after the other.
const CHUNK: usize = 64;

/// An image as the engine takes it: byte p is p - 128, HWC.
pub fn input_hwc(pixels: &[u8]) -> Vec<i8> {
    pixels.iter().map(|pixel| (pixel ^ 0x80).cast_signed()).collect()
}

/// The last layer's output for each image.
///
/// # Errors
/// A model that this build's engine refuses.
pub fn logits(model: &Model, images: &Images) -> Result<Vec<Vec<i8>>> {
    let bytes = model.arena_bytes() as usize;
    let starts: Vec<usize> = (0..images.len()).step_by(CHUNK).collect();
    let chunks = starts.into_par_iter().map(|start| {
        let mut arena = vec![0; bytes];
        let mut engine = Engine::new(*model, &mut arena)?;
        let run = |index| {
            engine.input_hwc().copy_from_slice(&input_hwc(images.image(index)));
            engine.infer().to_vec()
        };
        Ok((start..(start + CHUNK).min(images.len())).map(run).collect::<Vec<_>>())
    });
    Ok(chunks.collect::<Result<Vec<_>>>()?.concat())
}

/// The share of images whose largest logit is their label's.
pub fn accuracy(logits: &[Vec<i8>], labels: &[u8]) -> f64 {
    let right = logits.iter().zip(labels).filter(|(logits, label)| argmax(logits) == usize::from(**label)).count();
    right as f64 / logits.len().max(1) as f64
}
