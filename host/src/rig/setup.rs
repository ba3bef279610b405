//! Gets what a verb needs from the machine: a compiler that knows the chip's target, and QEMU.
//!
//! What is there already is used, without a word. What is missing is announced in one line, with the time it takes.
//! `SECATEUR_THUMB=rustup` or `=debian` names the compiler that firmware is built with; unset, the first that works is
//! taken.

mod child;
mod debian;
mod packages;
mod route;
mod toolchain;

use std::process::Command;

use anyhow::Result;

use crate::failure::Failure;
use packages::{Packages, on_path};
use route::Forced;
use toolchain::Toolchain;

/// The name under which rustup knows the toolchain made from Debian's compiler.
const TOOLCHAIN_NAME: &str = "thumb";
/// The environment variable that names the one route to take.
const FORCED_BY: &str = "SECATEUR_THUMB";

const QEMU: Packages = Packages {
    names: &["qemu-system-arm"],
    takes: "about 1 minute",
    elsewhere: "the emulated board needs the program qemu-system-arm: install QEMU \
                (for example `brew install qemu`) and try again",
};

/// What a verb needs from the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need<'a> {
    /// A compiler with `core` for this target triple, for example `thumbv7em-none-eabihf`.
    Thumb(&'a str),
    /// The emulator `qemu-system-arm`.
    Qemu,
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
        ensure_qemu()?;
    }
    let targets = targets(needs);
    if targets.is_empty() {
        return Ok(Setup { toolchain: Toolchain::Default });
    }
    let forced = Forced::from_word(std::env::var(FORCED_BY).ok().as_deref())?;
    let home = toolchain::default_home(TOOLCHAIN_NAME);
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

fn ensure_qemu() -> Result<()> {
    if on_path("qemu-system-arm") {
        return Ok(());
    }
    packages::install(&QEMU).map_err(|error| Failure::BoardMissing(format!("{error:#}")).into())
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
