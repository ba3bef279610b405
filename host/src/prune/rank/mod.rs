//! The ways to order a layer's filters, behind one trait: [`cmi`] is what pruning uses, the others are what it is compared
//! with. Another one is a file with a `Ranking`, a variant of [`Method`] and its line in [`Method::ranking`].

mod bn_scale;
mod cka;
mod cmi;
mod l1;
mod mi;
mod random;
mod taylor;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::across::{Direction, Formulation, Walk};
use super::depth::Depth;
use super::order::LayerOrder;
use super::survey;
use crate::data::Images;
use crate::inform::{Criterion, Mode};
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
        let images = survey::draw(train, images, seed)?;
        Ok(Self { network, train, images, seed })
    }
}

/// What the filters are to fill.
pub struct Target<'a> {
    /// The layers of the subject's network that are left.
    pub depth: &'a Depth,
    /// The network of these layers, fitted.
    pub network: &'a Network,
    /// How many filters each of its prunable layers keeps.
    pub widths: &'a [usize],
}

/// A way to order every prunable layer's filters from the first to keep to the first to go.
pub trait Ranking {
    /// One order per prunable layer, in the network's order; the same subject gives the same orders.
    ///
    /// # Errors
    /// A network that cannot be run on the images.
    fn orders(&self, subject: &Subject) -> Result<Vec<LayerOrder>>;

    /// The orders once it is known what they are to fill, of the layers that are left; `orders` are all from before.
    ///
    /// # Errors
    /// As for `orders`.
    fn orders_at(&self, subject: &Subject, orders: &[LayerOrder], target: &Target) -> Result<Vec<LayerOrder>> {
        Ok(target.depth.of(subject.network, orders))
    }
}

/// The rankings by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Conditional mutual information with the label, given the layer's filters kept so far.
    Cmi,
    /// CMI given also what the layer before keeps.
    CmiCompact,
    /// CMI given also what all layers before keep.
    CmiFull,
    /// As cmi-compact, from the layer that loses most to both ends.
    CmiCompactBidirectional,
    /// As cmi-full, from the layer that loses most to both ends.
    CmiFullBidirectional,
    /// CMI of the filters' maps alone.
    CmiMaps,
    /// CMI of the maps with the published kernels: a sigma a channel, and wide over label columns.
    CmiFaithful,
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
    /// Redundancy: of filters that answer alike one goes.
    Cka,
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
    /// One of each kind; the others are variants of CMI.
    pub const KINDS: [Method; 7] =
        [Method::Cmi, Method::Random, Method::L1, Method::Mi, Method::BnScale, Method::Taylor, Method::Cka];

    /// The ranking of this name.
    pub fn ranking(self, options: &Options) -> Box<dyn Ranking> {
        use Direction::{Bidirectional, Forward};
        use Formulation::{Compact, Full, PerLayer};
        let cmi = |formulation, direction| {
            let walk = Walk { formulation, direction, start: None };
            Box::new(cmi::Cmi { options: options.clone(), walk })
        };
        let of_mode = |mode| {
            let criterion = Criterion { mode, ..options.criterion };
            Box::new(cmi::Cmi { options: Options { criterion, ..options.clone() }, walk: Walk::default() })
        };
        match self {
            Method::Cmi => cmi(PerLayer, Forward),
            Method::CmiCompact => cmi(Compact, Forward),
            Method::CmiFull => cmi(Full, Forward),
            Method::CmiCompactBidirectional => cmi(Compact, Bidirectional),
            Method::CmiFullBidirectional => cmi(Full, Bidirectional),
            Method::CmiMaps => of_mode(Mode::Maps),
            Method::CmiFaithful => of_mode(Mode::Faithful),
            Method::Random => Box::new(random::Random),
            Method::L1 => Box::new(l1::L1),
            Method::Mi => Box::new(mi::Mi { criterion: options.criterion }),
            Method::BnScale => Box::new(bn_scale::BnScale),
            Method::Taylor => Box::new(taylor::Taylor),
            Method::Cka => Box::new(cka::Cka),
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
    layers.map(|(layer, scores)| LayerOrder::by_score(&names[layer], &scores)).collect()
}

/// The prunable layers themselves, in order.
fn prunable(network: &Network) -> impl Iterator<Item = &Layer> {
    network.prunable().into_iter().map(|layer| &network.layers[layer])
}
