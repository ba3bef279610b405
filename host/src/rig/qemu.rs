//! An emulated board.

use super::link::Link;
use super::setup::{self, Need};
use crate::failure::Failure;
use anyhow::{Context, Result};
use secateur_boards::BoardSpec;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running emulator; it ends with this value.
pub struct Qemu {
    child: Child,
    /// The line to the firmware.
    pub link: Link,
}

impl Qemu {
    /// Starts an image on the emulated board.
    ///
    /// # Errors
    /// Where the board has no emulator, or QEMU cannot be set up or started.
    pub fn start(board: &BoardSpec, image: &Path) -> Result<Self> {
        Self::start_with(board, image, &[])
    }

    /// As [`Qemu::start`], with more words on QEMU's command line.
    ///
    /// # Errors
    /// As there.
    pub fn start_with(board: &BoardSpec, image: &Path, words: &[OsString]) -> Result<Self> {
        let emulator = board.emulator.as_ref().ok_or_else(|| {
            Failure::BoardMissing(format!("{} has no emulator: connect the board and use its probe", board.name))
        })?;
        setup::ensure(&[Need::Qemu])?;
        let mut command = Command::new("qemu-system-arm");
        command.args(["-machine", &emulator.qemu_machine, "-display", "none", "-monitor", "none"]);
        for _ in 0..emulator.serial {
            command.args(["-serial", "null"]);
        }
        command.args(["-serial", "stdio", "-kernel"]).arg(image).args(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().context("cannot start qemu-system-arm")?;
        let from_board = child.stdout.take().context("QEMU's output is piped")?;
        let to_board = child.stdin.take().context("QEMU's input is piped")?;
        Ok(Self { link: Link::new(from_board, to_board), child })
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
