//! By the batch norm's scale.

use anyhow::Result;

use super::{Ranking, Subject, by_scores, prunable};
use crate::network::Layer;
use crate::prune::LayerOrder;

/// |γ| of a filter's batch norm. Liu et al. 2017 (arXiv 1708.06519), whose training also drives γ to 0 by an L1 penalty;
/// here every ranking sees the same network.
pub(super) struct BnScale;

impl Ranking for BnScale {
    fn orders(&self, subject: &Subject) -> Result<Vec<LayerOrder>> {
        Ok(by_scores(subject.network, prunable(subject.network).map(scores)))
    }
}

fn scores(layer: &Layer) -> Vec<f64> {
    let gamma = match layer {
        Layer::Conv(conv) => conv.norm.gamma.as_slice(),
        Layer::Hidden(hidden) => hidden.norm.gamma.as_slice(),
        Layer::Pool | Layer::Classifier(_) => &[],
    };
    gamma.iter().map(|gamma| f64::from(gamma.abs())).collect()
}
