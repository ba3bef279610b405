//! The tests of `firmware/tests/on_device.rs`: in QEMU, or on the chip at the end of a debug probe.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use secateur_boards::BoardSpec;

use super::firmware::workspace;
use super::probe;
use super::setup::{self, Need};
use super::target::{Reach, Target};
use crate::failure::Failure;

/// What runs them in QEMU, and its version.
const RUNNER: (&str, &str) = ("embedded-test-qemu-runner", "0.1.0");
/// The chip there: a Cortex-M4.
const CHIP: (&str, &str) = ("thumbv7em-none-eabihf", "-machine mps2-an386 -display none -monitor none -serial none");
/// What runs them on hardware, by the line for it in `.cargo/config.toml`.
const PROBE_RS: &str = "probe-rs";

/// Runs the tests in QEMU. Their runner is installed, in the workspace's target folder, if it is not there.
///
/// # Errors
/// An unmet need, a runner that cannot be installed, or a test that fails.
pub fn emulated() -> Result<()> {
    let ((runner, version), (target, machine)) = (RUNNER, CHIP);
    let tools = workspace()?.join("target/tools");
    let installed = tools.join("bin").join(runner);
    if !installed.exists() {
        println!("{runner}: installing it (about 1 minute)");
        install(runner, version, &tools)?;
    }
    let (installed, qemu) = (installed.display(), setup::qemu()?);
    let mut cargo = cargo(target, "bare")?;
    let runner = format!("target.{target}.runner = ['{installed}', '--qemu', '{} {machine}']", qemu.display());
    cargo.args(["--config", &runner]);
    ensure!(cargo.status().context("cannot start cargo")?.success(), "tests on the emulated chip failed: see above");
    Ok(())
}

fn install(runner: &str, version: &str, tools: &Path) -> Result<()> {
    let mut install = Command::new("cargo");
    install.args(["install", "--quiet", "--locked", runner, "--version", version, "--root"]).arg(tools);
    let status = install.status().context("cannot start cargo")?;
    ensure!(status.success(), "{runner} was not installed: see cargo's messages above, crates.io must be reachable");
    Ok(())
}

/// Runs the tests on a board's chip. Not on one that is taken as it is flashed, nor where a boot ROM wants something in
/// front of an image that only the board's own has: that is said.
///
/// # Errors
/// No probe, no program probe-rs, or a test that fails.
pub fn hardware(target: &Target) -> Result<()> {
    let (Target { board, .. }, Reach::Hardware(wiring)) = (target, &target.reach) else { return Ok(()) };
    if wiring.is_as_flashed() {
        println!("on-device tests of {}: not run, they are flashed by a probe and none is named", board.name);
        return Ok(());
    }
    if board.flash.boot2_bytes > 0 || board.flash.start_block {
        println!("on-device tests of {}: not run, its boot ROM starts nothing but the board's own image", board.name);
        return Ok(());
    }
    let probe = probe::find(board, wiring.probe.as_deref())?;
    let status = by_probe_rs(board, &probe.selector())?.status().context("cannot start cargo")?;
    ensure!(status.success(), "tests on the chip of {} failed: see above", board.name);
    Ok(())
}

/// What runs the tests on a chip: cargo starts `probe-rs run`, and two variables tell that which chip, by which probe.
fn by_probe_rs(board: &BoardSpec, selector: &str) -> Result<Command> {
    if !setup::on_path(PROBE_RS) {
        let message = "tests on a chip are run by the program probe-rs: `cargo install --locked probe-rs-tools`";
        return Err(Failure::BoardMissing(message.to_owned()).into());
    }
    let mut cargo = cargo(&board.target, &board.name)?;
    cargo.env("PROBE_RS_CHIP", &board.chip).env("PROBE_RS_PROBE", selector);
    Ok(cargo)
}

/// Builds the tests with a feature that says where they run, and runs them.
fn cargo(target: &str, place: &str) -> Result<Command> {
    let (workspace, setup) = (workspace()?, setup::ensure(&[Need::Thumb(target)])?);
    let mut cargo = setup.cargo();
    cargo.current_dir(&workspace).args(["test", "--quiet", "--locked", "--package", "secateur-firmware"]);
    cargo.args(["--test", "on_device", "--features", &format!("on-device,{place}"), "--target", target]);
    cargo.args(["--profile", "firmware", "--target-dir"]).arg(workspace.join("target/firmware"));
    Ok(cargo)
}
