//! The compiler for the chip: what the machine has, and the routes to what it lacks.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::debian::{self, Compiler, Home};
use super::route::{Facts, Forced, Route, route};
use super::{child, say};

/// Longer than any download takes; a refused one sometimes never answers.
const RUSTUP_LIMIT: Duration = Duration::from_secs(300);

/// A toolchain with every target asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Toolchain {
    /// What a plain `cargo` takes.
    Default,
    /// A toolchain that rustup knows by name.
    Linked(String),
    /// A toolchain in this folder, on a machine without rustup.
    Folder(PathBuf),
}

impl Toolchain {
    pub(super) fn cargo(&self) -> Command {
        let mut cargo = match self {
            Toolchain::Default | Toolchain::Linked(_) => child::command("cargo"),
            Toolchain::Folder(home) => child::command(home.join("bin/cargo")),
        };
        match self {
            Toolchain::Default => {}
            Toolchain::Linked(name) => {
                cargo.arg(format!("+{name}"));
            }
            Toolchain::Folder(home) => {
                cargo.env("RUSTC", home.join("bin/rustc")).env("RUSTDOC", home.join("bin/rustdoc"));
            }
        }
        cargo
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Toolchain::Default => write!(f, "cargo"),
            Toolchain::Linked(name) => write!(f, "cargo +{name}"),
            Toolchain::Folder(home) => {
                let bin = home.join("bin");
                write!(f, "RUSTC={} {}", bin.join("rustc").display(), bin.join("cargo").display())
            }
        }
    }
}

/// Finds or makes a toolchain with every target. `name` and `default_home` are for one made from Debian's compiler.
pub(super) fn ensure(targets: &[&str], forced: Option<Forced>, name: &str, default_home: &Path) -> Result<Toolchain> {
    let machine = Machine::ask(targets, forced);
    let work = Work { targets, name, home: machine.home(name, default_home), machine };
    let (first, fallback) = route(forced, work.facts());
    match (work.take(first), fallback) {
        (Err(error), Some(fallback)) => {
            say(format_args!("{error:#}"));
            work.take(fallback)
        }
        (result, _) => result,
    }
}

/// The answers of the programs that are there. They are asked side by side: each takes 10 to 40 ms.
struct Machine {
    default_ready: bool,
    /// What `rustup toolchain list -v` prints, if there is a rustup.
    rustup_list: Option<String>,
    debian: Option<Compiler>,
}

impl Machine {
    fn ask(targets: &[&str], forced: Option<Forced>) -> Machine {
        thread::scope(|scope| {
            let list = scope.spawn(|| child::answer(child::command("rustup").args(["toolchain", "list", "-v"])));
            let debian = scope.spawn(|| if forced == Some(Forced::Rustup) { None } else { Compiler::ask() });
            let default_ready = forced != Some(Forced::Debian) && default_has(targets);
            let rustup_list = list.join().unwrap_or_default();
            Machine { default_ready, rustup_list, debian: debian.join().unwrap_or_default() }
        })
    }

    /// The linked toolchain's folder, if it is still there.
    fn home(&self, name: &str, default_home: &Path) -> Home {
        let linked = self.rustup_list.as_deref().and_then(|list| linked_folder(list, name));
        match linked.filter(|folder| folder.is_dir()) {
            Some(folder) => Home { folder, is_linked: true },
            None => Home { folder: default_home.to_owned(), is_linked: false },
        }
    }
}

/// Everything a route needs to know.
struct Work<'a> {
    targets: &'a [&'a str],
    name: &'a str,
    home: Home,
    machine: Machine,
}

impl Work<'_> {
    fn facts(&self) -> Facts {
        let rustup = self.machine.rustup_list.is_some();
        let is_reachable = self.home.is_linked || !rustup;
        Facts {
            rustup,
            default_ready: self.machine.default_ready,
            thumb_ready: is_reachable && self.home.is_ready(self.targets, self.machine.debian.as_ref()),
        }
    }

    fn take(&self, route: Route) -> Result<Toolchain> {
        match route {
            Route::UseDefault => Ok(Toolchain::Default),
            Route::UseThumb => Ok(self.thumb()),
            Route::AddTarget => self.add_target(),
            Route::BuildThumb => self.build_thumb(),
        }
    }

    fn thumb(&self) -> Toolchain {
        match self.machine.rustup_list {
            Some(_) => Toolchain::Linked(self.name.to_owned()),
            None => Toolchain::Folder(self.home.folder.clone()),
        }
    }

    fn add_target(&self) -> Result<Toolchain> {
        say(format_args!("rustup target add {} (seconds; given up after 5 minutes)", self.targets.join(" ")));
        let mut rustup = child::command("rustup");
        child::run(rustup.args(["target", "add"]).args(self.targets), Some(RUSTUP_LIMIT))?;
        Ok(Toolchain::Default)
    }

    fn build_thumb(&self) -> Result<Toolchain> {
        debian::build(&self.home, self.name, self.targets)?;
        if self.machine.rustup_list.is_some() && !self.home.is_linked {
            let mut rustup = child::command("rustup");
            rustup.args(["toolchain", "link", self.name]).arg(&self.home.folder);
            child::run(&mut rustup, None).context("the toolchain is built but rustup does not know it")?;
        }
        Ok(self.thumb())
    }
}

/// Whether a plain `cargo` can build for every target.
fn default_has(targets: &[&str]) -> bool {
    default_sysroot().is_some_and(|sysroot| targets.iter().all(|target| has_core(&sysroot, target)))
}

/// Where the default toolchain keeps its libraries and linker.
pub(super) fn default_sysroot() -> Option<PathBuf> {
    let sysroot = child::answer(child::command("rustc").args(["--print", "sysroot"]))?;
    Some(PathBuf::from(sysroot.trim()))
}

/// Whether a sysroot has `core`, compiled for the target.
pub(super) fn has_core(sysroot: &Path, target: &str) -> bool {
    let Ok(entries) = sysroot.join("lib/rustlib").join(target).join("lib").read_dir() else {
        return false;
    };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
}

/// The folder of one toolchain in what `rustup toolchain list -v` prints: `NAME FOLDER` or `NAME (active) FOLDER`.
fn linked_folder(list: &str, name: &str) -> Option<PathBuf> {
    let rest = list.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix([' ', '\t']))?.trim();
    let folder = match rest.strip_prefix('(') {
        Some(noted) => noted.split_once(')')?.1.trim_start(),
        None => rest,
    };
    (!folder.is_empty()).then(|| PathBuf::from(folder))
}

#[cfg(test)]
mod tests;
