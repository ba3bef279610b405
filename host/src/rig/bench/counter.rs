//! Counts what an emulated board runs in each call of a function, by a plugin of QEMU that is built here.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use object::{Object, ObjectSegment, ObjectSymbol};

use super::cycles::{Core, Cycles, Run};
use super::thumb::{self, Kind};
use crate::rig::firmware::workspace;
use crate::rig::setup;
use crate::rig::symbols;

/// From this version on, QEMU refuses plugins of its first API.
const QEMU_OF_API_2: u32 = 9;

/// Builds the plugin for this machine, or finds it built; its file.
///
/// # Errors
/// No QEMU, or cargo fails.
pub fn build() -> Result<PathBuf> {
    let setup = setup::ensure(&[setup::Need::Qemu])?;
    let workspace = workspace()?;
    let target_dir = workspace.join("target/counter");
    let mut cargo = setup.cargo();
    cargo.current_dir(&workspace).args(["build", "--quiet", "--locked", "--release", "--package", "secateur-counter"]);
    cargo.arg("--target-dir").arg(&target_dir);
    if qemu_version()? >= QEMU_OF_API_2 {
        cargo.args(["--features", "api-2"]);
    }
    let status = cargo.status().context("cannot start cargo")?;
    ensure!(status.success(), "QEMU's plugin did not build: see cargo's messages above");
    Ok(target_dir.join("release/libsecateur_counter.so"))
}

/// The first number of its version.
fn qemu_version() -> Result<u32> {
    let output = std::process::Command::new(setup::qemu()?).arg("--version").output();
    let output = output.context("cannot start qemu-system-arm")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.split_whitespace().skip_while(|word| *word != "version").nth(1);
    let major = version.and_then(|version| version.split('.').next()?.parse().ok());
    major.with_context(|| format!("qemu-system-arm --version says `{}`: install QEMU 7.2 or later", text.trim()))
}

/// QEMU's words for counting each call of a function of an image into `out`.
///
/// # Errors
/// An image without that function.
pub fn words(plugin: &Path, image: &[u8], function: &str, out: &Path) -> Result<[OsString; 2]> {
    // QEMU takes two commas for one.
    let path = |path: &Path| path.to_string_lossy().replace(',', ",,");
    let words = format!("{},function={},out={}", path(plugin), address(image, function)?, path(out));
    Ok(["-plugin".into(), words.into()])
}

/// The address of a function of an image.
///
/// # Errors
/// An image without it.
pub fn address(image: &[u8], function: &str) -> Result<u64> {
    let file = object::File::parse(image)?;
    let is_it = |symbol: &object::Symbol| symbol.name().is_ok_and(|name| symbols::demangled(name) == function);
    let symbol = file.symbols().find(is_it);
    let symbol = symbol.with_context(|| format!("the image has no function `{function}`: prune again"))?;
    // The lowest bit says Thumb.
    Ok(symbol.address() & !1)
}

/// What ran in one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Exact.
    pub instructions: u64,
    /// Estimated, or the emulator's.
    pub cycles: Cycles,
}

/// Reads the plugin's lines, which `host/counter` describes: each region's counts.
///
/// # Errors
/// Lines that are not the plugin's, or code that is not the image's.
pub fn read(lines: &str, image: &[u8], core: Core) -> Result<Vec<Counts>> {
    let file = object::File::parse(image)?;
    let mut regions = Vec::new();
    let mut runs = Vec::new();
    let mut beats = 0;
    for line in lines.lines() {
        match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["block", words @ ..] => runs.push(block(words, &file).with_context(|| line.to_owned())?),
            ["access", unaligned_beats, ..] => beats = unaligned_beats.parse()?,
            ["end"] => regions.push(counts(&std::mem::take(&mut runs), beats, core)),
            _ => bail!("QEMU's plugin wrote `{line}`: remove target/counter and try again"),
        }
    }
    Ok(regions)
}

fn counts(runs: &[Run], unaligned_beats: u64, core: Core) -> Counts {
    let instructions = runs.iter().map(|run| run.times * run.kinds.len() as u64).sum();
    Counts { instructions, cycles: core.cycles(runs, unaligned_beats) }
}

/// A block from `ADDRESS INSTRUCTIONS TIMES NEXT:TIMES...`.
fn block(words: &[&str], image: &object::File) -> Result<Run> {
    let [start, count, times, next @ ..] = words else { bail!("too few numbers") };
    let (kinds, end) = kinds(image, start.parse()?, count.parse()?)?;
    let mut jumps = 0;
    for word in next {
        let (address, times) = word.split_once(':').context("no colon")?;
        if address.parse::<u64>()? != end {
            jumps += times.parse::<u64>()?;
        }
    }
    Ok(Run { kinds, times: times.parse()?, jumps })
}

/// So many instructions of an image, and the address after them.
fn kinds(image: &object::File, start: u64, count: usize) -> Result<(Vec<Kind>, u64)> {
    let holds = |segment: &object::Segment| (segment.address()..segment.address() + segment.size()).contains(&start);
    let segment = image.segments().find(holds).with_context(|| format!("no code at {start:#x}"))?;
    let code = segment.data()?.get((start - segment.address()) as usize..).unwrap_or_default();
    let half = |at: usize| code.get(at..at + 2).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]));
    let (mut kinds, mut at) = (Vec::with_capacity(count), 0);
    for _ in 0..count {
        let first = half(at).with_context(|| format!("no code at {:#x}", start + at as u64))?;
        kinds.push(thumb::kind(first, half(at + 2).unwrap_or(0)));
        at += thumb::length(first);
    }
    Ok((kinds, start + at as u64))
}
