//! What `board.toml` says of a board.

use serde::Deserialize;

/// A board's facts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoardSpec {
    /// Name of the folder, the Cargo feature and the firmware binary.
    pub name: String,
    /// As probe-rs names it.
    pub chip: String,
    /// Rust target triple.
    pub target: String,
    /// The clock that start-up aims at.
    pub clock_hz: u32,
    /// What is kept for the stack; the device measures it.
    pub stack_reserve_bytes: u32,
    /// How frames go between desk and chip.
    #[serde(default)]
    pub frames: Frames,
    /// Whether the engine's loops run from RAM, where flash is slower.
    #[serde(default)]
    pub kernels_in_ram: bool,
    /// How many bytes of weights that a run reads again and again start-up may copy to RAM, where flash is slower.
    #[serde(default)]
    pub weights_in_ram_bytes: u32,
    /// Flash.
    pub flash: Flash,
    /// The RAM that holds data, arena and stack.
    pub ram: Region,
    /// How the board is emulated, where it can be.
    pub emulator: Option<Emulator>,
}

/// Flash and its erase sectors.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flash {
    /// First address.
    pub origin: u32,
    /// Length.
    pub bytes: u32,
    /// Runs of equal erase sectors from the start: (count, bytes).
    pub sectors: Vec<(u32, u32)>,
    /// What a boot ROM wants in front of the vector table.
    #[serde(default)]
    pub boot2_bytes: u32,
    /// Whether a boot ROM looks behind the vector table for what sort of image it is.
    #[serde(default)]
    pub start_block: bool,
    /// The chip's family in UF2 files, where its boot ROM takes them.
    pub uf2_family: Option<u32>,
}

/// A range of addresses.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// First address.
    pub origin: u32,
    /// Length.
    pub bytes: u32,
}

/// How frames go between desk and chip. Its name is the feature of the firmware that does so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Frames {
    /// Over a serial port.
    #[default]
    Serial,
    /// By ring buffers in the chip's RAM, which a debug probe reads and writes: RTT. The chip needs no other pins.
    Rtt,
}

impl std::fmt::Display for Frames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Frames::Serial => "serial",
            Frames::Rtt => "rtt",
        })
    }
}

/// What emulates a board.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Emulator {
    /// QEMU.
    Qemu(QemuMachine),
    /// The emulator of the RP2040 in JavaScript.
    Rp2040js(Rp2040js),
}

/// A QEMU machine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QemuMachine {
    /// QEMU's name of it.
    pub machine: String,
    /// Which of its serial ports the firmware talks over, from 0.
    pub serial: usize,
}

/// A chip of rp2040js.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rp2040js {
    /// Which of its UARTs the firmware talks over, from 0.
    pub uart: usize,
}

impl std::fmt::Display for Emulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Emulator::Qemu(QemuMachine { machine, .. }) => write!(f, "QEMU {machine}"),
            Emulator::Rp2040js(_) => write!(f, "rp2040js"),
        }
    }
}

/// Why a board's facts are not usable.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// No folder of that name.
    #[error("no board `{name}`: known boards are {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// All names.
        known: String,
    },
    /// `board.toml` does not parse, or contradicts itself.
    #[error("boards/{name}/board.toml: {why}")]
    Invalid {
        /// The board.
        name: String,
        /// What is wrong.
        why: String,
    },
}

/// Every board's name and `board.toml`.
const BOARDS: [(&str, &str); 8] = [
    ("netduinoplus2", include_str!("../netduinoplus2/board.toml")),
    ("nucleo-f446re", include_str!("../nucleo-f446re/board.toml")),
    ("nucleo-f767zi", include_str!("../nucleo-f767zi/board.toml")),
    ("nucleo-h743zi", include_str!("../nucleo-h743zi/board.toml")),
    ("nucleo-l4r5zi", include_str!("../nucleo-l4r5zi/board.toml")),
    ("pico", include_str!("../pico/board.toml")),
    ("pico2", include_str!("../pico2/board.toml")),
    ("stm32f4-discovery", include_str!("../stm32f4-discovery/board.toml")),
];

/// Every board.
///
/// # Errors
/// [`SpecError::Invalid`].
pub fn all() -> Result<Vec<BoardSpec>, SpecError> {
    BOARDS.iter().map(|(name, text)| parse(name, text)).collect()
}

/// The board of this name.
///
/// # Errors
/// [`SpecError::Unknown`] naming the known ones, or [`SpecError::Invalid`].
pub fn find(name: &str) -> Result<BoardSpec, SpecError> {
    let found = BOARDS.iter().find(|(known, _)| *known == name);
    let known = BOARDS.map(|(name, _)| name).join(", ");
    let (name, text) = found.ok_or(SpecError::Unknown { name: name.to_owned(), known })?;
    parse(name, text)
}

fn parse(name: &str, text: &str) -> Result<BoardSpec, SpecError> {
    let invalid = |why: String| SpecError::Invalid { name: name.to_owned(), why };
    let board: BoardSpec = toml::from_str(text).map_err(|error| invalid(error.to_string()))?;
    let sectors: u32 = board.flash.sectors.iter().map(|(count, bytes)| count * bytes).sum();
    if sectors != board.flash.bytes {
        return Err(invalid(format!("sectors add up to {sectors} B, flash is {} B", board.flash.bytes)));
    }
    if board.flash.boot2_bytes > board.sector_starts().get(1).copied().unwrap_or(board.flash.bytes) {
        return Err(invalid(format!("boot2_bytes is {}, more than the first sector", board.flash.boot2_bytes)));
    }
    if let (Frames::Rtt, Some(emulator)) = (board.frames, &board.emulator) {
        return Err(invalid(format!(
            "frames is \"rtt\", and {emulator} has no debug probe: write \"serial\", or leave it out"
        )));
    }
    if board.name != name {
        return Err(invalid(format!("name is `{}`", board.name)));
    }
    Ok(board)
}

impl BoardSpec {
    /// The start of each erase sector, from the start of flash.
    pub fn sector_starts(&self) -> Vec<u32> {
        let sizes = self.flash.sectors.iter().flat_map(|&(count, bytes)| (0..count).map(move |_| bytes));
        let starts = sizes.scan(0, |end, bytes| {
            let start = *end;
            *end += bytes;
            Some(start)
        });
        starts.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_board_is_valid() {
        for board in all().expect("valid boards") {
            assert_eq!(board.sector_starts().first(), Some(&0));
        }
    }

    /// A board, and what else its file says.
    fn with(words: &str) -> Result<BoardSpec, SpecError> {
        let text = "name = \"a\"\nchip = \"b\"\ntarget = \"c\"\nclock_hz = 1\nstack_reserve_bytes = 8\n\
                    ram = { origin = 0, bytes = 8 }\nflash = { origin = 0, bytes = 8, sectors = [[2, 4]] }\n";
        parse("a", &format!("{text}{words}"))
    }

    #[test]
    fn frames_go_over_a_serial_port_or_by_a_probe_that_no_emulator_has() {
        assert_eq!(with("").expect("valid").frames, Frames::Serial);
        assert_eq!(with("frames = \"rtt\"").expect("valid").frames, Frames::Rtt);
        for (wrong, why) in [
            ("frames = \"usb\"", "unknown variant `usb`, expected `serial` or `rtt`"),
            (
                "frames = \"rtt\"\nemulator = { rp2040js = { uart = 0 } }",
                "boards/a/board.toml: frames is \"rtt\", and rp2040js has no debug probe: write \"serial\", or leave it out",
            ),
        ] {
            let error = with(wrong).expect_err(wrong).to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn an_emulator_is_one_that_is_known_and_has_what_it_needs() {
        let board = |emulator: &str| with(emulator).map(|board| board.emulator.map(|it| it.to_string()));
        assert_eq!(board("").expect("valid"), None);
        assert_eq!(board("[emulator.rp2040js]\nuart = 1").expect("valid").as_deref(), Some("rp2040js"));
        assert_eq!(board("[emulator.qemu]\nmachine = \"m\"\nserial = 0").expect("valid").as_deref(), Some("QEMU m"));
        for (wrong, why) in [
            ("[emulator.renode]\nscript = \"s\"", "unknown variant `renode`"),
            ("[emulator.rp2040js]\nserial = 1", "unknown field `serial`"),
            ("[emulator.qemu]\nmachine = \"m\"", "missing field `serial`"),
            ("[emulator.rp2040js]\nuart = 1\n[emulator.qemu]\nmachine = \"m\"\nserial = 0", "exactly 1 element"),
        ] {
            let error = board(wrong).expect_err(wrong).to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn an_unknown_board_names_the_known_ones() {
        let error = find("arduino").expect_err("unknown").to_string();
        let known =
            "netduinoplus2, nucleo-f446re, nucleo-f767zi, nucleo-h743zi, nucleo-l4r5zi, pico, pico2, stm32f4-discovery";
        assert_eq!(error, format!("no board `arduino`: known boards are {known}"));
    }
}
