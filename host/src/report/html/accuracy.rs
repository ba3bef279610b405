//! The accuracy at each step on the way to the device, and how sure it is.

use anyhow::Result;

use super::draw::{Bar, Words, strip};
use super::markup::{Html, axis, figures, note, row, section as titled};
use super::palette::Color;
use super::percent;
use crate::report::interval::wilson;
use crate::report::{Report, thousands};

/// A share of images, with its interval.
struct Measured {
    step: &'static str,
    share: f64,
    images: usize,
    low: f64,
    high: f64,
}

impl Measured {
    fn new(step: &'static str, share: f64, images: usize) -> Self {
        let (low, high) = wilson(share, images);
        Self { step, share, images, low, high }
    }

    fn interval(&self) -> String {
        format!("{:.2} to {:.2} %", 100.0 * self.low, 100.0 * self.high)
    }

    fn row(&self, from: f64, to: f64) -> Result<Html> {
        let along = |share: f64| share - from;
        let half_tick = (to - from) / 400.0;
        let (low, high, middle) = (along(self.low), along(self.high), along(self.share));
        let bars = [
            Bar::new(0.0..to - from, Color::Track).across(0.46..0.54),
            Bar::new(low..high, Color::Sky).across(0.3..0.7),
            Bar::new(middle - half_tick..middle + half_tick, Color::Blue),
        ];
        let figure = format!("{} ({})", percent(self.share), self.interval());
        let words = Words { title: self.step, description: &figure };
        Ok(row(self.step, strip(&bars, to - from, words)?, &figure))
    }
}

pub(super) fn section(report: &Report) -> Result<Html> {
    let (accuracy, images) = (report.accuracy, report.images);
    let mut steps = vec![
        Measured::new("float", accuracy.baseline_float, images.host),
        Measured::new("pruned", accuracy.pruned_float, images.host),
        Measured::new("int8, desk", accuracy.pruned_int8, images.host),
    ];
    let device = accuracy.device.map(|share| Measured::new("int8, device", share, images.device));
    steps.extend(device);
    let (from, to) = scale(&steps);
    let rows = steps.iter().map(|step| step.row(from, to)).collect::<Result<Vec<_>>>()?;
    let text = format!(
        "Shares of test images classified as labelled; bands are 95 % intervals (Wilson). The desk ran {} images, the \
         device ({}) {}: of fewer images the share is less sure.",
        thousands(images.host as u64),
        report.kind,
        thousands(images.device as u64),
    );
    let exact = steps
        .iter()
        .map(|step| vec![step.step.to_owned(), percent(step.share), step.interval(), thousands(step.images as u64)]);
    let table = figures(&["step", "accuracy", "95 % interval", "images"], exact);
    let ends = axis(format!("{:.0} %", 100.0 * from), format!("{:.0} %", 100.0 * to));
    Ok(titled("Accuracy", [note(text), Html::tag("div", rows), ends, table]))
}

/// Whole percents around all intervals.
fn scale(steps: &[Measured]) -> (f64, f64) {
    let low = steps.iter().map(|step| step.low).fold(1.0, f64::min);
    let high = steps.iter().map(|step| step.high).fold(0.0, f64::max);
    let (from, to) = ((100.0 * low).floor() / 100.0, (100.0 * high).ceil() / 100.0);
    (from, if to > from { to } else { from + 0.01 })
}
