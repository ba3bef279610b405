//! Figures for people and for machines.

pub mod details;
mod figures;
pub mod html;
pub mod interval;
pub mod size;
mod table;

pub use figures::{
    Accuracy, BeforeAfter, Bytes, DeviceFigures, Images, LayerFigures, MemoryFigures, Report, Seconds, newest, read,
};
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use crate::data::files::write_atomically;
pub use table::{print, render};

/// Writes a verb's figures where its `--json FILE` says, whole or not at all.
///
/// # Errors
/// A folder that cannot be written.
pub fn write_json(file: Option<&Path>, figures: &impl Serialize) -> Result<()> {
    let Some(path) = file else { return Ok(()) };
    let mut text = serde_json::to_vec_pretty(figures)?;
    text.push(b'\n');
    write_atomically(path, &text)
}

/// A number of bytes with its thousands set apart: `61,440 B`.
pub fn bytes(count: u32) -> String {
    format!("{} B", thousands(count.into()))
}

/// A number with its thousands set apart.
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    #[test]
    fn thousands_are_set_apart() {
        let cases = [(0, "0"), (999, "999"), (1_000, "1,000"), (61_440, "61,440"), (1_234_567, "1,234,567")];
        for (count, expected) in cases {
            assert_eq!(super::thousands(count), expected);
        }
    }
}
