//! The arena, layer after layer: where tensors lie, and where an output takes the place of what was read.

use anyhow::Result;

use super::draw::{Bar, Words, strip};
use super::markup::{Html, axis, figures, legend, note, row, section as titled};
use super::palette::Color;
use crate::report::details::{ArenaStep, Place};
use crate::report::{Report, bytes, thousands};

pub(super) fn section(report: &Report) -> Result<Html> {
    let steps = &report.details.arena;
    let whole = report.memory.arena_bytes;
    if steps.is_empty() {
        return Ok(Html::default());
    }
    let rows = steps.iter().map(|step| drawn(step, whole)).collect::<Result<Vec<_>>>()?;
    let text = format!(
        "Time goes down, a layer a row; addresses go to the right, {} in all. A tensor is there from the layer that \
         makes it to the last one that reads it. An output may be written over rows of its input that were read for \
         the last time: these bytes are marked.",
        bytes(whole)
    );
    let has_kept = steps.iter().any(|step| !step.kept.is_empty());
    let colors = [
        (Color::Sky, "input"),
        (Color::Blue, "output"),
        (Color::Orange, "output over input"),
        (Color::Yellow, "scratch"),
        (Color::Muted, "kept for later"),
    ];
    let legend = legend(&colors[..if has_kept { 5 } else { 4 }]);
    let ends = axis("0", bytes(whole));
    Ok(titled(
        "The arena over time",
        [note(text), legend, Html::tag("div class=\"tight tall\"", rows), ends, table(steps)],
    ))
}

fn drawn(step: &ArenaStep, whole: u32) -> Result<Html> {
    let bar = |place: &Place, color| Bar::new(place.at.into()..place.end().into(), color);
    let mut bars = vec![Bar::new(0.0..whole.into(), Color::Track).across(0.06..0.94)];
    bars.extend(step.kept.iter().map(|place| bar(place, Color::Muted).across(0.06..0.94)));
    bars.extend(step.inputs.iter().map(|place| bar(place, Color::Sky).across(0.06..0.5)));
    bars.push(bar(&step.output, Color::Blue).across(0.5..0.94));
    bars.extend(shared(step).map(|place| bar(&place, Color::Orange).across(0.38..0.62)));
    bars.push(bar(&step.scratch, Color::Yellow).across(0.06..0.94));
    let in_use = format!("up to {}", bytes(extent(step)));
    let description =
        lines(step).map(|(what, place)| format!("{what} {}", range(place))).collect::<Vec<_>>().join(", ");
    Ok(row(&step.name, strip(&bars, whole.into(), Words { title: &step.name, description: &description })?, in_use))
}

/// The bytes of inputs that the output takes.
fn shared(step: &ArenaStep) -> impl Iterator<Item = Place> + '_ {
    step.inputs.iter().filter_map(|input| input.shared(step.output))
}

/// After the last byte that the layer touches or keeps.
fn extent(step: &ArenaStep) -> u32 {
    lines(step).map(|(_, place)| place.end()).max().unwrap_or(0)
}

fn lines(step: &ArenaStep) -> impl Iterator<Item = (&'static str, Place)> + '_ {
    let inputs = step.inputs.iter().map(|place| ("input", *place));
    let kept = step.kept.iter().map(|place| ("kept for later", *place));
    let scratch = Some(("scratch", step.scratch)).filter(|(_, place)| place.bytes > 0);
    inputs
        .chain([("output", step.output)])
        .chain(shared(step).map(|place| ("output over input", place)))
        .chain(kept)
        .chain(scratch)
}

fn range(place: Place) -> String {
    format!("{} to {}", thousands(place.at.into()), thousands(place.end().into()))
}

fn table(steps: &[ArenaStep]) -> Html {
    let rows = steps.iter().flat_map(|step| {
        lines(step).map(|(what, place)| {
            let figure = |count: u32| thousands(count.into());
            vec![step.name.clone(), what.to_owned(), figure(place.at), figure(place.end()), figure(place.bytes)]
        })
    });
    figures(&["layer", "what", "from", "to", "bytes"], rows)
}
