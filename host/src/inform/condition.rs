//! What a layer's filters are conditioned on: kept filters of other layers.

use anyhow::{Result, ensure};

use super::cmi::distances;
use super::gram::GramMatrix;
use super::kernel::GaussianKernel;
use super::labels::Classes;
use super::maps::Maps;
use super::packed::PackedLower;
use super::ranking::{Criterion, Mode};

/// One layer's kept filters as part of Z: the exponent of their kernels' product, sum over them of ||x_i - x_j||^2 /
/// (2 sigma^2), samples sorted by class.
#[derive(Clone, Debug)]
pub struct Condition(PackedLower);

impl Condition {
    /// Of the channels `kept` of a layer, whose kernels are those of an order that keeps as many.
    pub fn new(maps: &Maps, kept: &[usize], labels: &[u8], criterion: &Criterion) -> Result<Self> {
        ensure!(kept.iter().all(|channel| *channel < maps.channels()), "a kept filter that the layer does not have");
        let distances = distances(maps, &Classes::new(labels)?);
        let kernel = match criterion.mode {
            Mode::Faithful => GaussianKernel::published(maps.samples(), maps.positions()),
            _ => GaussianKernel::of_layer(&distances, criterion.width, kept.len()),
        };
        let mut exponent = PackedLower::filled(maps.samples(), 0.0);
        for channel in kept {
            exponent.add_scaled(0.5 / kernel.sigma().powi(2), distances[*channel].packed());
        }
        Ok(Self(exponent))
    }

    /// The product of all kernels of Z; all ones where Z is empty.
    pub(super) fn product(given: &[Self], samples: usize, criterion: &Criterion) -> GramMatrix {
        let layers = match criterion.mode {
            Mode::Faithful => 1,
            _ => given.len() + 1,
        };
        let mut exponent = PackedLower::filled(samples, 0.0);
        given.iter().for_each(|condition| exponent.add_scaled(1.0 / layers as f64, &condition.0));
        GramMatrix::of_exponent(exponent)
    }
}
