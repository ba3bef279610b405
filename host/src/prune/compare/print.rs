//! The rows for people: a table in the terminal and in Markdown.

use tabled::builder::Builder;

use super::summary::{Cell, Comparison, Spread};
use crate::prune::allocate::Control;
use crate::report::{render, size};

/// The table of the terminal.
pub(super) fn table(comparison: &Comparison) -> String {
    let mut table = Builder::default();
    records(comparison).into_iter().for_each(|record| table.push_record(record));
    format!("{}\n{}", render(table), legend(comparison))
}

/// `compare.md`.
pub(super) fn markdown(comparison: &Comparison) -> String {
    let records = records(comparison);
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule = line(&vec!["---".to_owned(); records[0].len()]);
    let body: String = records[1..].iter().map(|record| line(record)).collect();
    let title = format!("# Rankings of {} on {}", comparison.settings.arch, comparison.settings.data);
    format!("{title}\n\n{}{rule}{body}\n{}\n", line(&records[0]), legend(comparison))
}

/// A head, and a line for each row.
fn records(comparison: &Comparison) -> Vec<Vec<String>> {
    let int8 = comparison.settings.int8;
    // Where rules for widths are compared, work is part of what they are compared by.
    let macs = comparison.rows.iter().any(|row| row.widths != comparison.rows[0].widths);
    let mut head = vec!["ranking".to_owned(), "widths".to_owned()];
    for budget in comparison.budgets.iter().map(|budget| size::short(*budget)) {
        head.extend([format!("{budget} test"), format!("{budget} before")]);
        head.extend(int8.then(|| format!("{budget} int8")));
        head.extend(macs.then(|| format!("{budget} MMAC")));
    }
    let mut records = vec![head];
    for row in &comparison.rows {
        let mut record = vec![row.ranking.to_string(), row.widths.to_string()];
        for budget in &comparison.budgets {
            let cell = row.cells.iter().find(|cell| cell.budget_bytes == *budget);
            record.push(cell.map_or("-".to_owned(), |cell| test(cell, comparison.seeds())));
            record.push(cell.map_or("-".to_owned(), |cell| percent(cell.before_validation)));
            let quantized = cell.and_then(|cell| cell.int8_test);
            record.extend(int8.then(|| quantized.map_or("-".to_owned(), percent)));
            record.extend(macs.then(|| cell.map_or("-".to_owned(), |cell| format!("{:.2}", cell.macs.mean / 1e6))));
        }
        records.push(record);
    }
    records
}

/// The test accuracy; how many seeds it is over, where others have more.
fn test(cell: &Cell, seeds: usize) -> String {
    let note = if cell.seeds < seeds { format!(" ({} of {seeds} seeds)", cell.seeds) } else { String::new() };
    percent(cell.test) + &note
}

fn percent(spread: Spread) -> String {
    let deviation = spread.deviation.map_or(String::new(), |deviation| format!(" ± {:.2}", 100.0 * deviation));
    format!("{:.2}{deviation}", 100.0 * spread.mean)
}

fn legend(comparison: &Comparison) -> String {
    let settings = &comparison.settings;
    let epochs = settings.fine_tune.get("epochs").map_or("no".to_owned(), ToString::to_string);
    let macs = match settings.equal_macs {
        Some(Control::Uniform) => " Widths by curves and own use no more MAC than uniform ones.",
        Some(Control::HandMade) => " Widths by curves and own use no more MAC than hand-made ones.",
        None => "",
    };
    let int8 = if settings.int8 { "int8: on test images after quantisation. " } else { "" };
    let fitted = match settings.reconstruct_images {
        0 => "as surgery leaves it".to_owned(),
        images => format!("layers fitted on {images} images"),
    };
    format!(
        "Percent of images classified right, mean and sample standard deviation over {}. test: after fine-tuning \
         ({epochs} epochs), on test images, where the unpruned network has {:.2}; before: before fine-tuning, {fitted}, \
         on validation images. {int8}Budgets are flash, on {}.{macs}",
        if comparison.seeds() == 1 { "1 seed".to_owned() } else { format!("{} seeds", comparison.seeds()) },
        100.0 * comparison.unpruned_test,
        settings.board,
    )
}
