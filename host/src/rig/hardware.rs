//! A board on the desk: flashed by a debug probe, talked to over a serial port or by that probe.

use std::path::Path;

use anyhow::{Context, Result};
use secateur_boards::{BoardSpec, Frames};

use super::link::Link;
use super::probe::{self, Probe};
use super::{image, serial};
use crate::failure::Failure;

/// What leads to a board on the desk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wiring {
    /// The debug probe: SERIAL, VID:PID or VID:PID:SERIAL; where absent, the only one that there is.
    pub probe: Option<String>,
    /// The serial port; where absent, the one of the debug probe itself.
    pub port: Option<String>,
}

impl Wiring {
    /// Whether the board is taken as it is: a port leads to it and no probe.
    pub(super) fn is_as_flashed(&self) -> bool {
        self.probe.is_none() && self.port.is_some()
    }
}

/// A board that runs an image.
pub struct Hardware {
    /// The line to the firmware.
    pub link: Link,
    /// Shows the firmware's log while it runs, where the link does not.
    _log: Option<probe::Log>,
}

impl Hardware {
    /// Flashes an image and starts it. Where only a port is named, the board runs what it was flashed with before.
    ///
    /// # Errors
    /// [`Failure::BoardMissing`] with what was found where the probe, its chip or the port is not there.
    pub fn start(board: &BoardSpec, wiring: &Wiring, image: &Path) -> Result<Self> {
        if let (true, Some(port)) = (wiring.is_as_flashed(), &wiring.port) {
            return Ok(Self { link: serial::open(port)?, _log: None });
        }
        let probe = probe::find(board, wiring.probe.as_deref())?;
        let image = std::fs::read(image).with_context(|| format!("cannot read {}", image.display()))?;
        let loaded = image::loaded(&image)?;
        if board.frames == Frames::Rtt {
            probe.write(board, &loaded)?;
            return Ok(Self { link: probe.line(board, Some(&image))?, _log: None });
        }
        // Before minutes of flashing.
        let link = serial::open(&port(wiring, &probe)?)?;
        let log = probe.run(board, &loaded, &image)?;
        Ok(Self { link, _log: Some(log) })
    }
}

/// The line to a board that runs, which has this probe.
pub(super) fn line(board: &BoardSpec, wiring: &Wiring, probe: &Probe) -> Result<Link> {
    match board.frames {
        Frames::Serial => serial::open(&port(wiring, probe)?),
        Frames::Rtt => probe.line(board, None),
    }
}

/// The port that is named, or the probe's own.
fn port(wiring: &Wiring, probe: &Probe) -> Result<String> {
    if let Some(port) = &wiring.port {
        return Ok(port.clone());
    }
    let is_probes = |port: &serial::Port| port.usb.as_ref().is_some_and(|usb| usb.serial == probe.serial());
    if let Some(port) = serial::ports().into_iter().find(|port| probe.serial().is_some() && is_probes(port)) {
        return Ok(port.path);
    }
    let message = format!(
        "{probe} has no serial port: name the one that the board's UART is wired to by --port; {}",
        serial::listed()
    );
    Err(Failure::BoardMissing(message).into())
}
