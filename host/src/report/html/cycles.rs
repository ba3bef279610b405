//! What each layer costs on the board, where it was counted.

use anyhow::Result;

use super::draw::{Bar, Words, strip};
use super::markup::{Html, figures, legend, note, row, section as titled};
use super::palette::Color;
use crate::report::{Report, thousands};
use crate::rig::bench::cycles::Source;
use crate::rig::bench::figures::{Figures, LayerCost};

pub(super) fn section(report: &Report) -> Result<Html> {
    let Some(counted) = &report.details.cycles else { return Ok(Html::default()) };
    let most = counted.layers.iter().map(|layer| layer.cycles.high).max().unwrap_or(0) as f64;
    let name = |index: usize| report.details.steps.get(index).map(|step| &*step.name);
    let rows = counted.layers.iter().enumerate().map(|(index, layer)| drawn(name(index), layer, most));
    let rows = rows.collect::<Result<Vec<_>>>()?;
    let legend = legend(&[(Color::Blue, "cycles"), (Color::Sky, beyond(counted.source))]);
    let pieces = [note(source(report, counted)), legend, Html::tag("div", rows), table(counted)];
    Ok(titled("Cycles of one image", pieces))
}

/// What a bar ends at.
fn beyond(source: Source) -> &'static str {
    if source == Source::Counter { "up to the most of an image" } else { "up to the highest reading of the timings" }
}

fn source(report: &Report, counted: &Figures) -> String {
    let clock = counted.runs.map(|runs| runs.clock_hz);
    let clock = clock.or_else(|| report.details.board.as_ref().map(|board| board.clock_hz)).map(f64::from);
    let total = counted.total().cycles.estimate;
    let time = clock
        .map_or(String::new(), |clock| format!(", {:.0} ms at {:.0} MHz", 1e3 * total as f64 / clock, clock / 1e6));
    let (board, note, total) = (&counted.board, counted.source.note(), thousands(total));
    let counted_by = match (counted.core, counted.runs) {
        (Some(core), _) => {
            format!("Instructions are counted on the emulated {board} ({}, not hardware); {note}", core.name())
        }
        (None, runs) => {
            let images = runs.map_or(0, |runs| runs.images);
            format!(
                "Counted on {board} itself (hardware), images: {images}, the median; {note}. Instructions are not counted there"
            )
        }
    };
    let compiler = counted.compiler.as_ref().map_or(String::new(), |compiler| format!(" The code is by {compiler}."));
    format!("{counted_by}. In all {total} cycles{time}.{compiler}")
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
        let counts = [layer.macs].into_iter().chain(layer.instructions);
        let figures = counts.chain([cycles.estimate, cycles.low, cycles.high]).map(thousands);
        [layer.name].into_iter().chain(figures).collect()
    });
    let instructions = counted.total().instructions.map(|_| "instructions");
    let head = ["layer", "MAC"].into_iter().chain(instructions).chain(counted.source.heads());
    figures(&head.collect::<Vec<_>>(), rows)
}
