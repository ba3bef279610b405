//! The report for people.

use tabled::builder::Builder;
use tabled::settings::{Alignment, Style, object::Columns};

use super::interval::wilson;
use super::{Report, bytes, thousands};

/// Prints the report.
pub fn print(report: &Report) {
    println!("\n{}\n\n{}", layers(report), summary(report));
}

fn layers(report: &Report) -> String {
    let mut table = Builder::default();
    table.push_record(["layer", "filters", "MAC", "information kept", "order"]);
    for layer in &report.layers {
        let order = layer.saturated_after.map_or("to the end".to_owned(), |after| format!("saturates after {after}"));
        table.push_record([
            layer.name.clone(),
            format!("{} of {}", layer.kept, layer.of),
            thousands(layer.macs),
            format!("{:.1} %", 100.0 * layer.cmi_kept),
            order,
        ]);
    }
    render(table)
}

fn summary(report: &Report) -> String {
    let mut table = Builder::default();
    let mut row = |name: &str, value: String| table.push_record([name.to_owned(), value]);
    let memory = &report.memory;
    row("board", format!("{}, {}", report.board, report.kind));
    row("flash", used(report.linked.flash_bytes, report.planned.flash_bytes, report.budget.flash_bytes));
    let parts = [("code", memory.code_bytes), ("gap", memory.gap_bytes), ("model", memory.blob_bytes)];
    row("", listed(&parts));
    row("RAM", used(report.linked.ram_bytes, report.planned.ram_bytes, report.budget.ram_bytes));
    let parts = [
        ("static", memory.static_ram_bytes),
        (HOT, memory.weights_in_ram_bytes),
        ("arena", memory.arena_bytes),
        ("stack reserve", memory.stack_reserve_bytes),
    ];
    row("", listed(&parts));
    row("stack used", memory.stack_high_water_bytes.map_or("not measured".to_owned(), bytes));
    row("filters", change(report.filters.before, report.filters.after));
    row("weights", change(report.params.before, report.params.after));
    row("MAC", change(report.macs.before, report.macs.after));
    row("accuracy", accuracies(report));
    row("device", device(report));
    if let Some(latency) = latency(report) {
        row("latency", latency);
    }
    row("time", seconds(report));
    render(table)
}

/// A table as text.
pub fn render(table: Builder) -> String {
    let mut table = table.build();
    table.with(Style::sharp()).modify(Columns::new(..), Alignment::left());
    table.to_string()
}

fn used(linked: u32, planned: u32, budget: u32) -> String {
    let equal = if linked == planned { "as planned" } else { "NOT AS PLANNED" };
    format!("{} of {} linked, {equal}", bytes(linked), bytes(budget))
}

/// The part that only some boards have.
const HOT: &str = "hot weights";

fn listed(parts: &[(&str, u32)]) -> String {
    let parts: Vec<_> = parts
        .iter()
        .filter(|part| part.0 != HOT || part.1 > 0)
        .map(|(name, count)| format!("{name} {}", bytes(*count)))
        .collect();
    parts.join(", ")
}

fn change(before: usize, after: usize) -> String {
    let share = 100.0 * after as f64 / before.max(1) as f64;
    format!("{} of {} ({share:.1} %)", thousands(after as u64), thousands(before as u64))
}

fn accuracies(report: &Report) -> String {
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let accuracy = &report.accuracy;
    format!(
        "float {} -> pruned {} -> int8 {} (desk, {} test images)",
        percent(accuracy.baseline_float),
        percent(accuracy.pruned_float),
        percent(accuracy.pruned_int8),
        thousands(report.images.host as u64),
    )
}

fn device(report: &Report) -> String {
    let (Some(accuracy), Some(exact)) = (report.accuracy.device, report.bit_exact) else {
        let is_emulated = report.kind == "emulated";
        let next = if is_emulated { "`cargo xtask verify`" } else { "nothing emulates it, image.elf is for the board" };
        return format!("not run: {next}");
    };
    let images = report.images.device;
    let (low, high) = report.device.as_ref().map_or_else(|| wilson(accuracy, images), |it| it.accuracy_interval);
    let exact = match &report.device {
        _ if exact => "every logit equal to the desk's".to_owned(),
        Some(it) => format!("LOGITS DIFFER FROM THE DESK'S on {} images", images - it.agreeing),
        None => "LOGITS DIFFER FROM THE DESK'S".to_owned(),
    };
    let [percent, low, high] = [accuracy, low, high].map(|share| 100.0 * share);
    format!("{percent:.2} % over {images} test images ({low:.1} to {high:.1} % with 95 %), {}: {exact}", report.kind)
}

/// Only hardware has one.
fn latency(report: &Report) -> Option<String> {
    let latency = report.device.as_ref()?.latency?;
    Some(format!(
        "{:.2} ms (median), {:.2} ms (99 of 100): {} cycles, {:.2} a multiply-accumulate",
        latency.median_ms,
        latency.p99_ms,
        thousands(latency.median_cycles.into()),
        latency.cycles_per_mac
    ))
}

fn seconds(report: &Report) -> String {
    let s = &report.seconds;
    format!(
        "{:.0} s: firmware {:.0}, survey {:.0}, search {:.1}, fine-tune {:.0}, quantise {:.0}, desk {:.0}, device {:.0}",
        s.total, s.firmware, s.survey, s.search, s.fine_tune, s.quantize, s.desk, s.device
    )
}
