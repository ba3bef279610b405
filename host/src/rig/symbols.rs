//! Which functions and variables an image's bytes belong to.

use std::collections::BTreeMap;

use anyhow::Result;
use object::{Object, ObjectSection, ObjectSymbol, SectionFlags, SectionKind, SymbolKind};
use secateur_boards::BoardSpec;

use super::image;

/// Bytes by name.
pub type Parts = BTreeMap<String, u32>;

/// Where the bytes of an image go. Each side's sum is what [`image::measure`] says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Functions, constants, the model, and gaps.
    pub flash: Parts,
    /// Variables, the arena, the stack's reserve, and gaps.
    pub ram: Parts,
}

/// A name as written in the source, without the compiler's hash: the same in each build.
pub fn demangled(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

/// Whether a section is there when the chip runs.
pub fn is_loaded(section: &object::Section) -> bool {
    let SectionFlags::Elf { sh_flags, .. } = section.flags() else { return false };
    sh_flags.contains(object::elf::SHF_ALLOC) && section.size() > 0
}

/// Where the bytes of an image go.
///
/// # Errors
/// As [`image::measure`].
pub fn usage(bytes: &[u8], board: &BoardSpec) -> Result<Usage> {
    let file = object::File::parse(bytes)?;
    let linked = image::measure(bytes, board)?;
    let ram = u64::from(board.ram.origin)..u64::from(board.ram.origin) + u64::from(board.ram.bytes);
    let mut usage = Usage::default();
    for section in file.sections().filter(is_loaded) {
        if !ram.contains(&section.address()) {
            add(&mut usage.flash, &file, &section)?;
            continue;
        }
        add(&mut usage.ram, &file, &section)?;
        if matches!(section.kind(), SectionKind::Data | SectionKind::Text) {
            *usage.flash.entry(format!("{}, first values", section.name()?)).or_default() += section.size() as u32;
        }
    }
    usage.ram.insert("stack reserve".to_owned(), board.stack_reserve_bytes);
    for (parts, bytes) in [(&mut usage.flash, linked.flash_bytes), (&mut usage.ram, linked.ram_bytes)] {
        let gaps = bytes.saturating_sub(parts.values().sum());
        if gaps > 0 {
            parts.insert("gaps between sections".to_owned(), gaps);
        }
    }
    Ok(usage)
}

/// A section's symbols, and what of it has no name.
fn add(parts: &mut Parts, file: &object::File, section: &object::Section) -> Result<()> {
    let (start, end) = (section.address(), section.address() + section.size());
    let is_sized = |symbol: &object::Symbol| {
        let has_bytes = matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Data | SymbolKind::Unknown);
        has_bytes && symbol.size() > 0 && symbol.section_index() == Some(section.index())
    };
    // The lowest bit of a function's address says Thumb.
    let place = |symbol: object::Symbol| Some((symbol.address() & !1, symbol.size(), symbol.name().ok()?.to_owned()));
    let mut symbols: Vec<_> = file.symbols().filter(is_sized).filter_map(place).collect();
    symbols.sort_unstable();
    let (mut at, mut named) = (start, 0);
    for (address, size, name) in symbols {
        // One of several names of the same bytes is enough.
        if address < at || address + size > end {
            continue;
        }
        *parts.entry(demangled(&name)).or_default() += size as u32;
        (at, named) = (address + size, named + size);
    }
    let name = section.name()?;
    let rest = if named == 0 { name.to_owned() } else { format!("{name}, without a name") };
    if named < section.size() {
        *parts.entry(rest).or_default() += (section.size() - named) as u32;
    }
    Ok(())
}
