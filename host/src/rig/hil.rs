//! The verb `hil`: the tests of `tests/hil`, which ask a board for everything that it must be able to do, on the boards
//! named, and golden cases on their chips. `cargo xtask test` runs both on what is emulated.

use anyhow::{Context, Result};
use secateur_boards::Emulator;

use super::on_device;
use super::probe;
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
        if let Reach::Hardware(wiring) = reach
            && !wiring.is_as_flashed()
        {
            // Before minutes of building.
            probe::find(board, wiring.probe.as_deref())?;
        }
        setup::ensure(&[Need::Thumb(&board.target)])?;
        let emulator = board.emulator.iter().filter(|_| *reach == Reach::Emulated);
        emulator.into_iter().try_for_each(|emulator| setup::ensure(&[emulator.into()]).map(drop))?;
    }
    let mut names = named.join(",");
    if named.is_empty() {
        names = targets.iter().map(|target| &*target.board.name).collect::<Vec<_>>().join(",");
    }
    let mut words = vec!["test", "--release", "--locked"];
    words.extend(PACKAGES);
    words.extend(["--test", "hil"]);
    words.extend(only);
    cargo((&format!("hil on {names}"), &words), &[(VARIABLE, &names)])?;
    // A name is one of the tests there.
    if only.is_some() { Ok(()) } else { on_devices(&targets) }
}

/// The tests with this program's own features: others would build burn, or probe-rs, for nothing. With burn both packages, as
/// `test` has them: with one, cargo would choose other features and build it anew.
const PACKAGES: &[&str] = match (cfg!(feature = "network"), cfg!(feature = "probe")) {
    (true, false) => &["-p", "secateur", "-p", "secateur-tests"],
    (true, true) => &["-p", "secateur", "-p", "secateur-tests", "--features", "probe"],
    (false, true) => &["-p", "secateur-tests", "--no-default-features", "--features", "probe"],
    (false, false) => &["-p", "secateur-tests", "--no-default-features"],
};

/// Golden cases on the chips, by embedded-test: on each board's own, and in QEMU for those that are emulated there.
fn on_devices(targets: &[Target]) -> Result<()> {
    let in_qemu =
        |target: &Target| matches!((&target.reach, &target.board.emulator), (Reach::Emulated, Some(Emulator::Qemu(_))));
    if targets.iter().any(in_qemu) {
        on_device::emulated()?;
    }
    targets.iter().try_for_each(on_device::hardware)
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
