//! An emulated board.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use secateur_boards::{BoardSpec, Emulator};

use super::link::{Link, Patience};
use super::{qemu, rp2040};
use crate::failure::Failure;

/// A minute without an answer, twelve where the network runs: an emulator on a busy machine was seen silent for 15 s.
const PATIENCE: Patience = Patience { tries: 12, answer: Duration::from_secs(5), run: Duration::from_secs(60) };

/// A running emulator; it ends with this value.
pub struct Emulated {
    child: Child,
    /// The line to the firmware.
    pub link: Link,
}

/// What emulates a board.
///
/// # Errors
/// [`Failure::BoardMissing`] where nothing does.
pub fn emulator(board: &BoardSpec) -> Result<&Emulator> {
    let name = &board.name;
    let advice = || {
        format!(
            "nothing here emulates {name}: `verify` and `run --profile` reach one on the desk, as boards/{name}/README.md says"
        )
    };
    board.emulator.as_ref().ok_or_else(|| Failure::BoardMissing(advice()).into())
}

impl Emulated {
    /// Starts an image on the emulated board.
    ///
    /// # Errors
    /// Where the board has no emulator, or it cannot be set up or started.
    pub fn start(board: &BoardSpec, image: &Path) -> Result<Self> {
        Self::start_with(board, image, &[])
    }

    /// As [`Emulated::start`], with more words on the emulator's command line.
    ///
    /// # Errors
    /// As there.
    pub fn start_with(board: &BoardSpec, image: &Path, words: &[OsString]) -> Result<Self> {
        let emulator = emulator(board)?;
        let mut command = match emulator {
            Emulator::Qemu(machine) => qemu::command(machine, image)?,
            Emulator::Rp2040js(chip) => rp2040::command(chip, image)?,
        };
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().with_context(|| format!("cannot start {emulator}"))?;
        let from_board = child.stdout.take().context("the emulator's output is piped")?;
        let to_board = child.stdin.take().context("the emulator's input is piped")?;
        Ok(Self { link: Link::new(from_board, to_board).with_patience(PATIENCE), child })
    }
}

impl Drop for Emulated {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
