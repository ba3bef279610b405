//! A board, and how it is reached: emulated here, or on the desk by a debug probe, a serial port, or both.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use secateur_boards::{BoardSpec, Frames};
use tempfile::TempDir;

use super::emulated::Emulated;
use super::hardware::{Hardware, Wiring};
use super::link::Link;
use crate::failure::Failure;

/// A board and how it is reached.
#[derive(Clone, Debug)]
pub struct Target {
    /// The board.
    pub board: BoardSpec,
    /// Where it is.
    pub reach: Reach,
}

/// Where a board is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Emulated on this machine.
    Emulated,
    /// On the desk.
    Hardware(Wiring),
}

/// A board that runs an image, until this value is dropped.
pub enum Running {
    /// In an emulator.
    Emulated(Emulated),
    /// On the desk.
    Hardware(Hardware),
}

impl Target {
    /// The board emulated, where something emulates it, and otherwise on the desk.
    pub fn usual(board: BoardSpec) -> Self {
        let reach = if board.emulator.is_some() { Reach::Emulated } else { Reach::Hardware(Wiring::default()) };
        Self { board, reach }
    }

    /// The board of `NAME`, as [`Target::usual`], or of `NAME@WHERE`, on the desk: WHERE is a debug probe (SERIAL, VID:PID or
    /// VID:PID:SERIAL) or a serial port, or both, one after the other.
    ///
    /// # Errors
    /// [`Failure::Usage`] with the names that exist, or where two probes or ports are named.
    pub fn parse(text: &str) -> Result<Self> {
        let mut words = text.split('@');
        let name = words.next().unwrap_or_default();
        let board = secateur_boards::find(name).map_err(|error| Failure::Usage(error.to_string()))?;
        words.try_fold(Self::usual(board), |target, place| target.at(place))
    }

    /// The same board on the desk, at the end of this probe or port.
    ///
    /// # Errors
    /// [`Failure::Usage`] where it is already at another, or at a port and its frames go by no port.
    pub fn at(self, place: &str) -> Result<Self> {
        let is_port = place.contains(['/', '\\']) || place.to_ascii_uppercase().starts_with("COM");
        if is_port { self.by(None, Some(place)) } else { self.by(Some(place), None) }
    }

    /// The same board on the desk, where a probe or a port is given.
    ///
    /// # Errors
    /// As [`Target::at`].
    pub fn by(self, probe: Option<&str>, port: Option<&str>) -> Result<Self> {
        if probe.is_none() && port.is_none() {
            return Ok(self);
        }
        let name = &self.board.name;
        if let (Frames::Rtt, Some(port)) = (self.board.frames, port) {
            let message = format!(
                "{name} has no serial port, its frames go by its debug probe: leave {port} out, and where there are several \
                 probes name its one, by --probe or as {name}@SERIAL"
            );
            return Err(Failure::Usage(message).into());
        }
        let mut wiring = match self.reach {
            Reach::Emulated => Wiring::default(),
            Reach::Hardware(wiring) => wiring,
        };
        for (place, given) in [(&mut wiring.probe, probe), (&mut wiring.port, port)] {
            let Some(given) = given else { continue };
            if let Some(earlier) = place.replace(given.to_owned()).filter(|earlier| earlier != given) {
                let message = format!("{name} is both at `{earlier}` and at `{given}`: name one");
                return Err(Failure::Usage(message).into());
            }
        }
        Ok(Self { reach: Reach::Hardware(wiring), ..self })
    }

    /// How a report calls it: "emulated" or "hardware".
    pub fn kind(&self) -> &'static str {
        match self.reach {
            Reach::Emulated => "emulated",
            Reach::Hardware(_) => "hardware",
        }
    }

    /// Whether the board runs what it was flashed with before, whatever image is brought.
    pub(super) fn is_as_flashed(&self) -> bool {
        matches!(&self.reach, Reach::Hardware(wiring) if wiring.is_as_flashed())
    }

    /// Brings an image to the board and runs it there.
    ///
    /// # Errors
    /// Where the emulator, the probe or the port is missing or fails.
    pub fn start(&self, image: &Path) -> Result<Running> {
        Ok(match &self.reach {
            Reach::Emulated => Running::Emulated(Emulated::start(&self.board, image)?),
            Reach::Hardware(wiring) => Running::Hardware(Hardware::start(&self.board, wiring, image)?),
        })
    }
}

/// An image as a file, until the folder that it lies in is dropped.
///
/// # Errors
/// No room for temporary files.
pub(super) fn image_file(image: &[u8]) -> Result<(PathBuf, TempDir)> {
    let folder = tempfile::tempdir().context("no room for temporary files: free some, or set TMPDIR")?;
    let path = folder.path().join("image.elf");
    std::fs::write(&path, image).context("cannot write a temporary file")?;
    Ok((path, folder))
}

impl Running {
    /// The line to the firmware.
    pub fn link(&mut self) -> &mut Link {
        match self {
            Running::Emulated(emulated) => &mut emulated.link,
            Running::Hardware(hardware) => &mut hardware.link,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A probe and a port; `None` of an emulated board.
    type Places = Option<(Option<String>, Option<String>)>;

    fn places(text: &str) -> Result<(String, Places)> {
        let Target { board, reach } = Target::parse(text)?;
        let wiring = match reach {
            Reach::Emulated => None,
            Reach::Hardware(Wiring { probe, port }) => Some((probe, port)),
        };
        Ok((board.name, wiring))
    }

    #[test]
    fn a_board_is_emulated_unless_something_leads_to_one_on_the_desk() -> Result<()> {
        let at = |probe: Option<&str>, port: Option<&str>| Some((probe.map(str::to_owned), port.map(str::to_owned)));
        for (text, name, wiring) in [
            ("pico", "pico", None),
            ("nucleo-f446re", "nucleo-f446re", at(None, None)),
            ("nucleo-f446re@066CFF", "nucleo-f446re", at(Some("066CFF"), None)),
            ("pico@2e8a:000c", "pico", at(Some("2e8a:000c"), None)),
            ("pico@/dev/ttyACM1", "pico", at(None, Some("/dev/ttyACM1"))),
            ("pico@com3", "pico", at(None, Some("com3"))),
            ("pico@2e8a:000c:E6@/dev/ttyACM1", "pico", at(Some("2e8a:000c:E6"), Some("/dev/ttyACM1"))),
        ] {
            assert_eq!(places(text)?, (name.to_owned(), wiring), "{text}");
        }
        Ok(())
    }

    #[test]
    fn two_probes_or_ports_of_one_board_are_refused() {
        let says = |text| places(text).expect_err("refused").to_string();
        assert_eq!(says("pico@E66@E67"), "pico is both at `E66` and at `E67`: name one");
        let by_probe = "stm32f4-discovery has no serial port, its frames go by its debug probe: leave /dev/ttyACM1 out, and \
                        where there are several probes name its one, by --probe or as stm32f4-discovery@SERIAL";
        assert_eq!(says("stm32f4-discovery@/dev/ttyACM1"), by_probe);
        assert!(places("stm32f4-discovery@066CFF").is_ok());
        assert!(says("arduino@E66").starts_with("no board `arduino`: known boards are netduinoplus2"));
    }
}
