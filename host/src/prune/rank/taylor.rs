//! By what the loss would lose, to first order.

use anyhow::Result;

use super::{Ranking, Subject, by_scores};
use crate::network::gradients::{self, GateGradients};
use crate::prune::LayerOrder;

/// The mean over images of |sum over positions of a dL/da|, on the maps a after the ReLU: the first-order change of an
/// image's cross entropy without the filter. Molchanov et al. 2019 (arXiv 1906.10771), with the absolute value of their
/// 2017 paper (arXiv 1611.06440) in place of the square.
pub(super) struct Taylor;

impl Ranking for Taylor {
    fn orders(&self, subject: &Subject) -> Result<Vec<LayerOrder>> {
        let layers = gradients::of_gates(subject.network, &subject.images)?;
        Ok(by_scores(subject.network, layers.iter().map(scores)))
    }
}

fn scores(layer: &GateGradients) -> Vec<f64> {
    let images = (layer.values.len() / layer.filters) as f64;
    let of = |filter: usize| layer.values.iter().skip(filter).step_by(layer.filters);
    (0..layer.filters)
        .map(|filter| of(filter).map(|gradient| f64::from(gradient.abs())).sum::<f64>() / images)
        .collect()
}
