//! Gets what a verb needs from the machine: a compiler that knows the chip's target, and emulators.
//!
//! What is there already is used, without a word. What is missing is announced in one line, with the time it takes.
//! `SECATEUR_THUMB=rustup` or `=debian` names the compiler that firmware is built with; unset, the first that works is
//! taken.

mod child;
mod debian;
mod files;
mod packages;
mod qemu;
mod route;
mod rp2040js;
mod toolchain;

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use secateur_boards::Emulator;

use crate::failure::Failure;
pub(super) use packages::on_path;
use route::Forced;
use toolchain::Toolchain;

/// The name under which rustup knows the toolchain made from Debian's compiler.
const TOOLCHAIN_NAME: &str = "thumb";
/// The environment variable that names the one route to take.
const FORCED_BY: &str = "SECATEUR_THUMB";

/// What a verb needs from the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need<'a> {
    /// A compiler with `core` for this target triple, for example `thumbv7em-none-eabihf`.
    Thumb(&'a str),
    /// The emulator `qemu-system-arm`.
    Qemu,
    /// The emulator rp2040js, and Node.js to run it.
    Rp2040js,
}

impl From<&Emulator> for Need<'_> {
    fn from(emulator: &Emulator) -> Self {
        match emulator {
            Emulator::Qemu(_) => Need::Qemu,
            Emulator::Rp2040js(_) => Need::Rp2040js,
        }
    }
}

/// A machine on which every need is met.
#[derive(Debug)]
pub struct Setup {
    toolchain: Toolchain,
}

impl Setup {
    /// A `cargo` that can build for the targets asked for. It inherits nothing that an outer `cargo run` set.
    pub fn cargo(&self) -> Command {
        self.toolchain.cargo()
    }
}

impl std::fmt::Display for Setup {
    /// How a person would call the same cargo.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.toolchain.fmt(f)
    }
}

/// Meets every need, installing and building what is missing. Says what it does, and nothing if all is there.
///
/// # Errors
/// `BoardMissing` if the emulator cannot be installed; `Usage` if `SECATEUR_THUMB` is set to anything else; and what went
/// wrong on the last route to a compiler.
pub fn ensure(needs: &[Need]) -> Result<Setup> {
    if needs.contains(&Need::Qemu) {
        qemu()?;
    }
    if needs.contains(&Need::Rp2040js) {
        rp2040js()?;
    }
    let targets = targets(needs);
    if targets.is_empty() {
        return Ok(Setup { toolchain: Toolchain::Default });
    }
    let forced = Forced::from_word(std::env::var(FORCED_BY).ok().as_deref())?;
    let home = data_folder().join(TOOLCHAIN_NAME);
    Ok(Setup { toolchain: toolchain::ensure(&targets, forced, TOOLCHAIN_NAME, &home)? })
}

/// The targets among the needs, each once.
fn targets<'a>(needs: &[Need<'a>]) -> Vec<&'a str> {
    let mut targets: Vec<&str> = Vec::new();
    for need in needs {
        if let Need::Thumb(target) = need
            && !targets.contains(target)
        {
            targets.push(target);
        }
    }
    targets
}

/// The program `qemu-system-arm`, installed if it was not.
///
/// # Errors
/// `BoardMissing` if it cannot be.
pub fn qemu() -> Result<PathBuf> {
    qemu::ensure().map_err(|error| Failure::BoardMissing(format!("{error:#}")).into())
}

/// The package rp2040js, installed if it was not.
///
/// # Errors
/// `BoardMissing` if it cannot be.
pub fn rp2040js() -> Result<PathBuf> {
    rp2040js::ensure().map_err(|error| Failure::BoardMissing(format!("{error:#}")).into())
}

/// Where this program keeps what it installs for one user. Users without a home have it in the temporary folder.
fn data_folder() -> PathBuf {
    let data = std::env::var_os("XDG_DATA_HOME").filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = data.or_else(|| Some(std::env::home_dir()?.join(".local/share")));
    data.unwrap_or_else(std::env::temp_dir).join("secateur")
}

/// One line of progress. It goes to stderr: stdout carries results.
fn say(what: impl std::fmt::Display) {
    eprintln!("setup: {what}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_listed_once_and_in_order() {
        let needs = [Need::Thumb("b"), Need::Qemu, Need::Thumb("a"), Need::Thumb("b")];
        assert_eq!(targets(&needs), ["b", "a"]);
    }

    #[test]
    fn no_target_needs_no_toolchain() {
        assert_eq!(ensure(&[]).expect("nothing to do").to_string(), "cargo");
    }
}
