//! In place of probes, in a build without them.

use std::convert::Infallible;

use anyhow::Result;
use secateur_boards::{BoardSpec, Frames};

use crate::failure::Failure;
use crate::rig::link::Link;

/// There is none.
#[derive(Clone, Debug)]
pub struct Probe(Infallible);

/// There is none.
#[derive(Debug)]
pub struct Log(Infallible);

/// None.
pub fn list() -> Vec<Probe> {
    Vec::new()
}

/// None.
///
/// # Errors
/// [`Failure::BoardMissing`] with the command that builds a program that knows probes.
pub fn find(board: &BoardSpec, _: Option<&str>) -> Result<Probe> {
    let other_way = match board.frames {
        Frames::Serial => "; or flash it another way, and name its serial port by --port",
        Frames::Rtt => ", by which alone it can be talked to",
    };
    let message = format!(
        "{} is flashed by a debug probe, which this build knows nothing of: build with `--features probe`, as `{}`{other_way}",
        board.name,
        super::build_command()
    );
    Err(Failure::BoardMissing(message).into())
}

impl Probe {
    /// Which of its kind it is.
    pub fn serial(&self) -> Option<String> {
        match self.0 {}
    }

    /// Its USB device: vendor and product.
    pub fn usb(&self) -> (u16, u16) {
        match self.0 {}
    }

    /// How other programs are told of it.
    pub fn selector(&self) -> String {
        match self.0 {}
    }

    /// Flashes an image, starts it, and shows its log.
    ///
    /// # Errors
    /// None: there is no probe.
    pub fn run(&self, _: &BoardSpec, _: &[(u32, &[u8])], _: &[u8]) -> Result<Log> {
        match self.0 {}
    }

    /// The line to firmware that runs.
    ///
    /// # Errors
    /// None: there is no probe.
    pub fn line(&self, _: &BoardSpec, _: Option<&[u8]>) -> Result<Link> {
        match self.0 {}
    }

    /// Flashes bytes and starts the board anew.
    ///
    /// # Errors
    /// None: there is no probe.
    pub fn write(&self, _: &BoardSpec, _: &[(u32, &[u8])]) -> Result<()> {
        match self.0 {}
    }
}

impl std::fmt::Display for Probe {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {}
    }
}
