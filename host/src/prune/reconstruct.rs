//! Surgery that makes up for what it takes: the weights of the layers after it anew, by least squares.

mod answers;
mod fit;
mod moments;

use anyhow::{Context, Result};

pub use self::answers::Answers;
use self::fit::Affine;
use self::moments::Moments;
use super::depth::Depth;
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
/// A single one: it says nothing about a layer.
pub fn draw(train: &Images, count: usize) -> Result<Option<Images>> {
    let draw = || survey::draw(train, count.min(train.len()), SEED);
    (count > 0).then(draw).transpose()
}

/// As [`surgery::remove`], and every layer then answers as nearly as it can as it did in `network`, before its ReLU: from the
/// first layer that takes less to the logits, its weights W and bias b minimise
///
/// sum ||z - W x - b||^2 + n `RIDGE` mean(var x) ||W - V||^2
///
/// with n `answers` z of the layer in `network`, x what it takes in the pruned network, and V the weights that surgery left.
/// Labels are not looked at. A layer that still takes more than 8,192 values keeps V; without answers all do.
///
/// After He, Zhang and Sun 2017 (arXiv 1707.06168, eq. 3); x comes from the pruned network, so that a layer makes up for the
/// errors of those before it too (Zhang et al. 2015, arXiv 1505.06798, section 3.3).
///
/// # Errors
/// Those of [`surgery::remove`] and of the network; answers that are not finite.
pub fn remove(network: &Network, kept: &[Vec<usize>], answers: Option<&Answers>) -> Result<Network> {
    cut(network, &Depth::whole(network), kept, answers)
}

/// The layers of `depth` with all their filters: see [`cut`].
///
/// # Errors
/// As [`cut`].
pub fn without(network: &Network, depth: &Depth, answers: Option<&Answers>) -> Result<Network> {
    let all = |layer: usize| (0..Affine::of(&network.layers[layer]).outputs()).collect();
    let all: Vec<Vec<usize>> = network.prunable().into_iter().map(all).collect();
    cut(network, depth, &depth.of(network, &all), answers)
}

/// As [`remove`], of the layers of `depth` alone: each answers as nearly as it can as it did in `network`.
///
/// # Errors
/// Those of [`Depth::of_network`] and of [`remove`].
pub fn cut(network: &Network, depth: &Depth, kept: &[Vec<usize>], answers: Option<&Answers>) -> Result<Network> {
    let pruned = surgery::remove(&depth.of_network(network)?, kept)?;
    let Some(answers) = answers else { return Ok(pruned) };
    let mut kept = kept.iter();
    let weighted = depth.left().iter().enumerate().filter(|(_, layer)| network.layers[**layer] != Layer::Pool);
    let pair =
        |(pruned, unpruned): (usize, &usize)| Pair { unpruned: *unpruned, pruned, outputs: kept.next().cloned() };
    let pairs: Vec<Pair> = weighted.map(pair).collect();
    let is_whole = |pair: &Pair| {
        pair.outputs.as_ref().is_none_or(|kept| kept.len() == Affine::of(&network.layers[pair.unpruned]).outputs())
    };
    let is_after_all = |pair: &Pair| pair.unpruned == pair.pruned;
    let whole = pairs.iter().take_while(|pair| is_after_all(pair) && is_whole(pair)).count();
    // The first that is narrower still takes what it took.
    let first = whole + usize::from(pairs.get(whole).is_some_and(is_after_all));
    fit(network, pruned, pairs.get(first..).unwrap_or_default(), answers)
}

/// A layer with weights in two networks.
struct Pair {
    /// Its index in the one.
    unpruned: usize,
    /// Its index in the other.
    pruned: usize,
    /// The outputs that it has left; where absent, all.
    outputs: Option<Vec<usize>>,
}

/// Gives these layers of `pruned` new weights, one after the other.
fn fit(network: &Network, mut pruned: Network, pairs: &[Pair], answers: &Answers) -> Result<Network> {
    if pairs.is_empty() {
        return Ok(pruned);
    }
    let names = network.layer_names();
    let fits = |pair: &&Pair| Moments::fits(Affine::of(&pruned.layers[pair.pruned]).weights.nrows());
    let fitted: Vec<&Pair> = pairs.iter().filter(fits).collect();
    let mut passage = answers.passage(&pruned);
    for pair in fitted {
        passage.go(&pruned, pair.pruned)?;
        let cut = Affine::of(&pruned.layers[pair.pruned]);
        let moments = Moments::observe(answers, pair, cut.weights.nrows(), &passage)?;
        let fit = moments.fit(&cut);
        fit.and_then(|fit| fit.put(&mut pruned.layers[pair.pruned])).with_context(|| names[pair.unpruned].clone())?;
    }
    Ok(pruned)
}

#[cfg(test)]
mod tests;
