//! Surgery that makes up for what it takes: the weights of the layers after it anew, by least squares.

mod fit;
mod moments;

use anyhow::{Context, Result, ensure};

use self::fit::Affine;
use self::moments::Moments;
use super::{surgery, survey};
use crate::data::Images;
use crate::network::{Layer, Network};

/// Training images that [`remove`] looks at where nothing else is said.
pub const IMAGES: usize = 2048;

/// Draws them.
const SEED: u64 = 1;

/// So many training images, or all where there are fewer; `None` where 0 are asked for.
///
/// # Errors
/// A single one.
pub fn draw(train: &Images, count: usize) -> Result<Option<Images>> {
    ensure!(count != 1, "--reconstruct-images 1: one image says nothing about a layer, give 0 or some hundred");
    let draw = || survey::draw(train, count.min(train.len()), SEED);
    (count > 0).then(draw).transpose()
}

/// As [`surgery::remove`], and every layer then answers as nearly as it can as it did in `network`, before its ReLU: from the
/// first layer that takes less to the logits, its weights W and bias b minimise
///
/// sum ||z - W x - b||^2 + n `RIDGE` mean(var x) ||W - V||^2
///
/// with n answers z of the layer in `network` on `images`, x what it takes in the pruned network, and V the weights that
/// surgery left. Labels are not looked at.
///
/// After He, Zhang and Sun 2017 (arXiv 1707.06168, eq. 3); x comes from the pruned network, so that a layer makes up for the
/// errors of those before it too (Zhang et al. 2015, arXiv 1505.06798, section 3.3).
///
/// # Errors
/// Those of [`surgery::remove`] and of the network; answers that are not finite.
pub fn remove(network: &Network, kept: &[Vec<usize>], images: &Images) -> Result<Network> {
    let mut pruned = surgery::remove(network, kept)?;
    let names = network.layer_names();
    let mut kept = kept.iter();
    let mut is_whole = true;
    for layer in (0..network.layers.len()).filter(|&layer| network.layers[layer] != Layer::Pool) {
        let whole = Affine::of(&network.layers[layer]);
        let outputs = kept.next().cloned().unwrap_or_else(|| (0..whole.outputs()).collect());
        if !is_whole {
            let moments = Moments::observe(network, &pruned, layer, &whole.select(&outputs), images)?;
            let fit = moments.fit(&Affine::of(&pruned.layers[layer]));
            fit.and_then(|fit| fit.put(&mut pruned.layers[layer])).with_context(|| names[layer].clone())?;
        }
        is_whole &= outputs.len() == whole.outputs();
    }
    Ok(pruned)
}

#[cfg(test)]
mod tests;
