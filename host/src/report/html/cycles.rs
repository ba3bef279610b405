//! What each layer costs on the board, where it was counted.

use anyhow::Result;

use super::draw::{Bar, Words, strip};
use super::markup::{Html, figures, legend, note, row, section as titled};
use super::palette::Color;
use crate::report::{Report, thousands};
use crate::rig::bench::figures::{Figures, LayerCost};

pub(super) fn section(report: &Report) -> Result<Html> {
    let Some(counted) = &report.details.cycles else { return Ok(Html::default()) };
    let most = counted.layers.iter().map(|layer| layer.cycles.high).max().unwrap_or(0) as f64;
    let name = |index: usize| report.details.steps.get(index).map(|step| &*step.name);
    let rows = counted.layers.iter().enumerate().map(|(index, layer)| drawn(name(index), layer, most));
    let rows = rows.collect::<Result<Vec<_>>>()?;
    let legend = legend(&[(Color::Blue, "cycles"), (Color::Sky, "up to the highest reading of the timings")]);
    let pieces = [note(source(report, counted)), legend, Html::tag("div", rows), table(counted)];
    Ok(titled("Cycles of one image", pieces))
}

fn source(report: &Report, counted: &Figures) -> String {
    let core = counted.core.name();
    let total = counted.total().cycles.estimate;
    let time = report.details.board.as_ref().map_or(String::new(), |board| {
        let clock = f64::from(board.clock_hz);
        format!(", {:.0} ms at {:.0} MHz", 1e3 * total as f64 / clock, clock / 1e6)
    });
    format!(
        "Instructions are counted on the {} board ({core}, not hardware); {}. In all {} cycles{time}. The code is by {}.",
        report.kind,
        counted.source.note(),
        thousands(total),
        counted.compiler
    )
}

/// A layer's row, under its short name where there is one.
fn drawn(name: Option<&str>, layer: &LayerCost, most: f64) -> Result<Html> {
    let cycles = layer.cycles;
    let bars = [
        Bar::new(cycles.estimate as f64..cycles.high as f64, Color::Sky).across(0.2..0.8),
        Bar::new(0.0..cycles.estimate as f64, Color::Blue).across(0.2..0.8),
    ];
    let figure = thousands(cycles.estimate);
    let description = format!("{figure} cycles, {} to {}", thousands(cycles.low), thousands(cycles.high));
    let words = Words { title: &layer.name, description: &description };
    Ok(row(name.unwrap_or(&layer.name), strip(&bars, most, words)?, figure))
}

fn table(counted: &Figures) -> Html {
    let rows = counted.layers.iter().cloned().chain([counted.total()]).map(|layer| {
        let cycles = layer.cycles;
        let figures = [layer.macs, layer.instructions, cycles.estimate, cycles.low, cycles.high];
        [layer.name].into_iter().chain(figures.map(thousands)).collect()
    });
    figures(&["layer", "MAC", "instructions", "cycles", "from", "to"], rows)
}
