//! The verb `sizes`: where flash and RAM go.

use std::path::Path;

use anyhow::{Context, Result};
use object::{Object, ObjectSection, SectionFlags};
use tabled::builder::Builder;

use crate::report::{self, bytes, render};

/// Prints the sections of a pruned network's image, and the sums beside the budget.
///
/// # Errors
/// No results there.
pub fn print(folder: &Path) -> Result<()> {
    let report = report::read(&folder.join("report.json"))?;
    let board = secateur_boards::find(&report.board)?;
    let path = folder.join("image.elf");
    let image = std::fs::read(&path).with_context(|| format!("cannot read {}: prune again", path.display()))?;
    let file = object::File::parse(&*image).with_context(|| path.display().to_string())?;
    let mut table = Builder::default();
    table.push_record(["section", "address", "size"]);
    for section in file.sections().filter(|section| is_loaded(&section.flags()) && section.size() > 0) {
        let address = format!("{:#010x}", section.address());
        table.push_record([section.name()?.to_owned(), address, bytes(section.size() as u32)]);
    }
    println!("{}", render(table));
    let linked = super::image::measure(&image, &board)?;
    let row = |name: &str, used: u32, budget: u32| {
        let share = 100.0 * f64::from(used) / f64::from(budget);
        println!("{name:5} {} of {} ({share:.1} %)", bytes(used), bytes(budget));
    };
    row("flash", linked.flash_bytes, report.budget.flash_bytes);
    row("RAM", linked.ram_bytes, report.budget.ram_bytes);
    Ok(())
}

fn is_loaded(flags: &SectionFlags) -> bool {
    matches!(flags, SectionFlags::Elf { sh_flags, .. } if sh_flags.contains(object::elf::SHF_ALLOC))
}
