//! The board: QEMU with its image, the debugger at it, and what it logs.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use anyhow::{Context, Result};
use object::{Object, ObjectSymbol};
use secateur::data::{Images, Shape};
use secateur::rig::emulated::Emulated;
use secateur::rig::link::{Link, Patience};
use secateur::rig::rtt;
use secateur_boards::BoardSpec;
use secateur_tests::bench::Bench;
use secateur_tests::untrained::{Noise, untrained};
use tempfile::TempDir;

use crate::gdb::Gdb;
use crate::probe::Probe;

pub(crate) const BOARD: &str = "stm32f4-discovery";
pub(crate) const VALUES: usize = 28 * 28;

pub(crate) fn bench() -> Result<&'static Bench> {
    static BENCH: LazyLock<Result<Bench>> = LazyLock::new(|| Bench::new(secateur_boards::find(BOARD)?, &untrained()?));
    BENCH.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))
}

/// The board, running; what it logged.
pub(crate) struct Board {
    pub(crate) emulated: Emulated,
    pub(crate) probe: Probe,
    pub(crate) log: Log,
    _folder: TempDir,
}

#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Board {
    pub(crate) fn start() -> Result<Self> {
        Self::start_image(&bench()?.image()?)
    }

    pub(crate) fn start_image(image: &[u8]) -> Result<Self> {
        let (board, folder) = (secateur_boards::find(BOARD)?, tempfile::tempdir()?);
        let (path, socket): (PathBuf, PathBuf) = (folder.path().join("image.elf"), folder.path().join("gdb"));
        std::fs::write(&path, image)?;
        let emulator = secateur_boards::find("netduinoplus2")?.emulator;
        let words = ["-gdb".into(), format!("unix:{},server=on,wait=off", socket.display()).into()];
        let emulated = Emulated::start_with(&BoardSpec { emulator, ..board }, &path, &words)?;
        let probe = Probe::new(Gdb::connect(&socket)?, block(image)?);
        Ok(Self { emulated, probe, log: Log::default(), _folder: folder })
    }

    /// A line to it. Anybody may be busy on this machine.
    pub(crate) fn link(&self) -> Result<Link> {
        let patience = Patience { tries: 12, ..Patience::default() };
        Ok(rtt::line(self.probe.clone(), self.log.clone())?.with_patience(patience))
    }
}

/// Where an image has RTT's control block.
pub(crate) fn block(image: &[u8]) -> Result<u32> {
    let file = object::File::parse(image)?;
    let symbol = file.symbols().find(|symbol| symbol.name() == Ok("_SEGGER_RTT"));
    Ok(symbol.context("the image has a control block")?.address() as u32)
}

pub(crate) fn input() -> Vec<i8> {
    Noise(2).bytes(VALUES)
}

pub(crate) fn images(count: usize) -> Images {
    let pixels = Noise(3).bytes(count * VALUES).into_iter().map(i8::cast_unsigned).collect();
    Images { shape: Shape { height: 28, width: 28, channels: 1 }, pixels, labels: vec![0; count] }
}
