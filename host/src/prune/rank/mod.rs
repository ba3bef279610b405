//! The ways to order a layer's filters, behind one trait: [`cmi`] is what pruning uses, the others are what it is compared
//! with. Another one is a file with a `Ranking`, a variant of [`Method`] and its line in [`Method::ranking`].

mod bn_scale;
mod cmi;
mod l1;
mod mi;
mod random;
mod taylor;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use rand::{SeedableRng, seq::index};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::order::LayerOrder;
use crate::data::Images;
use crate::inform::Criterion;
use crate::network::{Layer, Network};

/// What is ranked.
pub struct Subject<'a> {
    /// The trained network.
    pub network: &'a Network,
    /// Its training images.
    pub train: &'a Images,
    /// Those of them that rankings may look at.
    pub images: Images,
    /// What chose them, and decides whatever else is random.
    pub seed: u64,
}

impl<'a> Subject<'a> {
    /// A network, and so many of its training images: those that a survey of this seed draws.
    ///
    /// # Errors
    /// Fewer than two images, or more than there are.
    pub fn new(network: &'a Network, train: &'a Images, images: usize, seed: u64) -> Result<Self> {
        ensure!(
            (2..=train.len()).contains(&images),
            "a ranking on {images} images: give --survey-images from 2 to {}, the training part's images",
            train.len()
        );
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let images = train.select(&index::sample(&mut rng, train.len(), images).into_vec());
        Ok(Self { network, train, images, seed })
    }
}

/// A way to order every prunable layer's filters from the first to keep to the first to go.
pub trait Ranking {
    /// One order per prunable layer, in the network's order; the same subject gives the same orders.
    ///
    /// # Errors
    /// A network that cannot be run on the images.
    fn orders(&self, subject: &Subject) -> Result<Vec<LayerOrder>>;
}

/// The rankings by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Conditional mutual information with the label, given the filters kept so far.
    Cmi,
    /// By chance.
    Random,
    /// The sum of a filter's absolute weights.
    L1,
    /// Mutual information of a filter alone with the label.
    Mi,
    /// The batch norm's absolute scale.
    BnScale,
    /// What the loss would change by without the filter, to first order.
    Taylor,
}

/// What rankings need besides their subject.
#[derive(Clone, Debug)]
pub struct Options {
    /// How information is estimated.
    pub criterion: Criterion,
    /// The folder where surveys are kept.
    pub cache: PathBuf,
}

impl Method {
    /// The ranking of this name.
    pub fn ranking(self, options: &Options) -> Box<dyn Ranking> {
        match self {
            Method::Cmi => Box::new(cmi::Cmi { options: options.clone() }),
            Method::Random => Box::new(random::Random),
            Method::L1 => Box::new(l1::L1),
            Method::Mi => Box::new(mi::Mi { criterion: options.criterion }),
            Method::BnScale => Box::new(bn_scale::BnScale),
            Method::Taylor => Box::new(taylor::Taylor),
        }
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.to_possible_value().map_or(Ok(()), |value| f.write_str(value.get_name()))
    }
}

/// The orders by each prunable layer's scores.
fn by_scores(network: &Network, scores: impl IntoIterator<Item = Vec<f64>>) -> Vec<LayerOrder> {
    let names = network.layer_names();
    let layers = network.prunable().into_iter().zip(scores);
    let order = |(layer, scores): (usize, Vec<f64>)| {
        let mut order = LayerOrder::by_score(&names[layer], &scores);
        // Sums that round up would pass 1 and fall back to it at the end.
        order.kept_share.iter_mut().for_each(|share| *share = share.min(1.0));
        order
    };
    layers.map(order).collect()
}

/// The prunable layers themselves, in order.
fn prunable(network: &Network) -> impl Iterator<Item = &Layer> {
    network.prunable().into_iter().map(|layer| &network.layers[layer])
}
