//! The ranking of one layer, from its maps.

use anyhow::{Result, ensure};
use rayon::prelude::*;

use super::gram::GramMatrix;
use super::kernel::{GaussianKernel, SquaredDistances};
use super::labels::Classes;
use super::maps::Maps;
use super::ranking::{Criterion, LayerRanking, SATURATION};
use super::renyi::RenyiEntropy;
use super::search::Search;

/// The candidate evaluations that `rank` reports for a layer of F channels: F + (F - 1) + ... + 1.
pub fn evaluations(channels: usize) -> u64 {
    let channels = channels as u64;
    channels * (channels + 1) / 2
}

/// Orders a layer's filters: from S = {}, always the filter j of the highest I(Y; S u {j}).
///
/// That filter leaves the least c = I(Y; R | S u {j}) = I(Y; F) - I(Y; S u {j}) behind: an exact identity, so only
/// S(P o K_j) and S(P o K_j o K_Y) are needed, with P the product of the kernels of S. `labels` has one class an image.
/// `on_evaluated(k)` hears of k more candidates done, `evaluations(channels)` in all, from any thread.
pub fn rank(
    maps: &Maps,
    labels: &[u8],
    criterion: &Criterion,
    on_evaluated: &(dyn Fn(u64) + Sync),
) -> Result<LayerRanking> {
    let (samples, width) = (maps.samples(), criterion.width);
    ensure!(labels.len() == samples, "{} labels for {samples} samples: give one label an image", labels.len());
    ensure!(width > 0.0 && width.is_finite(), "a kernel of width {width}: give one over 0, as 4");
    let entropy = RenyiEntropy::new(criterion.alpha)?;
    let classes = Classes::new(labels)?;
    let (kernel, grams) = layer_grams(maps, &classes, width);
    let mut ranking = LayerRanking::empty(kernel.sigma());
    let mut search = Search::new(&grams, &classes, entropy);
    while let Some(best) = search.take_best(on_evaluated) {
        ranking.order.push(best.channel);
        ranking.joint_entropy.push(best.joint);
        ranking.information.push(best.information);
    }
    let full = (samples as f64).ln() - SATURATION;
    ranking.saturated_after = ranking.joint_entropy.iter().position(|&joint| joint > full);
    Ok(ranking)
}

/// Every channel's Gram matrix under the layer's one kernel, samples sorted by class.
pub(super) fn layer_grams(maps: &Maps, classes: &Classes, width: f64) -> (GaussianKernel, Vec<GramMatrix>) {
    let channels = (0..maps.channels()).into_par_iter();
    let distances: Vec<_> = channels.map(|channel| SquaredDistances::new(maps, channel, classes)).collect();
    let kernel = GaussianKernel::of_layer(&distances, width);
    (kernel, distances.into_par_iter().map(|distances| GramMatrix::new(distances, kernel)).collect())
}
