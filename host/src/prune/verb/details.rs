//! The figures that only the report's page shows.

use anyhow::Result;

use super::Bench;
use crate::export::Blob;
use crate::network::Network;
use crate::prune::survey::Survey;
use crate::quantize::layout;
use crate::report::details::{self, BoardFigures, Details, MadeBy, SurveyFigures};

impl Bench<'_> {
    /// All but the device's part.
    pub(super) fn details(&self, survey: &Survey, pruned: &Network, blob: &Blob) -> Result<Details> {
        let unpruned = layout::table(&self.unpruned.arch, self.unpruned.input, self.unpruned.classes)?;
        let (model, names) = (blob.model()?, pruned.layer_names());
        let names: Vec<String> = names.into_iter().filter(|name| !name.starts_with("pool")).collect();
        let options = &self.request.survey;
        Ok(Details {
            made_by: Some(MadeBy::this(details::typed())),
            board: Some(BoardFigures::from(&self.request.board)),
            survey: Some(SurveyFigures {
                images: options.images,
                alpha: options.criterion.alpha,
                curves: survey.orders().into_iter().map(|order| order.kept_share).collect(),
            }),
            steps: details::steps(&model, &unpruned, &names)?,
            arena: details::arena(&model, &names)?,
            ..Details::default()
        })
    }
}
