//! What was made, whether it fits, and whether the board agrees.

use anyhow::Result;

use super::draw::{Bar, Words, strip};
use super::left;
use super::markup::{Html, row};
use super::palette::Color;
use crate::report::{Report, bytes};

pub(super) fn section(report: &Report) -> Result<Html> {
    let (budget, linked) = (report.budget, report.linked);
    let rows =
        [used("flash", linked.flash_bytes, budget.flash_bytes)?, used("RAM", linked.ram_bytes, budget.ram_bytes)?];
    let title = Html::tag_text("h1", &report.name);
    let board = Html::tag_text("p class=\"subtitle\"", board(report));
    Ok(Html::tag("header", [title, board, verdict(report), Html::tag("div", rows)]))
}

fn board(report: &Report) -> String {
    let Some(board) = &report.details.board else { return format!("{}, {}", report.board, report.kind) };
    let by = match (&*report.kind, &board.emulator) {
        ("emulated", Some(emulator)) => format!("emulated by {emulator}: not run on hardware"),
        (kind, _) => kind.to_owned(),
    };
    format!("{} ({}), {by}", report.board, board.chip)
}

fn verdict(report: &Report) -> Html {
    let (images, kind) = (report.images.device, &report.kind);
    let board = format!("the board ({kind})");
    match (report.bit_exact, &report.details.difference) {
        (None, _) => warning("Not run on a board yet: run cargo xtask verify."),
        (Some(true), _) => {
            let text =
                format!("Every logit equal: {board} and the desk agree to the last byte on {images} test images.");
            Html::tag_text("p class=\"verdict\"", text)
        }
        (Some(false), Some(first)) => warning(format!(
            "Logits differ. The first of {images} test images that does is number {}: {board} says {:?}, the desk {:?}.",
            first.image, first.device, first.desk
        )),
        (Some(false), None) => warning(format!("Logits differ between {board} and the desk.")),
    }
}

fn warning(text: impl AsRef<str>) -> Html {
    Html::tag_text("p class=\"verdict warning\"", text)
}

fn used(name: &str, linked: u32, budget: u32) -> Result<Html> {
    let figure = format!("{} of {}", bytes(linked), bytes(budget));
    let whole = f64::from(budget.max(linked));
    let color = if linked <= budget { Color::Blue } else { Color::Orange };
    let bars = [Bar::new(0.0..whole, Color::Track), Bar::new(0.0..linked.into(), color)];
    let share = left(budget.into(), linked.into());
    let words = Words { title: &format!("{name} used"), description: &format!("{figure} of budget, {share}") };
    Ok(row(format!("{name}, {share}"), strip(&bars, whole, words)?, figure))
}
