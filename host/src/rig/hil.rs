//! The verb `hil`: the tests of `tests/hil`, which ask a board for everything that it must be able to do, on the boards
//! named. `cargo xtask test` runs them on every emulated board.

use anyhow::{Context, Result};
use secateur_boards::BoardSpec;

use super::setup::{self, Need};
use crate::check::cargo;

/// The environment variable that names the boards for the tests, a comma between two.
const VARIABLE: &str = "SECATEUR_BOARDS";

/// Runs the tests on these boards, or on every emulated one where none is named.
///
/// # Errors
/// An unmet need, a board that cannot be reached, or one that fails a test.
pub fn run(named: &[BoardSpec], only: Option<&str>) -> Result<()> {
    let boards = if named.is_empty() { emulated()? } else { named.to_vec() };
    for board in &boards {
        setup::ensure(&[Need::Thumb(&board.target)])?;
        board.emulator.iter().try_for_each(|emulator| setup::ensure(&[emulator.into()]).map(drop))?;
    }
    let names: Vec<&str> = boards.iter().map(|board| &*board.name).collect();
    // Both packages, as `test` has them: with one, cargo would choose other features and build burn anew.
    let mut words = vec!["test", "--release", "--locked", "-p", "secateur", "-p", "secateur-tests", "--test", "hil"];
    words.extend(only);
    cargo((&format!("hil on {}", names.join(", ")), &words), &[(VARIABLE, &names.join(","))])
}

/// The boards that the tests are for: those of the variable, or every emulated one where it is not set.
///
/// # Errors
/// A name that no board has.
pub fn boards() -> Result<Vec<BoardSpec>> {
    let Ok(names) = std::env::var(VARIABLE) else { return emulated() };
    let find = |name| secateur_boards::find(name).with_context(|| format!("in the variable {VARIABLE}"));
    names.split(',').map(find).collect()
}

fn emulated() -> Result<Vec<BoardSpec>> {
    Ok(secateur_boards::all()?.into_iter().filter(|board| board.emulator.is_some()).collect())
}
