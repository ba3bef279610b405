//! Flash and RAM to scale.

use std::ops::Range;

use anyhow::Result;

use super::draw::{Bar, Words, strip};
use super::markup::{Html, figures, legend, note, section as titled};
use super::palette::Color;
use crate::report::details::BoardFigures;
use crate::report::{Report, bytes, thousands};

/// More erase sectors than this are not drawn.
const SECTORS_MAX: usize = 64;

/// A part of a memory, from its first byte to the one after its last.
struct Part {
    name: &'static str,
    bytes: Range<u32>,
    color: Color,
}

pub(super) fn section(report: &Report) -> Result<Html> {
    let Some(board) = &report.details.board else { return Ok(Html::default()) };
    Ok(titled("Memory", [flash(report, board)?, ram(report, board)?]))
}

fn flash(report: &Report, board: &BoardFigures) -> Result<Html> {
    let memory = &report.memory;
    let model = memory.code_bytes.saturating_add(memory.gap_bytes);
    let end = model.saturating_add(memory.blob_bytes);
    let budget = report.budget.flash_bytes;
    let shown = sectors(board).map(|sector| sector.end).find(|at| *at >= budget.max(end)).unwrap_or(board.flash_bytes);
    let parts = [
        Part { name: "code", bytes: 0..memory.code_bytes, color: Color::Blue },
        Part { name: "gap to the erase sector", bytes: memory.code_bytes..model, color: Color::Yellow },
        Part { name: "model", bytes: model..end, color: Color::Green },
        Part { name: "free within the budget", bytes: end..budget.max(end), color: Color::Track },
    ];
    let mut bars: Vec<Bar> = parts.iter().map(|part| part.bar(0.0..0.75)).collect();
    bars.extend(sector_bars(board, shown));
    bars.push(mark(budget, shown));
    let text = format!(
        "The first {} of {} of flash, to scale, with the erase sectors below: {}.",
        bytes(shown),
        bytes(board.flash_bytes),
        runs(board)
    );
    drawn("Flash", &text, &parts, bars, shown)
}

/// The stack is at the end of RAM and grows down.
fn ram(report: &Report, board: &BoardFigures) -> Result<Html> {
    let memory = &report.memory;
    let (whole, reserve) = (board.ram_bytes, memory.stack_reserve_bytes);
    let weights = memory.static_ram_bytes.saturating_add(memory.weights_in_ram_bytes);
    let arena = weights.saturating_add(memory.arena_bytes);
    let stack = whole.saturating_sub(reserve);
    let used = whole - memory.stack_high_water_bytes.unwrap_or(0).min(whole - stack);
    let is_measured = memory.stack_high_water_bytes.is_some();
    let unused = if is_measured { "stack reserve, never used" } else { "stack reserve, use not measured" };
    let mut parts = vec![
        Part { name: "static variables", bytes: 0..memory.static_ram_bytes, color: Color::Blue },
        Part { name: "hot weights", bytes: memory.static_ram_bytes..weights, color: Color::Yellow },
        Part { name: "arena", bytes: weights..arena, color: Color::Green },
        Part { name: "free", bytes: arena..stack, color: Color::Track },
        Part { name: unused, bytes: stack..used, color: Color::Sky },
    ];
    parts.retain(|part| part.name != "hot weights" || !part.bytes.is_empty());
    if is_measured {
        parts.push(Part { name: "stack used", bytes: used..whole, color: Color::Purple });
    }
    let mut bars: Vec<Bar> = parts.iter().map(|part| part.bar(0.0..1.0)).collect();
    bars.push(mark(report.budget.ram_bytes.saturating_sub(reserve), whole));
    let text = format!(
        "All {} of RAM, to scale; the stack begins at the end. Static variables and arena may reach the line: the \
         budget of {} less the stack's reserve of {}.",
        bytes(whole),
        bytes(report.budget.ram_bytes),
        bytes(reserve)
    );
    drawn("RAM", &text, &parts, bars, whole)
}

impl Part {
    fn bar(&self, across: Range<f64>) -> Bar {
        Bar::new(self.bytes.start.into()..self.bytes.end.into(), self.color).across(across)
    }

    fn length(&self) -> u32 {
        self.bytes.end.saturating_sub(self.bytes.start)
    }

    fn label(&self) -> String {
        format!("{} {}", self.name, bytes(self.length()))
    }
}

/// The budget's line.
fn mark(at: u32, whole: u32) -> Bar {
    let width = f64::from(whole) / 300.0;
    let end = f64::from(at).max(width);
    Bar::new(end - width..end, Color::Orange)
}

fn drawn(name: &str, text: &str, parts: &[Part], bars: Vec<Bar>, whole: u32) -> Result<Html> {
    let labels: Vec<String> = parts.iter().map(Part::label).collect();
    let description = labels.join(", ");
    let drawing = strip(&bars, whole.into(), Words { title: &format!("map of {name}"), description: &description })?;
    let mut entries: Vec<(Color, &str)> =
        parts.iter().zip(&labels).map(|(part, label)| (part.color, &**label)).collect();
    entries.push((Color::Orange, "the budget"));
    let ends =
        Html::tag("div class=\"ends axis\"", [Html::tag_text("span", "0"), Html::tag_text("span", bytes(whole))]);
    let rows = parts.iter().map(|part| {
        let (start, end) = (thousands(part.bytes.start.into()), thousands(part.bytes.end.into()));
        vec![part.name.to_owned(), start, end, thousands(part.length().into())]
    });
    let table = figures(&["part", "from", "to", "bytes"], rows);
    let map = Html::tag("div class=\"map\"", [drawing, ends]);
    Ok(Html::all([Html::tag_text("h3", name), note(text), map, legend(&entries), table]))
}

fn sectors(board: &BoardFigures) -> impl Iterator<Item = Range<u32>> + '_ {
    let lengths = board.sectors.iter().flat_map(|&(count, length)| (0..count).map(move |_| length));
    lengths.scan(0_u32, |end, length| {
        let start = *end;
        *end = end.saturating_add(length);
        Some(start..*end)
    })
}

/// Sectors one lighter, one darker; none where they would be a blur.
fn sector_bars(board: &BoardFigures, shown: u32) -> Vec<Bar> {
    let sectors: Vec<_> = sectors(board).take_while(|sector| sector.start < shown).collect();
    if sectors.len() > SECTORS_MAX {
        return Vec::new();
    }
    let shade = |index: usize| if index.is_multiple_of(2) { Color::Muted } else { Color::Track };
    let bar = |(index, sector): (usize, Range<u32>)| {
        Bar::new(sector.start.into()..sector.end.into(), shade(index)).across(0.82..1.0)
    };
    sectors.into_iter().enumerate().map(bar).collect()
}

fn runs(board: &BoardFigures) -> String {
    let runs: Vec<_> = board.sectors.iter().map(|(count, each)| format!("{count} of {}", bytes(*each))).collect();
    runs.join(", ")
}
