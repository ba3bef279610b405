//! The verb `hil`: the tests of `tests/hil`, which ask a board for everything that it must be able to do, on the boards
//! named. `cargo xtask test` runs them on every emulated board.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::firmware::workspace;
use super::setup::{self, Need};
use super::target::{Reach, Target};
use crate::check::cargo;

/// The environment variable that names the boards for the tests, a comma between two.
const VARIABLE: &str = "SECATEUR_BOARDS";

/// Runs the tests on these boards, or on every emulated one where none is named.
///
/// # Errors
/// An unmet need, a board that cannot be reached, or one that fails a test.
pub fn run(named: &[String], only: Option<&str>) -> Result<()> {
    let targets = if named.is_empty() { emulated()? } else { parsed(named.iter().map(String::as_str))? };
    for Target { board, reach } in &targets {
        setup::ensure(&[Need::Thumb(&board.target)])?;
        let emulator = board.emulator.iter().filter(|_| *reach == Reach::Emulated);
        emulator.into_iter().try_for_each(|emulator| setup::ensure(&[emulator.into()]).map(drop))?;
    }
    let mut names = named.join(",");
    if named.is_empty() {
        names = targets.iter().map(|target| &*target.board.name).collect::<Vec<_>>().join(",");
    }
    // Both packages, as `test` has them: with one, cargo would choose other features and build burn anew.
    let mut words = vec!["test", "--release", "--locked", "-p", "secateur", "-p", "secateur-tests", "--test", "hil"];
    words.extend(only);
    cargo((&format!("hil on {names}"), &words), &[(VARIABLE, &names)])
}

/// The boards that the tests are for: those of the variable, or every emulated one where it is not set.
///
/// # Errors
/// A name that no board has.
pub fn targets() -> Result<Vec<Target>> {
    let Ok(names) = std::env::var(VARIABLE) else { return emulated() };
    parsed(names.split(',')).with_context(|| format!("in the variable {VARIABLE}"))
}

fn parsed<'n>(names: impl Iterator<Item = &'n str>) -> Result<Vec<Target>> {
    names.map(Target::parse).collect()
}

fn emulated() -> Result<Vec<Target>> {
    let boards = secateur_boards::all()?.into_iter().filter(|board| board.emulator.is_some());
    Ok(boards.map(Target::usual).collect())
}

/// What runs tests for a chip in QEMU, and its version.
const RUNNER: (&str, &str) = ("embedded-test-qemu-runner", "0.1.0");
/// The chip: a Cortex-M4.
const CHIP: (&str, &str) = ("thumbv7em-none-eabihf", "-machine mps2-an386 -display none -monitor none -serial none");

/// Runs the tests of `firmware/tests/on_device.rs` in QEMU. Their runner is installed, in the workspace's target
/// folder, if it is not there.
///
/// # Errors
/// An unmet need, a runner that cannot be installed, or a test that fails.
pub fn on_device() -> Result<()> {
    let ((runner, version), (target, machine)) = (RUNNER, CHIP);
    let (workspace, setup) = (workspace()?, setup::ensure(&[Need::Thumb(target)])?);
    let tools = workspace.join("target/tools");
    let installed = tools.join("bin").join(runner);
    if !installed.exists() {
        println!("{runner}: installing it (about 1 minute)");
        let mut install = Command::new("cargo");
        install.args(["install", "--quiet", "--locked", runner, "--version", version, "--root"]).arg(&tools);
        let status = install.status().context("cannot start cargo")?;
        ensure!(
            status.success(),
            "{runner} was not installed: see cargo's messages above, crates.io must be reachable"
        );
    }
    let (installed, qemu) = (installed.display(), setup::qemu()?);
    let runner = format!("target.{target}.runner = ['{installed}', '--qemu', '{} {machine}']", qemu.display());
    let mut cargo = setup.cargo();
    cargo.current_dir(&workspace).args(["test", "--quiet", "--locked", "--package", "secateur-firmware"]);
    cargo.args(["--test", "on_device", "--features", "on-device,bare", "--target", target, "--profile", "firmware"]);
    cargo.args(["--config", &runner, "--target-dir"]).arg(workspace.join("target/firmware"));
    ensure!(cargo.status().context("cannot start cargo")?.success(), "tests on the emulated chip failed: see above");
    Ok(())
}
