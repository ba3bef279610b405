//! What each layer takes, before and after: bytes in flash, and multiply-accumulates.

use anyhow::Result;

use super::draw::{Bar, Words, strip};
use super::markup::{Html, figures, legend, note, row, section as titled};
use super::palette::Color;
use crate::report::details::{Cost, StepFigures};
use crate::report::{Report, thousands};

pub(super) fn section(report: &Report) -> Result<Html> {
    let steps = &report.details.steps;
    if steps.is_empty() {
        return Ok(Html::default());
    }
    let has_before = steps.iter().all(|step| step.before.is_some());
    let text = if has_before {
        "Each layer that the engine runs, as it was and as it is; bars of one kind have one scale. Parameters are \
         weights, biases and multipliers as they lie in the model."
    } else {
        "Each layer that the engine runs. Whole layers were dropped, so there is no layer by layer before. Parameters \
         are weights, biases and multipliers as they lie in the model."
    };
    let colors = [(Color::Blue, "after"), (Color::Sky, "before")];
    let legend = legend(if has_before { &colors } else { &colors[..1] });
    let bytes = bars(steps, "B", |cost| cost.parameter_bytes.into())?;
    let macs = bars(steps, "MAC", |cost| cost.macs)?;
    let heading = |text| Html::tag_text("h3", text);
    let pieces = [
        note(text),
        legend,
        heading("Bytes of parameters"),
        bytes,
        heading("Multiply-accumulates"),
        macs,
        table(steps),
    ];
    Ok(titled("Layers", pieces))
}

/// One row a layer; of `unit`.
fn bars(steps: &[StepFigures], unit: &str, of: impl Fn(&Cost) -> u64) -> Result<Html> {
    let costs = steps.iter().flat_map(|step| step.before.iter().chain([&step.after]));
    let most = costs.map(&of).max().unwrap_or(0) as f64;
    let bar = |step: &StepFigures| {
        let after = of(&step.after);
        let before = step.before.as_ref().map(&of);
        let mut bars = vec![Bar::new(0.0..after as f64, Color::Blue).across(0.1..0.55)];
        bars.extend(before.map(|before| Bar::new(0.0..before as f64, Color::Sky).across(0.55..0.9)));
        let of = before.map_or(String::new(), |before| format!(" of {}", thousands(before)));
        let figure = format!("{}{of} {unit}", thousands(after));
        let words = Words { title: &step.name, description: &figure };
        Ok(row(&step.name, strip(&bars, most, words)?, &figure))
    };
    Ok(Html::tag("div", steps.iter().map(bar).collect::<Result<Vec<_>>>()?))
}

fn table(steps: &[StepFigures]) -> Html {
    let head = ["layer", "operator", "output", "weights", "before", "parameters, B", "before", "MAC", "before"];
    let rows = steps.iter().map(|step| {
        let (height, width, channels) = step.output_hwc;
        let mut cells = vec![step.name.clone(), step.operator.clone(), format!("{height}x{width}x{channels}")];
        let figures: [fn(&Cost) -> u64; 3] = [|it| it.weights, |it| it.parameter_bytes.into(), |it| it.macs];
        for of in figures {
            cells.push(thousands(of(&step.after)));
            cells.push(step.before.as_ref().map_or(String::new(), |before| thousands(of(before))));
        }
        cells
    });
    figures(&head, rows)
}
