//! Where tests run: the boards that are asked for, with a network of noise.

use anyhow::{Context, Result, bail};
use secateur::rig::emulated::Emulated;
use secateur::rig::hil;
use secateur::rig::link::Link;
use secateur::rig::target::{self, Reach};
use secateur_tests::bench::Bench;
use secateur_tests::untrained::{Noise, untrained};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use tempfile::TempDir;

/// Values of the network's input.
pub(crate) const VALUES: usize = 28 * 28;

/// An input of noise.
pub(crate) fn input() -> Vec<i8> {
    Noise(2).bytes(VALUES)
}

/// Runs a test on every board, side by side.
pub(crate) fn on_every_board(test: impl Fn(&Bench) -> Result<()> + Sync) -> Result<()> {
    static BENCHES: LazyLock<Result<Vec<Bench>>> = LazyLock::new(|| {
        let targets = hil::targets()?.into_iter();
        targets.map(|target| Bench::at(target, &untrained()?)).collect()
    });
    let benches = BENCHES.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
    std::thread::scope(|scope| {
        let runs: Vec<_> = benches.iter().map(|bench| (bench, scope.spawn(|| test(bench)))).collect();
        let finished = runs.into_iter().map(|(bench, run)| {
            let Ok(result) = run.join() else { bail!("on {}: see the panic above", bench.board.name) };
            result.with_context(|| format!("on {}", bench.board.name))
        });
        // All of them, so that no board's failure hides another's.
        let failures: Vec<String> = finished.filter_map(Result::err).map(|error| format!("{error:#}")).collect();
        if failures.is_empty() { Ok(()) } else { bail!("{}", failures.join("\n")) }
    })
}

/// An image's file.
pub(crate) struct Image {
    folder: TempDir,
}

impl Image {
    /// Writes it.
    pub(crate) fn new(image: &[u8]) -> Result<Self> {
        let image_file = Self { folder: tempfile::tempdir()? };
        std::fs::write(image_file.path(), image)?;
        Ok(image_file)
    }

    /// Its path.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("image.elf")
    }
}

/// A board that runs an image.
pub(crate) struct Running {
    board: target::Running,
    _image: Image,
    _turn: Option<Turn>,
}

impl Running {
    /// Starts an image.
    pub(crate) fn start(bench: &Bench, image: &[u8]) -> Result<Self> {
        Self::start_with(bench, image, &[])
    }

    /// As [`Running::start`], with more words for an emulator.
    pub(crate) fn start_with(bench: &Bench, image: &[u8], words: &[OsString]) -> Result<Self> {
        let turn = turn(bench);
        let image = Image::new(image)?;
        let board = match words {
            [] => bench.target.start(&image.path())?,
            words => target::Running::Emulated(Emulated::start_with(&bench.board, &image.path(), words)?),
        };
        Ok(Self { board, _image: image, _turn: turn })
    }

    /// The line to it.
    pub(crate) fn link(&mut self) -> &mut Link {
        self.board.link()
    }
}

/// The right to use the hardware.
pub(crate) type Turn = MutexGuard<'static, ()>;

/// Waits for the hardware, of which there is one; an emulator is there for every test.
pub(crate) fn turn(bench: &Bench) -> Option<Turn> {
    static HARDWARE: Mutex<()> = Mutex::new(());
    (bench.target.reach != Reach::Emulated).then(|| HARDWARE.lock().unwrap_or_else(PoisonError::into_inner))
}
