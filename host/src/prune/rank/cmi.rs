//! By conditional mutual information: the survey.

use anyhow::Result;

use super::{Options, Ranking, Subject};
use crate::prune::{LayerOrder, survey};

/// The survey's orders, and I(Y; S_t) as the worth of t filters.
pub(super) struct Cmi {
    pub(super) options: Options,
}

impl Ranking for Cmi {
    fn orders(&self, subject: &Subject) -> Result<Vec<LayerOrder>> {
        let Options { criterion, cache } = &self.options;
        let options = survey::Options { criterion: *criterion, images: subject.images.len(), seed: subject.seed };
        Ok(survey::survey(subject.network, subject.train, &options, cache)?.orders())
    }
}
