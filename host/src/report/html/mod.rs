//! The report as a page: one file that needs nothing else, and says only what `report.json` says.

mod accuracy;
mod arena;
mod curves;
mod cycles;
mod draw;
mod headline;
mod layers;
mod markup;
mod memory;
mod origin;
mod palette;
mod planned;
#[cfg(test)]
mod tests;

use anyhow::Result;

use self::markup::Html;
use super::Report;

/// A part of the page; nothing where the report has no figures for it.
type Section = fn(&Report) -> Result<Html>;

const SECTIONS: [Section; 9] = [
    headline::section,
    accuracy::section,
    origin::section,
    curves::section,
    layers::section,
    memory::section,
    planned::section,
    arena::section,
    cycles::section,
];

/// The page of a report.
///
/// # Errors
/// None that data can cause.
pub fn page(report: &Report) -> Result<String> {
    let sections = SECTIONS.iter().map(|section| section(report)).collect::<Result<Vec<_>>>()?;
    Ok(Html::document(&format!("{}: report", report.name), &palette::style(), Html::tag("main", sections)))
}

/// A share as people read it.
fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// How much is left of what there was.
fn left(before: u64, after: u64) -> String {
    format!("{:.1} %", 100.0 * after as f64 / before.max(1) as f64)
}
