//! What the filters of each layer tell about the label, and where the layer was cut.

use anyhow::Result;

use super::draw::{Curve, Words, curve};
use super::markup::{Html, figures, legend, note, section as titled};
use super::palette::Color;
use super::percent;
use crate::report::{LayerFigures, Report};

/// Shares of I(Y; F) whose filters the table counts.
const MILESTONES: [f64; 4] = [0.5, 0.8, 0.9, 0.99];

pub(super) fn section(report: &Report) -> Result<Html> {
    let Some(survey) = &report.details.survey else { return Ok(Html::default()) };
    let layers: Vec<_> = report.layers.iter().zip(&survey.curves).collect();
    let drawn = layers.iter().map(|(layer, shares)| drawn(layer, shares)).collect::<Result<Vec<_>>>()?;
    let text = "For each layer, the share of I(Y; F), what all its filters F tell about the label Y, that the first \
                filters of the order have: I(Y; S) of the set S kept, by how many are kept. Where the curve \
                saturates, rounding ranks the filters that follow.";
    let colors =
        [(Color::Blue, "share of I(Y; F) kept"), (Color::Orange, "the cut"), (Color::Track, "after saturation")];
    let saturates = layers.iter().any(|(layer, _)| layer.saturated_after.is_some());
    let legend = legend(&colors[..if saturates { 3 } else { 2 }]);
    let table = table(&layers);
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

/// The cut, and how many filters of the order it takes for each of [`MILESTONES`].
fn table(layers: &[(&LayerFigures, &Vec<f64>)]) -> Html {
    let head = ["layer", "kept", "of", "information kept", "saturates after", "for 50 %", "80 %", "90 %", "99 %"];
    let rows = layers.iter().map(|(layer, shares)| {
        let LayerFigures { name, kept, of, cmi_kept, saturated_after, .. } = layer;
        let saturates = saturated_after.map_or("never".to_owned(), |after| after.to_string());
        let cells = vec![name.clone(), kept.to_string(), of.to_string(), percent(*cmi_kept), saturates];
        let counts = MILESTONES.iter().map(|share| filters_for(shares, *share));
        cells.into_iter().chain(counts.map(|count| count.map_or(String::new(), |count| count.to_string()))).collect()
    });
    figures(&head, rows)
}

/// The least number of filters that have this share; none where the curve ends before.
fn filters_for(shares: &[f64], share: f64) -> Option<usize> {
    shares.iter().position(|reached| *reached >= share)
}

#[cfg(test)]
mod tests {
    use super::filters_for;

    #[test]
    fn filters_are_counted_up_to_a_share() {
        let shares = [0.0, 0.5, 0.85, 1.0];
        assert_eq!([0.5, 0.8, 0.9, 0.99].map(|share| filters_for(&shares, share)), [1, 2, 3, 3].map(Some));
        assert_eq!(filters_for(&[], 0.5), None);
    }
}
