//! By what each filter tells on its own.

use anyhow::Result;

use super::{Ranking, Subject, by_scores};
use crate::inform::{Criterion, marginal_information};
use crate::network::taps;
use crate::prune::LayerOrder;

/// I(Y; F_j) in nats, as HRel ranks (Sarvani et al. 2022), with the survey's kernel and entropy.
pub(super) struct Mi {
    pub(super) criterion: Criterion,
}

impl Ranking for Mi {
    fn orders(&self, subject: &Subject) -> Result<Vec<LayerOrder>> {
        let maps = taps::maps(subject.network, &subject.images)?;
        let scores = maps.iter().map(|maps| marginal_information(maps, &subject.images.labels, &self.criterion));
        Ok(by_scores(subject.network, scores.collect::<Result<Vec<_>>>()?))
    }
}
