//! By conditional mutual information: the survey.

use anyhow::Result;

use super::{Options, Ranking, Subject, Target};
use crate::prune::across::Walk;
use crate::prune::{LayerOrder, Survey, survey};

/// The survey's orders, and I(Y; S_t) as the worth of t filters.
pub(super) struct Cmi {
    pub(super) options: Options,
    pub(super) walk: Walk,
}

impl Cmi {
    fn survey(&self, subject: &Subject) -> Result<(survey::Options, Survey)> {
        let options =
            survey::Options { criterion: self.options.criterion, images: subject.images.len(), seed: subject.seed };
        let survey = survey::survey(subject.network, subject.train, &options, &self.options.cache)?;
        Ok((options, survey))
    }
}

impl Ranking for Cmi {
    fn orders(&self, subject: &Subject) -> Result<Vec<LayerOrder>> {
        Ok(self.survey(subject)?.1.orders())
    }

    fn orders_at(&self, subject: &Subject, _: &[LayerOrder], target: &Target) -> Result<Vec<LayerOrder>> {
        let (options, survey) = self.survey(subject)?;
        let survey = Survey { layers: target.depth.of(subject.network, &survey.layers) };
        let cache = &self.options.cache;
        Ok(self.walk.survey(target.network, subject.train, &options, survey, target.widths, cache)?.orders())
    }
}
