//! The verb `survey`: how much each layer tells, without pruning anything.

use std::path::{Path, PathBuf};

use anyhow::Result;
use tabled::builder::Builder;

use super::inputs;
use super::survey::{self, Options, Survey};
use crate::data::files::write_atomically;
use crate::inform::{LayerRanking, Proof};
use crate::report::render;

/// What `survey` was asked to do.
#[derive(Debug)]
pub struct Request {
    /// The trained network.
    pub network: PathBuf,
    /// The data set.
    pub data: String,
    /// How filters are ranked.
    pub options: Options,
    /// Where orders and curves go.
    pub json: Option<PathBuf>,
}

/// Ranks and prints.
///
/// # Errors
/// What cannot be read or ranked.
pub fn run(request: &Request) -> Result<()> {
    let (network, data) = inputs::open(&request.network, &request.data)?;
    let survey = survey::survey(&network, &data.train, &request.options, &Path::new("out").join("cache"))?;
    println!("{}", table(&survey));
    match &request.json {
        Some(path) => write_atomically(path, &serde_json::to_vec_pretty(&survey)?),
        None => Ok(()),
    }
}

/// How many candidates were evaluated, and how far under each step's winner the bounds of all others stayed.
fn evaluated(ranking: &LayerRanking) -> String {
    let Proof { evaluated, skipped, margin } = ranking.proof;
    let rest = margin.map_or(String::new(), |margin| format!(", the others proven {margin:.0e} nats short"));
    format!("{evaluated} of {}{rest}", evaluated + skipped)
}

/// The share of I(Y; F) that parts of each order keep.
fn table(survey: &Survey) -> String {
    let mut table = Builder::default();
    table.push_record([
        "layer",
        "filters",
        "I(Y;F) nats",
        "in 1/8",
        "in 1/4",
        "in 1/2",
        "in 3/4",
        "order",
        "evaluated",
    ]);
    for layer in &survey.layers {
        let ranking = &layer.ranking;
        let filters = ranking.order.len();
        let kept = |eighths: usize| format!("{:.1} %", 100.0 * ranking.kept_share(filters * eighths / 8));
        table.push_record([
            layer.name.clone(),
            filters.to_string(),
            format!("{:.3}", ranking.information.last().copied().unwrap_or(0.0)),
            kept(1),
            kept(2),
            kept(4),
            kept(6),
            ranking.saturated_after.map_or("to the end".to_owned(), |after| format!("saturates after {after}")),
            evaluated(ranking),
        ]);
    }
    render(table)
}
