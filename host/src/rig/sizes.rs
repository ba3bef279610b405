//! The verb `sizes`: where flash and RAM go.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use object::{Object, ObjectSection};
use secateur_boards::BoardSpec;
use serde::Serialize;
use tabled::builder::Builder;

use super::image;
use super::symbols::{self, Parts, Usage, is_loaded};
use crate::failure::Failure;
use crate::report::{self, Bytes, bytes, render, write_json};

/// Characters of a name that are shown: a function of many type parameters has hundreds.
const NAME_SHOWN: usize = 80;

/// What the verb was asked to do.
#[derive(Debug)]
pub struct Request {
    /// The results' folder.
    pub folder: PathBuf,
    /// What of it.
    pub show: Show,
}

/// What is shown of an image.
#[derive(Debug)]
pub struct Show {
    /// How many functions and variables to show.
    pub top: usize,
    /// Another folder of results, or an ELF file, to show the change from.
    pub compare: Option<PathBuf>,
    /// Where all of it goes as data.
    pub json: Option<PathBuf>,
}

/// All of it, as data: bytes by name.
#[derive(Debug, Serialize)]
struct Figures<'f> {
    board: &'f str,
    budget: Bytes,
    linked: Bytes,
    flash: &'f Parts,
    ram: &'f Parts,
    /// The image that is compared with.
    before: Option<Before>,
}

#[derive(Debug, Serialize)]
struct Before {
    flash: Parts,
    ram: Parts,
}

/// Prints where the flash and RAM of a pruned network's image go, or how that changed.
///
/// # Errors
/// No results there, or nothing to compare with.
pub fn print(request: &Request) -> Result<()> {
    let report = report::read(&request.folder.join("report.json"))?;
    let board = secateur_boards::find(&report.board)?;
    describe(&read(&request.folder)?, &board, report.budget, &request.show)
}

/// Prints where the flash and RAM of an image go, of a budget, or how that changed from another image.
pub(super) fn describe(image: &[u8], board: &BoardSpec, budget: Bytes, show: &Show) -> Result<()> {
    let usage = symbols::usage(image, board)?;
    let before = show.compare.as_deref().map(|other| earlier(other, board)).transpose()?;
    println!("{}", sections(image)?);
    match &before {
        None => print_largest(&usage, show.top),
        Some(before) => print_changes(before, &usage, show.top),
    }
    let linked = image::measure(image, board)?;
    let row = |name: &str, used: u32, budget: u32| {
        let share = 100.0 * f64::from(used) / f64::from(budget);
        println!("{name:5} {} of {} ({share:.1} %)", bytes(used), bytes(budget));
    };
    row("flash", linked.flash_bytes, budget.flash_bytes);
    row("RAM", linked.ram_bytes, budget.ram_bytes);
    let before = before.map(|Usage { flash, ram }| Before { flash, ram });
    let Usage { flash, ram } = &usage;
    write_json(show.json.as_deref(), &Figures { board: &board.name, budget, linked, flash, ram, before })
}

/// The image in a folder of results, or the file itself.
fn read(path: &Path) -> Result<Vec<u8>> {
    let path = if path.is_dir() { path.join("image.elf") } else { path.to_owned() };
    std::fs::read(&path).with_context(|| {
        format!("cannot read {}: name an ELF file, or a folder of results that `prune` made", path.display())
    })
}

fn earlier(path: &Path, board: &BoardSpec) -> Result<Usage> {
    let image = read(path)?;
    symbols::usage(&image, board).map_err(|error| {
        let message = format!("{} is no image of {}: {error:#}", path.display(), board.name);
        Failure::Usage(message).into()
    })
}

fn sections(image: &[u8]) -> Result<String> {
    let file = object::File::parse(image)?;
    let mut table = Builder::default();
    table.push_record(["section", "address", "size"]);
    for section in file.sections().filter(is_loaded) {
        let address = format!("{:#010x}", section.address());
        table.push_record([section.name()?.to_owned(), address, bytes(section.size() as u32)]);
    }
    Ok(render(table))
}

fn print_largest(usage: &Usage, top: usize) {
    for (memory, parts) in [("flash", &usage.flash), ("RAM", &usage.ram)] {
        println!("{}", largest(memory, parts, top));
    }
}

/// The largest parts, and the others as one.
fn largest(memory: &str, parts: &Parts, top: usize) -> String {
    let mut sorted: Vec<_> = parts.iter().map(|(name, size)| (name.as_str(), *size)).collect();
    sorted.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    let rest = sorted.split_off(top.min(sorted.len()));
    let mut table = Builder::default();
    table.push_record([memory, "size"]);
    for (name, size) in sorted {
        table.push_record([shortened(name), bytes(size)]);
    }
    if !rest.is_empty() {
        table.push_record([format!("{} smaller", rest.len()), bytes(rest.iter().map(|(_, size)| size).sum())]);
    }
    render(table)
}

fn print_changes(before: &Usage, now: &Usage, top: usize) {
    for (memory, before, now) in [("flash", &before.flash, &now.flash), ("RAM", &before.ram, &now.ram)] {
        println!("{}", changes(memory, before, now, top));
    }
}

/// The parts that changed most, the others as one, and the sum.
fn changes(memory: &str, before: &Parts, now: &Parts, top: usize) -> String {
    let size = |parts: &Parts, name: &String| parts.get(name).copied().unwrap_or(0);
    let names: std::collections::BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let rows = names.into_iter().map(|name| (name.as_str(), size(before, name), size(now, name)));
    let mut rows: Vec<_> = rows.filter(|(_, before, now)| before != now).collect();
    rows.sort_by_key(|(_, before, now)| std::cmp::Reverse(before.abs_diff(*now)));
    let rest = rows.split_off(top.min(rows.len()));
    let mut table = Builder::default();
    table.push_record([memory, "before", "now", "change"]);
    let mut row = |name: String, before: u32, now: u32| {
        let sign = if now < before { "-" } else { "+" };
        let change = format!("{sign}{}", bytes(before.abs_diff(now)));
        table.push_record([name, bytes(before), bytes(now), change]);
    };
    for (name, before, now) in rows {
        row(shortened(name), before, now);
    }
    if !rest.is_empty() {
        let sum = |side: fn(&(&str, u32, u32)) -> u32| rest.iter().map(side).sum();
        row(format!("{} changed less", rest.len()), sum(|row| row.1), sum(|row| row.2));
    }
    row("all".to_owned(), before.values().sum(), now.values().sum());
    render(table)
}

fn shortened(name: &str) -> String {
    match name.char_indices().nth(NAME_SHOWN) {
        None => name.to_owned(),
        Some((end, _)) => format!("{}…", &name[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(sizes: &[(&str, u32)]) -> Parts {
        sizes.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect()
    }

    /// The cells of a table's lines.
    fn cells(table: &str) -> Vec<String> {
        let line =
            |line: &str| line.split('│').map(str::trim).collect::<Vec<_>>().join("|").trim_matches('|').to_owned();
        table.lines().filter(|line| line.starts_with('│')).map(line).collect()
    }

    #[test]
    fn small_parts_are_one_line() {
        let table = largest("flash", &parts(&[("a", 10), ("b", 3_000), ("c", 20), ("d", 1)]), 2);
        assert_eq!(cells(&table), ["flash|size", "b|3,000 B", "c|20 B", "2 smaller|11 B"]);
    }

    #[test]
    fn changes_are_sorted_and_add_up() {
        let before = parts(&[("gone", 8), ("same", 5), ("grows", 100), ("shrinks", 90)]);
        let now = parts(&[("same", 5), ("grows", 110), ("shrinks", 60), ("new", 3)]);
        let expected = [
            "flash|before|now|change",
            "shrinks|90 B|60 B|-30 B",
            "grows|100 B|110 B|+10 B",
            "2 changed less|8 B|3 B|-5 B",
            "all|203 B|178 B|-25 B",
        ];
        assert_eq!(cells(&changes("flash", &before, &now, 2)), expected);
    }
}
