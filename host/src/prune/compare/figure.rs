//! The rows as a drawing: test accuracy against the image's bytes.

use std::ops::Range;

use anyhow::{Result, anyhow};
use plotters::chart::SeriesLabelPosition;
use plotters::coord::Shift;
use plotters::prelude::*;

use super::summary::{Cell, Comparison, Row};
use crate::report::size;

/// In pixels.
const SIZE: (u32, u32) = (900, 560);
/// Half of an error bar's cap, in doublings of the bytes.
const CAP: f64 = 0.02;
const FONT: (&str, u32) = ("sans-serif", 14);

/// Lines with error bars, one per row; `compare.svg`.
///
/// # Errors
/// None that data can cause.
pub(super) fn svg(comparison: &Comparison) -> Result<String> {
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
    draw(comparison, &area).map_err(|why| anyhow!("cannot draw the comparison: {why}"))?;
    drop(area);
    Ok(text)
}

type Drawn = Result<(), Box<dyn std::error::Error>>;

fn draw(comparison: &Comparison, area: &DrawingArea<SVGBackend, Shift>) -> Drawn {
    area.fill(&WHITE)?;
    let title = format!("{} on {}", comparison.settings.arch, comparison.settings.data);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 18))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(56)
        .build_cartesian_2d(doublings(comparison), percents(comparison))?;
    chart
        .configure_mesh()
        .x_desc("flash of the image, bytes")
        .y_desc("test accuracy, %")
        .x_label_formatter(&|doublings| size::short(doublings.exp2().round() as u32))
        .label_style(FONT)
        .axis_desc_style(FONT)
        .light_line_style(WHITE)
        .draw()?;
    for (place, row) in comparison.rows.iter().enumerate() {
        let color = Palette99::pick(place).to_rgba();
        let points: Vec<(f64, f64)> = row.cells.iter().map(point).collect();
        let name = format!("{}, {} widths", row.ranking, row.widths);
        chart
            .draw_series(LineSeries::new(points.clone(), color.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], color.stroke_width(2)));
        chart.draw_series(points.iter().map(|at| Circle::new(*at, 3, color.filled())))?;
        let strokes = bars(row).flat_map(|(x, [low, high])| strokes(x, low, high));
        chart.draw_series(strokes.map(|ends| PathElement::new(ends, color.stroke_width(1))))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.4))
        .label_font(FONT)
        .draw()?;
    area.present()?;
    Ok(())
}

/// log2 of the bytes, so that every halving of the budget is a step; percent.
fn point(cell: &Cell) -> (f64, f64) {
    (cell.flash_bytes.mean.log2(), 100.0 * cell.test.mean)
}

/// A standard deviation up and down, where there is one.
fn bars(row: &Row) -> impl Iterator<Item = (f64, [f64; 2])> {
    row.cells.iter().filter_map(|cell| {
        let ((x, middle), deviation) = (point(cell), 100.0 * cell.test.deviation?);
        Some((x, [middle - deviation, middle + deviation]))
    })
}

/// An error bar: a line, and a cap at each end.
fn strokes(x: f64, low: f64, high: f64) -> [[(f64, f64); 2]; 3] {
    [[(x, low), (x, high)], [(x - CAP, low), (x + CAP, low)], [(x - CAP, high), (x + CAP, high)]]
}

/// The axis of log2 bytes, with room at both ends.
fn doublings(comparison: &Comparison) -> Range<f64> {
    let points = comparison.rows.iter().flat_map(|row| &row.cells).map(|cell| point(cell).0);
    let (low, high) = ends(points);
    low - 0.25..high + 0.25
}

/// The axis of percents, with room at both ends.
fn percents(comparison: &Comparison) -> Range<f64> {
    let points = comparison.rows.iter().flat_map(|row| &row.cells).map(|cell| point(cell).1);
    let bars = comparison.rows.iter().flat_map(bars).flat_map(|(_, bar)| bar);
    let (low, high) = ends(points.chain(bars));
    let room = (0.08 * (high - low)).max(0.5);
    low - room..high + room
}

fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
}
