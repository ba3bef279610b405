//! Counts what rp2040js runs in each call of a function: it has a counter of cycles, for code in RAM.

use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context, Result};

use super::counter::{self, Counts};
use super::cycles::Cycles;

/// The words for counting each call of a function of an image into `out`.
///
/// # Errors
/// An image without that function.
pub(super) fn words(image: &[u8], function: &str, out: &Path) -> Result<[OsString; 2]> {
    let count = format!("--count={}", counter::address(image, function)?);
    Ok([count.into(), format!("--out={}", out.display()).into()])
}

/// Reads its lines: each call's instructions and cycles.
///
/// # Errors
/// Lines of something else.
pub(super) fn read(lines: &str) -> Result<Vec<Counts>> {
    lines.lines().map(|line| counts(line).with_context(|| format!("rp2040js wrote `{line}`"))).collect()
}

fn counts(line: &str) -> Result<Counts> {
    let (instructions, cycles) = line.split_once(' ').context("not two numbers")?;
    let cycles = cycles.parse()?;
    Ok(Counts { instructions: instructions.parse()?, cycles: Cycles { low: cycles, estimate: cycles, high: cycles } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_call() {
        let read = read("10 15\n7 9\n").expect("two calls");
        let numbers: Vec<_> = read.iter().map(|counts| (counts.instructions, counts.cycles.estimate)).collect();
        assert_eq!(numbers, [(10, 15), (7, 9)]);
        assert_eq!(super::read("ten").expect_err("no count").to_string(), "rp2040js wrote `ten`");
    }
}
