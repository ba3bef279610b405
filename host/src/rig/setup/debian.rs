//! A toolchain for chips from Debian's compiler and sources, for machines that may not download rustup's.
//!
//! It is a sysroot of links to Debian's files, with `core` and `alloc` compiled here, under one wrapper that names it.
//! Everything is made in a folder beside it and moved into place, so a run killed half-way leaves nothing half-made.

mod sysroot;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::packages::{Packages, install, on_path};
use super::toolchain::{default_sysroot, has_core};
use super::{child, files, say};

const RUSTC: &str = "/usr/bin/rustc";
const CARGO: &str = "/usr/bin/cargo";
const RUSTLIB: &str = "/usr/lib/rustlib";
const SOURCES: &str = "/usr/lib/rustlib/src/rust/library";

const COMPILER: Packages = Packages {
    names: &["rustc-web", "cargo-web", "rust-web-src"],
    takes: "about 2 minutes",
    elsewhere: "firmware needs a Rust compiler for the board's target: install rustup, \
                and run `cargo xtask setup` where its downloads work",
};
const LINKER: Packages =
    Packages { names: &["lld"], takes: "about 1 minute", elsewhere: "firmware needs the linker lld: install it" };

/// Debian's compiler. Its libraries and its sources are of one version, and so is what is compiled from them.
pub(super) struct Compiler {
    host: String,
    /// Written into a finished toolchain; another compiler has another stamp.
    stamp: String,
}

impl Compiler {
    pub(super) fn ask() -> Option<Compiler> {
        Compiler::from_version(&child::answer(child::command(RUSTC).arg("-vV"))?)
    }

    /// From what `rustc -vV` prints.
    fn from_version(text: &str) -> Option<Compiler> {
        let version = text.lines().next()?;
        let host = text.lines().find_map(|line| line.strip_prefix("host: "))?;
        Some(Compiler { host: host.to_owned(), stamp: format!("{version} v1") })
    }
}

/// A toolchain's folder.
pub(super) struct Home {
    pub(super) folder: PathBuf,
    /// Whether rustup has it under the name asked for.
    pub(super) is_linked: bool,
}

impl Home {
    /// Whether it works, with every target, for the compiler that is installed now.
    pub(super) fn is_ready(&self, targets: &[&str], compiler: Option<&Compiler>) -> bool {
        let works = self.is_foreign() || compiler.is_some_and(|compiler| self.is_current(compiler));
        works && self.missing(targets).is_empty()
    }

    /// Linked by somebody who did not make it here: used as it is, never changed.
    fn is_foreign(&self) -> bool {
        self.is_linked && !self.folder.join("stamp").exists()
    }

    /// Finished, by this compiler, and its linker still exists.
    fn is_current(&self, compiler: &Compiler) -> bool {
        let stamp = std::fs::read_to_string(self.folder.join("stamp")).unwrap_or_default();
        stamp.trim() == compiler.stamp && linker_in(&self.folder, &compiler.host).exists()
    }

    fn missing<'a>(&self, targets: &[&'a str]) -> Vec<&'a str> {
        targets.iter().copied().filter(|target| !has_core(&self.folder, target)).collect()
    }
}

fn linker_in(sysroot: &Path, host: &str) -> PathBuf {
    sysroot.join("lib/rustlib").join(host).join("bin/rust-lld")
}

/// Completes the toolchain in `home`, or makes it anew if it was made by another compiler.
pub(super) fn build(home: &Home, name: &str, targets: &[&str]) -> Result<()> {
    if home.is_foreign() {
        let folder = home.folder.display();
        bail!(
            "rustup's toolchain `{name}` ({folder}) lacks {} and was not made by `cargo xtask setup`: add the target \
             to it, or run `rustup toolchain uninstall {name}` and try again",
            targets.join(" ")
        );
    }
    let compiler = installed_compiler()?;
    let _lock = files::lock(&home.folder)?;
    match home.is_current(&compiler) {
        true => add(home, &home.missing(targets)),
        false => create(home, &compiler, targets),
    }
    .with_context(|| format!("the toolchain in {} was not made", home.folder.display()))
}

/// Targets for a toolchain that is otherwise complete.
fn add(home: &Home, targets: &[&str]) -> Result<()> {
    if targets.is_empty() {
        return Ok(());
    }
    let staged = files::empty_sibling(&home.folder, "new")?;
    sysroot::compile(targets, &staged)?;
    for target in targets {
        let place = Path::new("lib/rustlib").join(target);
        files::replace(&staged.join(&place), &home.folder.join(&place))?;
    }
    files::remove(&staged)
}

fn create(home: &Home, compiler: &Compiler, targets: &[&str]) -> Result<()> {
    let staged = files::empty_sibling(&home.folder, "new")?;
    sysroot::compile(targets, &staged)?;
    wrap(&staged.join("bin"), &home.folder)?;
    link(&staged, &compiler.host)?;
    std::fs::write(staged.join("stamp"), format!("{}\n", compiler.stamp))?;
    files::replace(&staged, &home.folder)
}

fn installed_compiler() -> Result<Compiler> {
    let is_complete = [RUSTC, CARGO, SOURCES].iter().all(|path| Path::new(path).exists());
    if !is_complete {
        install(&COMPILER)?;
    }
    Compiler::ask().with_context(|| format!("{RUSTC} does not say its version: reinstall {}", COMPILER.names[0]))
}

/// A wrapper, not a link: Debian's rustc takes its library's folder for the sysroot, wherever it is called from.
fn wrap(bin: &Path, home: &Path) -> Result<()> {
    for program in ["rustc", "rustdoc"] {
        let script = format!("#!/bin/sh\nexec /usr/bin/{program} --sysroot \"{}\" \"$@\"\n", home.display());
        files::write_program(&bin.join(program), &script)?;
    }
    files::link(Path::new(CARGO), &bin.join("cargo"))
}

/// What the toolchain shares with Debian's compiler, and the linker.
fn link(sysroot: &Path, host: &str) -> Result<()> {
    let rustlib = sysroot.join("lib/rustlib");
    files::link(&Path::new(RUSTLIB).join(host).join("lib"), &rustlib.join(host).join("lib"))?;
    files::link(&Path::new(RUSTLIB).join("src"), &rustlib.join("src"))?;
    files::link(&linker(host)?, &linker_in(sysroot, host))
}

/// The linker of the default toolchain, or Debian's.
fn linker(host: &str) -> Result<PathBuf> {
    if let Some(linker) = default_sysroot().map(|sysroot| linker_in(&sysroot, host)).filter(|path| path.exists()) {
        return Ok(linker);
    }
    if !on_path("lld") {
        install(&LINKER)?;
    }
    Ok(PathBuf::from("/usr/bin/lld"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: &str = "rustc 1.96.0 (ac68faa20 2026-05-25)\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\n";

    /// A finished toolchain with one target.
    fn toolchain(folder: &Path, compiler: &Compiler) {
        let lib = folder.join("lib/rustlib/thumbv7m-none-eabi/lib");
        std::fs::create_dir_all(&lib).expect("a folder");
        std::fs::write(lib.join("libcore-0123.rlib"), "").expect("a file");
        let linker = linker_in(folder, &compiler.host);
        std::fs::create_dir_all(linker.parent().expect("a parent")).expect("a folder");
        std::fs::write(linker, "").expect("a file");
        std::fs::write(folder.join("stamp"), format!("{}\n", compiler.stamp)).expect("a file");
    }

    #[test]
    fn a_toolchain_serves_one_compiler_and_its_own_targets() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let compiler = Compiler::from_version(VERSION).expect("a version");
        toolchain(folder.path(), &compiler);
        let home = Home { folder: folder.path().to_owned(), is_linked: true };
        assert!(home.is_ready(&["thumbv7m-none-eabi"], Some(&compiler)));
        assert!(!home.is_ready(&["thumbv7m-none-eabi", "thumbv6m-none-eabi"], Some(&compiler)));
        assert!(!home.is_ready(&["thumbv7m-none-eabi"], None));
        let newer = Compiler::from_version(&VERSION.replace("1.96", "1.97"));
        assert!(!home.is_ready(&["thumbv7m-none-eabi"], newer.as_ref()));
    }

    #[test]
    fn a_toolchain_made_elsewhere_is_never_changed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let home = Home { folder: folder.path().to_owned(), is_linked: true };
        let error = build(&home, "thumb", &["thumbv7m-none-eabi"]).expect_err("refused").to_string();
        assert!(error.contains("lacks thumbv7m-none-eabi") && error.contains("uninstall thumb"), "{error}");
    }
}
