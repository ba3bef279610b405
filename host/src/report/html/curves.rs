//! What the filters of each layer tell about the label, and where the layer was cut.

use anyhow::Result;

use super::draw::{Curve, Words, curve};
use super::markup::{Html, figures, legend, note, section as titled};
use super::palette::Color;
use super::percent;
use crate::report::{LayerFigures, Report};

pub(super) fn section(report: &Report) -> Result<Html> {
    let Some(survey) = &report.details.survey else { return Ok(Html::default()) };
    let layers: Vec<_> = report.layers.iter().zip(&survey.curves).collect();
    let drawn = layers.iter().map(|(layer, shares)| drawn(layer, shares)).collect::<Result<Vec<_>>>()?;
    let text = "For each layer, the share of I(Y; F), what all its filters F tell about the label Y, that the first \
                filters of the order have: I(Y; S) of the set S kept, by how many are kept. Where the curve \
                saturates, rounding ranks the filters that follow.";
    let legend = legend(&[
        (Color::Blue, "share of I(Y; F) kept"),
        (Color::Orange, "the cut"),
        (Color::Track, "after saturation"),
    ]);
    let rows = layers.iter().map(|(layer, _)| {
        let LayerFigures { name, kept, of, cmi_kept, saturated_after, .. } = layer;
        let saturates = saturated_after.map_or("never".to_owned(), |after| after.to_string());
        vec![name.clone(), kept.to_string(), of.to_string(), percent(*cmi_kept), saturates]
    });
    let table = figures(&["layer", "filters kept", "of", "information kept", "saturates after"], rows);
    Ok(titled("What the filters tell", [note(text), legend, Html::tag("div class=\"multiples\"", drawn), table]))
}

fn drawn(layer: &LayerFigures, shares: &[f64]) -> Result<Html> {
    let LayerFigures { name, kept, of, cmi_kept, saturated_after, .. } = layer;
    let saturates = saturated_after.map_or(String::new(), |after| format!(", saturates after {after}"));
    let caption = format!(" {kept} of {of}, {:.1} %{saturates}", 100.0 * cmi_kept);
    let words = Words { title: &format!("{name}: information by filters kept"), description: caption.trim() };
    let drawing = curve(&Curve { shares, cut: *kept, saturated_after: *saturated_after }, words)?;
    let caption = Html::tag("figcaption", [Html::tag_text("b", name), Html::text(caption)]);
    Ok(Html::tag("figure", [caption, drawing]))
}
