//! What each layer gives after its ReLU, as plain numbers.

use std::ops::Range;

use anyhow::Result;
use rayon::prelude::*;

use super::backend;
use super::batch::tensor;
use super::vgg::{Tap, Vgg, numbers};
use super::weights::Network;
use crate::data::Images;
use crate::inform::Maps;

/// Images that run at once.
pub const BATCH: usize = 64;

/// What one batch gave at one layer, or what the layer took: `[sample][channel][position]`.
pub struct Activations {
    /// Images in the batch.
    pub samples: usize,
    /// Channels or hidden units.
    pub channels: usize,
    /// Height times width; 1 for hidden units.
    pub positions: usize,
    /// What is given is so after the ReLU, before any pool.
    pub values: Vec<f32>,
}

/// Runs images in batches; `each` sees every batch's activations of all prunable layers, and its logits `[sample][class]`.
///
/// # Errors
/// Those of the network, or of `each`.
pub fn observe(
    network: &Network,
    images: &Images,
    mut each: impl FnMut(Vec<Activations>, Vec<f32>) -> Result<()>,
) -> Result<()> {
    let device = backend::device();
    let vgg = Vgg::new(network, &device)?;
    for batch in batches(images.len()) {
        let batch = tensor(images, batch.start, batch.end, network.normalization, &device);
        let (taps, logits) = vgg.forward_with_taps(batch);
        each(taps.into_iter().map(activations).collect::<Result<_>>()?, numbers(logits)?)?;
    }
    Ok(())
}

/// Images on their way through a network, in [`batches`]: what its next layer takes.
pub struct Passage {
    taken: Vec<Tap>,
    layer: usize,
}

impl Passage {
    /// As the network's first layer takes them.
    pub fn new(network: &Network, images: &Images) -> Self {
        let device = backend::device();
        let tensor = |batch: Range<usize>| tensor(images, batch.start, batch.end, network.normalization, &device);
        Self { taken: batches(images.len()).map(tensor).map(Tap::Maps).collect(), layer: 0 }
    }

    /// On to the layer at this index of the network's layers, none before the one where they are. What was passed may be of
    /// another network.
    ///
    /// # Errors
    /// Those of the network.
    pub fn go(&mut self, network: &Network, layer: usize) -> Result<()> {
        let vgg = Vgg::new(network, &backend::device())?;
        self.taken.par_iter_mut().for_each(|taken| *taken = vgg.through(taken.clone(), self.layer..layer));
        self.layer = layer;
        Ok(())
    }

    /// What the layer takes, of a batch.
    ///
    /// # Errors
    /// Values that cannot be read back from the device.
    pub fn taken(&self, batch: usize) -> Result<Activations> {
        activations(self.taken[batch].clone())
    }
}

/// The ranges of so many images that run at once.
pub fn batches(images: usize) -> impl Iterator<Item = Range<usize>> {
    (0..images).step_by(BATCH).map(move |from| from..(from + BATCH).min(images))
}

fn activations(tap: Tap) -> Result<Activations> {
    match tap {
        Tap::Maps(maps) => {
            let [samples, channels, height, width] = maps.dims();
            Ok(Activations { samples, channels, positions: height * width, values: numbers(maps)? })
        }
        Tap::Values(values) => {
            let [samples, channels] = values.dims();
            Ok(Activations { samples, channels, positions: 1, values: numbers(values)? })
        }
    }
}

/// The maps of every prunable layer, for the survey.
///
/// # Errors
/// Those of the network; values that are not finite.
pub fn maps(network: &Network, images: &Images) -> Result<Vec<Maps>> {
    let mut layers: Vec<Gathered> = Vec::new();
    let mut from = 0;
    observe(network, images, |taps, _| {
        if layers.is_empty() {
            layers = taps.iter().map(|tap| Gathered::new(tap, images.len())).collect();
        }
        for (layer, tap) in layers.iter_mut().zip(&taps) {
            layer.take(tap, from);
        }
        from += taps.first().map_or(0, |tap| tap.samples);
        Ok(())
    })?;
    let finish = |layer: Gathered| Maps::new(images.len(), layer.channels, layer.positions, layer.values);
    layers.into_iter().map(finish).collect()
}

/// A layer's maps in the making: `[channel][sample][position]`.
struct Gathered {
    samples: usize,
    channels: usize,
    positions: usize,
    values: Vec<f32>,
}

impl Gathered {
    fn new(first: &Activations, samples: usize) -> Self {
        let (channels, positions) = (first.channels, first.positions);
        Self { samples, channels, positions, values: vec![0.0; channels * samples * positions] }
    }

    fn take(&mut self, tap: &Activations, from: usize) {
        for (row, map) in tap.values.chunks_exact(self.positions).enumerate() {
            let (sample, channel) = (from + row / self.channels, row % self.channels);
            let at = (channel * self.samples + sample) * self.positions;
            self.values[at..at + self.positions].copy_from_slice(map);
        }
    }
}
