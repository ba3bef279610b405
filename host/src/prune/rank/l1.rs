//! By the size of the weights.

use anyhow::Result;

use super::{Ranking, Subject, by_scores, prunable};
use crate::network::Layer;
use crate::prune::LayerOrder;

/// The sum of |w| over a filter's weights. Li et al. 2017 (arXiv 1608.08710).
pub(super) struct L1;

impl Ranking for L1 {
    fn orders(&self, subject: &Subject) -> Result<Vec<LayerOrder>> {
        Ok(by_scores(subject.network, prunable(subject.network).map(scores)))
    }
}

fn scores(layer: &Layer) -> Vec<f64> {
    let (weights, per_filter) = match layer {
        Layer::Conv(conv) => (conv.weight_oihw.as_slice(), conv.inputs * 9),
        Layer::Hidden(hidden) => (hidden.weight_oi.as_slice(), hidden.inputs),
        Layer::Pool | Layer::Classifier(_) => return Vec::new(),
    };
    weights.chunks_exact(per_filter).map(|filter| filter.iter().map(|weight| f64::from(weight.abs())).sum()).collect()
}
