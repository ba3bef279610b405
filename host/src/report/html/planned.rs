//! What the planner said of bytes, and what was linked.

use anyhow::Result;

use super::markup::{Html, note, section as titled, table};
use crate::report::{Report, bytes};

pub(super) fn section(report: &Report) -> Result<Html> {
    let (planned, linked) = (report.planned, report.linked);
    let row = |name: &str, planned: u32, linked: u32| {
        let equal = match i64::from(linked) - i64::from(planned) {
            0 => "equal".to_owned(),
            more => format!("{more:+} B"),
        };
        vec![name.to_owned(), bytes(planned), bytes(linked), equal]
    };
    let rows = [row("flash", planned.flash_bytes, linked.flash_bytes), row("RAM", planned.ram_bytes, linked.ram_bytes)];
    let text = "The planner counts bytes from shapes alone, before anything is trained; the linker's file is measured \
                afterwards. Unequal bytes stop an export.";
    let head = ["", "planned", "linked", "difference"];
    Ok(titled("Planned and linked", [note(text), Html::tag("div class=\"scroll\"", [table(&head, rows)])]))
}
