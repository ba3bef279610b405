//! Cutoffs: how many filters of its order each layer keeps by the curve alone, with no budget in mind.
//!
//! `scree` and `x_means` name candidates on a layer's curve, and validation picks among them; the permutation test
//! answers by itself. All widths are of one layer with the others whole.

mod k_means;
pub mod scree;
#[cfg(test)]
mod tests;
pub mod x_means;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use serde::Serialize;
use tabled::builder::Builder;

use super::order::LayerOrder;
use super::reconstruct::{self, Answers};
use super::{surgery, survey};
use crate::data::Images;
use crate::inform::{Criterion, Maps, PermutationTest};
use crate::network::{Network, evaluate};
use crate::report::render;

/// How many filters a layer keeps before the budget has its say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Cutoff {
    /// All: the budget alone decides.
    #[default]
    Budget,
    /// Where the curve bends most; validation picks among three.
    Scree,
    /// Where the curve's points fall into groups; validation picks among them.
    XMeans,
    /// Filters that tell more than themselves on permuted images.
    Permutation,
}

/// What cutoffs look at.
pub struct Evidence<'a> {
    /// The unpruned network.
    pub network: &'a Network,
    /// One per prunable layer.
    pub orders: &'a [LayerOrder],
    /// What layers are fitted to before a candidate is judged.
    pub answers: Option<&'a Answers>,
    /// Images that pick among candidates.
    pub validation: &'a Images,
    /// The survey's images; the permutation test alone reads them.
    pub images: &'a Images,
    /// How information was estimated.
    pub criterion: Criterion,
    /// How a filter is told from chance.
    pub test: PermutationTest,
}

/// What one layer keeps, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerCut {
    /// As in `Network::layer_names`.
    pub name: String,
    /// The filters that it has.
    pub filters: usize,
    /// The filters that it keeps: a prefix of its order, never none.
    pub kept: usize,
    /// The candidates, ascending; none where the cutoff answers by itself.
    pub tried: Vec<Tried>,
    /// The permutation test's p-values along the order, to the one that failed.
    pub p_values: Vec<f64>,
}

/// A candidate and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Tried {
    /// Filters kept in this layer, all in the others.
    pub kept: usize,
    /// The share of validation images then classified right, without fine-tuning.
    pub accuracy: f64,
}

/// What every layer keeps under a cutoff.
///
/// # Errors
/// Orders that are not one per prunable layer; what surgery or the network refuses.
pub fn cut(cutoff: Cutoff, evidence: &Evidence) -> Result<Vec<LayerCut>> {
    let (orders, layers) = (evidence.orders, evidence.network.prunable().len());
    ensure!(orders.len() == layers, "{} orders for {layers} layers: rank every layer", orders.len());
    match cutoff {
        Cutoff::Budget => Ok(orders.iter().map(LayerCut::whole).collect()),
        Cutoff::Scree => (0..layers).map(|layer| evidence.tried(layer, scree::candidates)).collect(),
        Cutoff::XMeans => (0..layers).map(|layer| evidence.tried(layer, x_means::candidates)).collect(),
        Cutoff::Permutation => {
            let maps = survey::observed(evidence.network, evidence.images, evidence.criterion.mode)?;
            orders.iter().zip(&maps).map(|(order, maps)| evidence.tested(order, maps)).collect()
        }
    }
}

/// One width per layer.
pub fn widths(cuts: &[LayerCut]) -> Vec<usize> {
    cuts.iter().map(|cut| cut.kept).collect()
}

/// Candidates on one line of the table.
const PER_LINE: usize = 5;

/// What was tried, a layer a row.
pub fn table(cuts: &[LayerCut]) -> String {
    let mut table = Builder::default();
    table.push_record(["layer", "filters", "kept", "tried"]);
    for cut in cuts {
        let tried = |tried: &Tried| format!("{}: {:.1} %", tried.kept, 100.0 * tried.accuracy);
        let line = |line: &[Tried]| line.iter().map(tried).collect::<Vec<_>>().join(", ");
        let mut why: Vec<String> = cut.tried.chunks(PER_LINE).map(line).collect();
        why.extend(cut.p_values.last().map(|p| format!("p = {p:.2} after {}", cut.p_values.len() - 1)));
        table.push_record([cut.name.clone(), cut.filters.to_string(), cut.kept.to_string(), why.join("\n")]);
    }
    render(table)
}

impl Evidence<'_> {
    /// The candidate that validation likes best, of equals the narrowest, by real surgery on this one layer
    /// and what makes up for it in those after it.
    fn tried(&self, layer: usize, candidates: fn(&[f64]) -> Vec<usize>) -> Result<LayerCut> {
        let order = &self.orders[layer];
        let mut cut = LayerCut::whole(order);
        for kept in candidates(&curve(order)) {
            cut.tried.push(Tried { kept, accuracy: self.accuracy(layer, kept)? });
        }
        let mut most = f64::NEG_INFINITY;
        for tried in &cut.tried {
            if tried.accuracy > most {
                (most, cut.kept) = (tried.accuracy, tried.kept);
            }
        }
        Ok(cut)
    }

    fn accuracy(&self, layer: usize, kept: usize) -> Result<f64> {
        let mut widths: Vec<usize> = self.orders.iter().map(LayerOrder::filters).collect();
        widths[layer] = kept;
        let pruned = reconstruct::remove(self.network, &surgery::kept(self.orders, &widths), self.answers)?;
        evaluate::accuracy(&pruned, self.validation)
    }

    /// The filters before the first that chance could replace; one where that is the first.
    fn tested(&self, order: &LayerOrder, maps: &Maps) -> Result<LayerCut> {
        let tested = self.test.run(maps, &self.images.labels, &self.criterion, &order.order, &[])?;
        Ok(LayerCut { kept: tested.kept.max(1), p_values: tested.p_values, ..LayerCut::whole(order) })
    }
}

impl LayerCut {
    /// Nothing cut and nothing tried.
    fn whole(order: &LayerOrder) -> Self {
        let filters = order.filters();
        Self { name: order.name.clone(), filters, kept: filters, tried: Vec::new(), p_values: Vec::new() }
    }
}

/// c_t / c_0, t = 0..=F: the share of the layer's worth that the first t filters leave behind.
fn curve(order: &LayerOrder) -> Vec<f64> {
    order.kept_share.iter().map(|share| 1.0 - share).collect()
}

/// Shares nearer than this are the same: rounding, or a tie's 1e-9 nats.
const SAME: f64 = 1e-9;

/// c_t / c_0; none where the curve has no bend to cut at: where it tells nothing, does not fall, or is a straight line.
fn shares(curve: &[f64]) -> Option<Vec<f64>> {
    let (&whole, last) = (curve.first()?, curve.len() - 1);
    if last == 0 || whole <= 0.0 || !curve.iter().all(|c| c.is_finite()) {
        return None;
    }
    let shares: Vec<f64> = curve.iter().map(|c| c / whole).collect();
    let line = |t: usize| 1.0 + (shares[last] - 1.0) * t as f64 / last as f64;
    let bends = (0..=last).any(|t| (shares[t] - line(t)).abs() > SAME);
    (bends && shares[last] < 1.0 - SAME).then_some(shares)
}
