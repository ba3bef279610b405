//! `core` and `alloc` for a chip, compiled from Debian's sources by Debian's compiler.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::{CARGO, RUSTC, SOURCES, child, files, say};

/// The crates compiled for a chip.
const CRATES: [&str; 3] = ["core", "alloc", "compiler_builtins"];

/// Compiles `core` and `alloc` into `sysroot/lib/rustlib/TARGET/lib`.
pub(super) fn compile(targets: &[&str], sysroot: &Path) -> Result<()> {
    let seconds = 40 * targets.len();
    say(format_args!("compiling core for {} with Debian's compiler (about {seconds} s)", targets.join(" ")));
    let sources =
        fs::canonicalize(SOURCES).with_context(|| format!("{SOURCES} is not there: reinstall rust-web-src"))?;
    let project = files::empty_sibling(sysroot, "build")?;
    write_project(&project, &sources)?;
    let mut cargo = cargo_build(&project, &sources);
    child::run(cargo.args(targets.iter().flat_map(|target| ["--target", target])), None)?;
    for target in targets {
        let built = project.join(format!("target/{target}/release/deps"));
        let lib = sysroot.join(format!("lib/rustlib/{target}/lib"));
        files::copy_libraries(&built, &lib, &CRATES)?;
    }
    files::remove(&project)
}

const MANIFEST: &str = r#"[package]
name = "sysroot"
version = "0.0.0"
edition = "2024"
[lib]
path = "lib.rs"
[workspace]
[profile.release]
debug = "line-tables-only"
panic = "abort"
"#;

/// A project without code, whose build compiles `core` on the way. What `core` depends on lies beside its sources.
fn write_project(folder: &Path, sources: &Path) -> Result<()> {
    let vendor = sources.join("vendor");
    let config = format!(
        "[source.crates-io]\nreplace-with = \"vendored\"\n[source.vendored]\ndirectory = \"{}\"\n",
        vendor.display()
    );
    fs::create_dir(folder.join(".cargo"))?;
    fs::write(folder.join(".cargo/config.toml"), config)?;
    fs::write(folder.join("Cargo.toml"), MANIFEST)?;
    Ok(fs::write(folder.join("lib.rs"), "#![no_std]\n")?)
}

/// Bitcode is embedded for the sake of fat LTO; RUSTC_BOOTSTRAP lets a stable compiler build its own `core`.
fn cargo_build(project: &Path, sources: &Path) -> Command {
    let mut cargo = child::command(CARGO);
    cargo.current_dir(project).env("CARGO_TARGET_DIR", project.join("target"));
    cargo.env("RUSTC", RUSTC).env("RUSTC_BOOTSTRAP", "1");
    let remap = format!("--remap-path-prefix={}=/rustc/library", sources.display());
    cargo.env("RUSTFLAGS", format!("-Cembed-bitcode=yes {remap}"));
    cargo.args(["build", "--offline", "--release", "-Zbuild-std=core,alloc"]);
    cargo.arg("-Zbuild-std-features=compiler-builtins-mem");
    cargo
}
