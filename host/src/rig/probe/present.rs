//! Debug probes, by probe-rs.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use indicatif::{ProgressBar, ProgressStyle};
use probe_rs::flashing::{DownloadOptions, FlashProgress, ProgressEvent, ProgressOperation};
use probe_rs::probe::DebugProbeInfo;
use probe_rs::probe::list::{Accessibility, Lister};
use probe_rs::rtt::{Rtt, ScanRegion};
use probe_rs::{MemoryInterface, Permissions, Session};
use secateur_boards::{BoardSpec, Frames};

use super::chip;
use super::log::{self, Log};
use super::memory::Memory;
use crate::failure::Failure;
use crate::rig::link::Link;
use crate::rig::{rtt, serial};

/// How long a core may take to stop.
const HALT: Duration = Duration::from_millis(500);

/// A debug probe.
#[derive(Clone, Debug)]
pub struct Probe {
    info: DebugProbeInfo,
    accessibility: Accessibility,
}

impl std::fmt::Display for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}", self.info.identifier, self.selector())
    }
}

/// The probes on this machine's USB.
pub fn list() -> Vec<Probe> {
    let items = Lister::new().list_all_with_access().into_iter();
    items.map(|item| Probe { info: item.info, accessibility: item.accessibility }).collect()
}

/// The probe that is named, SERIAL or VID:PID or VID:PID:SERIAL, or else the only one.
///
/// # Errors
/// [`Failure::BoardMissing`] with what was found where there is none, or more than one.
pub fn find(board: &BoardSpec, named: Option<&str>) -> Result<Probe> {
    choose(board, list(), named)
}

fn choose(board: &BoardSpec, there: Vec<Probe>, named: Option<&str>) -> Result<Probe> {
    let BoardSpec { name: board, frames, .. } = board;
    let words = |probes: &[Probe]| probes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let found = if there.is_empty() { "none".to_owned() } else { words(&there) };
    let matching: Vec<Probe> =
        there.into_iter().filter(|probe| named.is_none_or(|named| probe.is_named(named))).collect();
    let message = match (&*matching, named) {
        ([probe], _) => return Ok(probe.clone()),
        ([], None) => format!(
            "no debug probe is connected for {board}: plug it in (a data cable, not one for charging){}",
            if *frames == Frames::Serial { format!("; {}", serial::listed()) } else { String::new() }
        ),
        ([], Some(named)) => format!("no debug probe `{named}` is connected for {board}; found: {found}"),
        (several, _) => {
            let words = words(several);
            format!(
                "more than one debug probe could be {board}'s, name one as `--board {board}@SERIAL`; found: {words}"
            )
        }
    };
    Err(Failure::BoardMissing(message).into())
}

impl Probe {
    /// Which of its kind it is.
    pub fn serial(&self) -> Option<String> {
        self.info.serial_number.clone().filter(|serial| !serial.is_empty())
    }

    /// Its USB device: vendor and product.
    pub fn usb(&self) -> (u16, u16) {
        (self.info.vendor_id, self.info.product_id)
    }

    /// How other programs are told of it: VID:PID, or VID:PID:SERIAL.
    pub fn selector(&self) -> String {
        let (vendor, product) = self.usb();
        let serial = self.serial().map_or(String::new(), |serial| format!(":{serial}"));
        format!("{vendor:04x}:{product:04x}{serial}")
    }

    fn is_named(&self, name: &str) -> bool {
        let (vendor, product) = self.usb();
        let known = [Some(format!("{vendor:04x}:{product:04x}")), self.serial(), Some(self.selector())];
        known.into_iter().flatten().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Flashes an image, starts it, and shows its log until that is dropped. `elf` has the log's texts.
    ///
    /// # Errors
    /// No right to use the probe, no chip or another one at its end, or flash that does not take the image.
    pub fn run(&self, board: &BoardSpec, segments: &[(u32, &[u8])], elf: &[u8]) -> Result<Log> {
        Log::start(self.flash(board, segments)?, &board.name, elf)
    }

    /// The line to firmware that runs on a board whose frames go by RTT. Its log is shown where `elf` has the texts.
    ///
    /// # Errors
    /// No right to use the probe, or no chip or another one at its end.
    pub fn line(&self, board: &BoardSpec, elf: Option<&[u8]>) -> Result<Link> {
        let log = elf.map(|elf| log::shown(&board.name, elf)).transpose()?;
        let channels = Memory::new(self.attach(board)?, board.ram.origin.into());
        rtt::line(channels, log.unwrap_or_else(|| Box::new(std::io::sink()))).context("no room for a pipe")
    }

    /// Flashes bytes, erasing no sector but theirs, and starts the board anew.
    ///
    /// # Errors
    /// As [`Probe::run`].
    pub fn write(&self, board: &BoardSpec, segments: &[(u32, &[u8])]) -> Result<()> {
        self.flash(board, segments).map(drop)
    }

    fn flash(&self, board: &BoardSpec, segments: &[(u32, &[u8])]) -> Result<Session> {
        let mut session = self.attach(board)?;
        let mut loader = session.target().flash_loader();
        for (address, bytes) in segments {
            loader.add_data((*address).into(), bytes).with_context(|| format!("{address:#010x} on {}", board.chip))?;
        }
        let mut options = DownloadOptions::new();
        // What is there already is not worn out.
        (options.preverify, options.verify) = (true, true);
        let total = segments.iter().map(|(_, bytes)| bytes.len() as u64).sum();
        options.progress = progress(&board.name, total);
        let advice = "the flash did not take the image: see to the board's power, that its flash is not protected, and try again";
        loader.commit(&mut session, options).context(advice)?;
        start(&mut session, board).context("the board was flashed, but does not start: reset it by its button")?;
        Ok(session)
    }

    fn attach(&self, board: &BoardSpec) -> Result<Session> {
        if self.accessibility == Accessibility::PermissionDenied {
            let rules = "install probe-rs's udev rules (https://probe.rs/docs/getting-started/probe-setup)";
            let message = format!("no right to use {self}: {rules}, and plug it in again");
            return Err(Failure::BoardMissing(message).into());
        }
        let probe = self.info.open().map_err(|error| self.unreached(board, &error.into()))?;
        let session = probe.attach(&board.chip, Permissions::default());
        let mut session = session.map_err(|error| self.unreached(board, &error))?;
        match mismatch(&mut session, board).map_err(|error| self.unreached(board, &error))? {
            None => Ok(session),
            Some(wrong) => {
                let message = format!("{self} is not at a {}: {wrong}; choose the board that it is", board.name);
                Err(Failure::BoardMissing(message).into())
            }
        }
    }

    fn unreached(&self, board: &BoardSpec, error: &probe_rs::Error) -> anyhow::Error {
        let advice = "see that the board is powered and the one of --board, and that no other program uses the probe";
        anyhow!(Failure::BoardMissing(format!("{self} does not reach a {}: {error}; {advice}", board.chip)))
    }
}

/// Starts the board anew.
fn start(session: &mut Session, board: &BoardSpec) -> Result<()> {
    let mut core = session.core(0)?;
    if board.frames == Frames::Rtt {
        core.halt(HALT)?;
        // What was there of earlier firmware would be taken for today's.
        Rtt::clear_control_block(&mut core, &ScanRegion::Exact(board.ram.origin.into()))?;
    }
    Ok(core.reset()?)
}

/// What is wrong with the chip at the end of a session, if anything is.
fn mismatch(session: &mut Session, board: &BoardSpec) -> Result<Option<String>, probe_rs::Error> {
    let mut core = session.core(0)?;
    let cpuid = core.read_word_32(chip::CPUID)?;
    let idcode = chip::has_line(&board.chip).then(|| core.read_word_32(chip::DBGMCU_IDCODE).ok()).flatten();
    Ok(chip::mismatch(&board.chip, &board.target, cpuid, idcode))
}

/// A bar that grows while bytes are programmed.
fn progress(board: &str, total: u64) -> FlashProgress<'static> {
    let style = ProgressStyle::with_template("flash     {bar:40} {bytes}/{total_bytes} {msg}");
    let bar = ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(board.to_owned());
    FlashProgress::new(move |event| match event {
        ProgressEvent::Progress { operation: ProgressOperation::Program, size, .. } => bar.inc(size),
        ProgressEvent::Finished(ProgressOperation::Program) => bar.finish_and_clear(),
        _ => {}
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_no_probe_it_says_so_and_what_was_found() {
        let board = |name| secateur_boards::find(name).expect("a board");
        let error = choose(&board("nucleo-f446re"), Vec::new(), None).expect_err("no probe");
        assert_eq!(error.downcast_ref::<Failure>().map(Failure::exit_code), Some(5));
        let message = error.to_string();
        assert!(message.starts_with("no debug probe is connected for nucleo-f446re: plug it in"), "{message}");
        let by_it_alone = choose(&board("stm32f4-discovery"), Vec::new(), None).expect_err("no probe").to_string();
        assert!(by_it_alone.ends_with(": plug it in (a data cable, not one for charging)"), "{by_it_alone}");
        let named = choose(&board("pico"), Vec::new(), Some("E66")).expect_err("no probe").to_string();
        assert_eq!(named, "no debug probe `E66` is connected for pico; found: none");
    }
}
