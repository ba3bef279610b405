//! The ranking of one layer, from its maps.

use anyhow::{Result, ensure};
use rayon::prelude::*;

use super::condition::Condition;
use super::gram::GramMatrix;
use super::kernel::{GaussianKernel, SquaredDistances};
use super::label::Label;
use super::labels::Classes;
use super::maps::Maps;
use super::ranking::{Criterion, LayerRanking, Mode, SATURATION};
use super::renyi::RenyiEntropy;
use super::search::Search;

/// The candidate evaluations that `rank` reports for a layer of F channels: F + (F - 1) + ... + 1.
pub fn evaluations(channels: usize) -> u64 {
    let channels = channels as u64;
    channels * (channels + 1) / 2
}

/// Orders a layer's filters: from S = {}, always the filter j of the highest I(Y; Z u S u {j}).
///
/// That filter leaves the least c = I(Y; R | Z u S u {j}) = I(Y; Z u F) - I(Y; Z u S u {j}) behind: an exact identity, so
/// only S(P o K_j) and S(P o K_j o K_Y) are needed, with P the product of the kernels of Z and S. Z, the filters `given`,
/// is empty for per-layer CMI, one adjacent layer's for compact CMI, all earlier layers' for full CMI. `labels` has one class
/// an image. `on_evaluated(k)` hears of k more candidates done, `evaluations(channels)` in all, from any thread.
///
/// # Errors
/// Labels that are not one a sample; a kernel width or an order of the entropy out of range.
pub fn rank(
    maps: &Maps,
    labels: &[u8],
    criterion: &Criterion,
    given: &[Condition],
    on_evaluated: &(dyn Fn(u64) + Sync),
) -> Result<LayerRanking> {
    let (samples, width) = (maps.samples(), criterion.width);
    ensure!(labels.len() == samples, "{} labels for {samples} samples: give one label an image", labels.len());
    ensure!(width > 0.0 && width.is_finite(), "a kernel of width {width}: give one over 0, as 0.5");
    let entropy = RenyiEntropy::new(criterion.alpha)?;
    let classes = Classes::new(labels)?;
    let (kernel, grams) = layer_grams(maps, &classes, criterion, given.len() + 1);
    let label = Label::new(criterion.mode, &classes);
    let base = Condition::product(given, samples, criterion);
    let mut search = Search::new(&grams, &label, entropy, base, criterion.exhaustive);
    let start = search.start();
    let mut ranking = LayerRanking::empty(kernel.sigma(), start.information, start.joint);
    while let Some(best) = search.take_best(on_evaluated) {
        ranking.order.push(best.channel);
        ranking.joint_entropy.push(best.joint);
        ranking.information.push(best.information);
    }
    let full = (samples as f64).ln() - SATURATION;
    ranking.saturated_after = ranking.joint_entropy.iter().position(|&joint| joint > full);
    ranking.proof = search.proof();
    Ok(ranking)
}

/// Every channel's Gram matrix under the criterion's kernels for products over `layers` layers, samples sorted by class.
pub(super) fn layer_grams(
    maps: &Maps,
    classes: &Classes,
    criterion: &Criterion,
    layers: usize,
) -> (GaussianKernel, Vec<GramMatrix>) {
    let distances = distances(maps, classes);
    let kernel = match criterion.mode {
        Mode::Faithful => GaussianKernel::published(maps.samples(), maps.positions()),
        _ => {
            let kept = criterion.kept.unwrap_or(maps.channels());
            GaussianKernel::of_layer(&distances, criterion.width, kept).shared_by(layers)
        }
    };
    (kernel, distances.into_par_iter().map(|distances| GramMatrix::new(distances, kernel)).collect())
}

/// Every channel's distances, samples sorted by class.
pub(super) fn distances(maps: &Maps, classes: &Classes) -> Vec<SquaredDistances> {
    (0..maps.channels()).into_par_iter().map(|channel| SquaredDistances::new(maps, channel, classes)).collect()
}
