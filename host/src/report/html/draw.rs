//! Drawings as inline SVG, by plotters. They hold no text but that of axes, so that a page is read by text alone.

use std::ops::Range;

use anyhow::{Result, anyhow};
use plotters::chart::ChartBuilder;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{PathElement, Rectangle};
use plotters::prelude::{LineSeries, SVGBackend};
use plotters::style::{Color as _, IntoFont, TextStyle};

use super::markup::Html;
use super::palette::Color;

/// What a drawing shows, for those who do not see it.
pub(super) struct Words<'a> {
    pub(super) title: &'a str,
    pub(super) description: &'a str,
}

/// A rectangle on a strip: along it in the strip's own units, and across it as shares of its height.
pub(super) struct Bar {
    along: Range<f64>,
    across: Range<f64>,
    color: Color,
}

impl Bar {
    /// Over the strip's whole height.
    pub(super) fn new(along: Range<f64>, color: Color) -> Self {
        Self { along, across: 0.0..1.0, color }
    }

    /// Over a part of it.
    pub(super) fn across(self, across: Range<f64>) -> Self {
        Self { across, ..self }
    }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// Pixels of a strip's drawing before it is stretched: enough for a thousandth to be seen.
const STRIP: (u32, u32) = (2_000, 100);

/// Of [`STRIP`], what a bar has at the least: it would not be seen otherwise.
const THINNEST: i32 = 5;

/// Bars, in the order in which they are drawn, along 0..`whole`; the page gives it its width.
///
/// # Errors
/// None that data can cause.
pub(super) fn strip(bars: &[Bar], whole: f64, words: Words) -> Result<Html> {
    let whole = if whole > 0.0 { whole } else { 1.0 };
    let body = draw(STRIP, |area| {
        for Bar { along, across, color } in bars {
            let x = |value: f64| ((value / whole).clamp(0.0, 1.0) * f64::from(STRIP.0)).round() as i32;
            let y = |share: f64| (share * f64::from(STRIP.1)).round() as i32;
            let right = x(along.end).max((x(along.start) + THINNEST).min(STRIP.0 as i32));
            let left = x(along.start).min(right - THINNEST);
            let corners = [(left, y(across.start)), (right, y(across.end))];
            if along.start < along.end {
                area.draw(&Rectangle::new(corners, color.rgb().filled()))?;
            }
        }
        Ok(())
    })?;
    let (width, height) = STRIP;
    let attributes = format!("class=\"strip\" viewBox=\"0 0 {width} {height}\" preserveAspectRatio=\"none\"");
    Ok(Html::svg(&attributes, words.title, words.description, &body))
}

/// A curve of shares over 0..=F, and where it is marked.
pub(super) struct Curve<'a> {
    /// One share for each of 0..=F.
    pub(super) shares: &'a [f64],
    /// Where the layer is cut.
    pub(super) cut: usize,
    /// From where rounding decides.
    pub(super) saturated_after: Option<usize>,
}

const CURVE: (u32, u32) = (230, 140);

/// The curve with its axes.
///
/// # Errors
/// None that data can cause.
pub(super) fn curve(curve: &Curve, words: Words) -> Result<Html> {
    let body = draw(CURVE, |area| draw_curve(curve, area))?;
    let (width, height) = CURVE;
    Ok(Html::svg(&format!("viewBox=\"0 0 {width} {height}\""), words.title, words.description, &body))
}

fn draw_curve(curve: &Curve, area: &Area) -> Drawn {
    let last = curve.shares.len().saturating_sub(1).max(1) as f64;
    let mut chart = ChartBuilder::on(area)
        .margin_top(6)
        .margin_right(12)
        .x_label_area_size(20)
        .y_label_area_size(40)
        .build_cartesian_2d(0.0..last, 0.0..1.0)?;
    let muted = Color::Muted.rgb();
    let label = TextStyle::from(("sans-serif", 11).into_font()).color(&muted);
    chart
        .configure_mesh()
        .disable_mesh()
        .axis_style(muted)
        .label_style(label)
        .x_labels(5)
        .y_labels(3)
        .x_label_formatter(&|filters| format!("{filters:.0}"))
        .y_label_formatter(&|share| format!("{:.0} %", 100.0 * share))
        .draw()?;
    if let Some(after) = curve.saturated_after {
        let full = Rectangle::new([(after as f64, 0.0), (last, 1.0)], Color::Track.rgb().filled());
        chart.draw_series([full])?;
    }
    let cut = vec![(curve.cut as f64, 0.0), (curve.cut as f64, 1.0)];
    chart.draw_series([PathElement::new(cut, Color::Orange.rgb().stroke_width(2))])?;
    let points = curve.shares.iter().enumerate().map(|(filters, share)| (filters as f64, *share));
    chart.draw_series(LineSeries::new(points, Color::Blue.rgb().stroke_width(2)))?;
    Ok(())
}

/// The content of plotters' SVG.
fn draw(size: (u32, u32), paint: impl FnOnce(&Area) -> Drawn) -> Result<String> {
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
    paint(&area).and_then(|()| Ok(area.present()?)).map_err(|why| anyhow!("cannot draw the report: {why}"))?;
    drop(area);
    let body = text.split_once('>').map_or("", |(_, body)| body);
    Ok(body.trim().trim_end_matches("</svg>").to_owned())
}
