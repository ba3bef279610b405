//! The words of the verbs that reach a board.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use secateur_boards::BoardSpec;

use crate::failure::Failure;
use crate::report;
use crate::rig::bench;
use crate::rig::blob;
use crate::rig::flash::{self, Source};
use crate::rig::hardware::Wiring;
use crate::rig::hil;
use crate::rig::infer;
use crate::rig::setup::{self, Need};
use crate::rig::sizes;
use crate::rig::target::Target;
use crate::rig::verb::{self, Request};

/// The board that is taken where none is named.
pub(super) const DEFAULT: &str = "netduinoplus2";

/// The board of this name.
///
/// # Errors
/// [`Failure::Usage`] with the names that exist.
pub(super) fn find(name: &str) -> Result<BoardSpec> {
    secateur_boards::find(name).map_err(|error| Failure::Usage(error.to_string()).into())
}

#[derive(Debug, Args)]
pub(super) struct NameWords {
    /// The results' folder in `out` [default: the newest].
    #[arg(long)]
    name: Option<String>,
}

impl NameWords {
    fn folder(&self) -> Result<PathBuf> {
        let out = Path::new("out");
        self.name.as_ref().map_or_else(|| report::newest(out), |name| Ok(out.join(name)))
    }
}

#[derive(Debug, Args)]
pub(super) struct BlobWords {
    /// A blob by itself, as `import` writes one, in place of results; its inputs are noise.
    #[arg(long, value_name = "FILE", conflicts_with = "name")]
    blob: Option<PathBuf>,
}

impl BlobWords {
    /// The blob that is named, on the board that is named or else the usual one.
    fn subject(&self, board: Option<&str>, wire: &WireWords) -> Result<Option<blob::Subject>> {
        let subject = |path: &PathBuf| {
            let target = wire.lead(Target::parse(board.unwrap_or(DEFAULT))?)?;
            Ok(blob::Subject { path: path.clone(), target })
        };
        self.blob.as_ref().map(subject).transpose()
    }
}

/// What leads to a board on the desk.
#[derive(Debug, Default, Args)]
pub(super) struct WireWords {
    /// The debug probe of a board on the desk: its serial number, VID:PID or VID:PID:SERIAL [default: the only one].
    #[arg(long, value_name = "PROBE")]
    probe: Option<String>,
    /// The serial port of a board on the desk, as /dev/ttyACM0 [default: the probe's own]; without --probe, the board is
    /// taken as it is flashed.
    #[arg(long, value_name = "PORT")]
    port: Option<String>,
}

impl WireWords {
    fn lead(&self, target: Target) -> Result<Target> {
        target.by(self.probe.as_deref(), self.port.as_deref())
    }

    fn wiring(&self) -> Wiring {
        Wiring { probe: self.probe.clone(), port: self.port.clone() }
    }
}

#[derive(Debug, Args)]
pub(super) struct VerifyWords {
    #[command(flatten)]
    name: NameWords,
    #[command(flatten)]
    blob: BlobWords,
    /// The board to run on [default: the results' own]. NAME is emulated where it can be, NAME@PROBE and NAME@PORT are on
    /// the desk; given again, several boards run at once.
    #[arg(long, value_name = "NAME[@WHERE]")]
    board: Vec<String>,
    #[command(flatten)]
    wire: WireWords,
    /// Test images to run: a number, or `all`.
    #[arg(long, default_value = "200", value_name = "N|all", value_parser = count)]
    images: usize,
    /// Write the report to FILE too.
    #[arg(long, value_name = "FILE", conflicts_with = "blob")]
    json: Option<PathBuf>,
    /// Send the model to the board, to run it from there: `ram`. Its flash stays as it is.
    #[arg(long, conflicts_with = "blob")]
    load: Option<Place>,
    /// Run every image again, those too that a run that was cut off has finished.
    #[arg(long, conflicts_with = "blob")]
    fresh: bool,
}

/// Where a model that is sent goes.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Place {
    /// Until the board's next start.
    Ram,
}

fn count(text: &str) -> Result<usize, String> {
    let count = if text == "all" { Ok(usize::MAX) } else { text.parse() };
    count.ok().filter(|count| *count > 0).ok_or_else(|| "write a number from 1, or `all`".to_owned())
}

impl VerifyWords {
    pub(super) fn run(self) -> Result<()> {
        self.check()?;
        let boards: Vec<Option<&str>> = match &*self.board {
            [] => vec![None],
            boards => boards.iter().map(|board| Some(&**board)).collect(),
        };
        let subjects = boards.iter().map(|board| self.blob.subject(*board, &self.wire));
        let subjects = subjects.collect::<Result<Option<Vec<_>>>>()?;
        if let Some(subjects) = subjects {
            // Of noise there is no end.
            ensure_some(self.images)?;
            return blob::verify(&subjects, self.images);
        }
        let (folder, in_ram) = (self.name.folder()?, self.load.is_some());
        let (images, json, fresh, wiring) = (self.images, self.json, self.fresh, self.wire.wiring());
        let whole = Request { folder, images, json, in_ram, fresh, wiring, ..Request::default() };
        let one = |board: &Option<&str>| Ok(Request { target: board.map(Target::parse).transpose()?, ..whole.clone() });
        verb::verify_all(&boards.iter().map(one).collect::<Result<Vec<_>>>()?)
    }

    fn check(&self) -> Result<()> {
        let is_wired = self.wire.probe.is_some() || self.wire.port.is_some();
        if self.board.len() > 1 && is_wired {
            let message = "--probe and --port are of one board: of several, write each as --board NAME@PROBE@PORT";
            return Err(Failure::Usage(message.to_owned()).into());
        }
        Ok(())
    }
}

fn ensure_some(images: usize) -> Result<()> {
    match images {
        usize::MAX => Err(Failure::Usage("a blob has no test images: write how many inputs of noise".into()).into()),
        _ => Ok(()),
    }
}

#[derive(Debug, Args)]
pub(super) struct RunWords {
    #[command(flatten)]
    name: NameWords,
    /// The board to run on [default: the results' own]: NAME, or NAME@PROBE or NAME@PORT for one on the desk.
    #[arg(long, value_name = "NAME[@WHERE]")]
    board: Option<String>,
    #[command(flatten)]
    wire: WireWords,
    /// Test images to show.
    #[arg(long, default_value = "10", value_name = "N", value_parser = count)]
    images: usize,
    /// Send the model to the board, to run it from there: `ram`. Its flash stays as it is.
    #[arg(long)]
    load: Option<Place>,
    /// Show each layer's cycles and checksum for the first image.
    #[arg(long)]
    profile: bool,
}

impl RunWords {
    pub(super) fn request(self) -> Result<Request> {
        let (folder, images, in_ram) = (self.name.folder()?, self.images, self.load.is_some());
        let target = self.board.as_deref().map(Target::parse).transpose()?;
        let (profile, wiring) = (self.profile, self.wire.wiring());
        Ok(Request { folder, target, wiring, images, in_ram, profile, ..Request::default() })
    }
}

#[derive(Debug, Args)]
pub(super) struct BenchWords {
    #[command(flatten)]
    name: NameWords,
    #[command(flatten)]
    blob: BlobWords,
    /// The board to run on [default: the results' own].
    #[arg(long)]
    board: Option<String>,
    /// Build the firmware again, from today's sources, around the same model.
    #[arg(long)]
    rebuild: bool,
    /// Show the change since the figures in FILE, which `--json` wrote.
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
    /// Write the figures to FILE.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl BenchWords {
    pub(super) fn run(self) -> Result<()> {
        let files = bench::Files { compare: self.compare, json: self.json };
        if let Some(subject) = self.blob.subject(self.board.as_deref(), &WireWords::default())? {
            return blob::bench(&subject, &files);
        }
        let target = self.board.as_deref().map(Target::parse).transpose()?;
        let results = Request { folder: self.name.folder()?, target, images: 1, ..Request::default() };
        bench::run(&bench::Request { results, rebuild: self.rebuild, files })
    }
}

#[derive(Debug, Args)]
pub(super) struct SizesWords {
    #[command(flatten)]
    name: NameWords,
    #[command(flatten)]
    blob: BlobWords,
    /// The board of a blob by itself.
    #[arg(long, default_value = DEFAULT, requires = "blob")]
    board: String,
    /// The largest functions and variables to show.
    #[arg(long, default_value = "20", value_name = "N")]
    top: usize,
    /// Show the change from another image: a folder of results, or an ELF file.
    #[arg(long, value_name = "FOLDER|ELF")]
    compare: Option<PathBuf>,
}

impl SizesWords {
    pub(super) fn run(self) -> Result<()> {
        if let Some(subject) = self.blob.subject(Some(&self.board), &WireWords::default())? {
            return blob::sizes(&subject, self.top, self.compare.as_deref());
        }
        sizes::print(&sizes::Request { folder: self.name.folder()?, top: self.top, compare: self.compare })
    }
}

#[derive(Debug, Args)]
pub(super) struct InferWords {
    /// The network, as `import` or `prune` wrote it.
    blob: PathBuf,
    /// Inputs, int8 in HWC order, one after the other; an image's byte p is p - 128.
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// Where the outputs go, int8, one after the other.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Run on this board [default: here, by the same engine]: NAME, or NAME@PROBE or NAME@PORT for one on the desk.
    #[arg(long, value_name = "NAME[@WHERE]")]
    board: Option<String>,
    #[command(flatten)]
    wire: WireWords,
}

impl InferWords {
    pub(super) fn request(self) -> Result<infer::Request> {
        let target = self.board.as_deref().map(|board| self.wire.lead(Target::parse(board)?)).transpose()?;
        if target.is_none() && self.wire.wiring() != Wiring::default() {
            let message = "--probe and --port lead to a board: name it by --board";
            return Err(Failure::Usage(message.to_owned()).into());
        }
        Ok(infer::Request { blob: self.blob, input: self.input, output: self.output, target })
    }
}

#[derive(Debug, Args)]
pub(super) struct FlashWords {
    #[command(flatten)]
    name: NameWords,
    #[command(flatten)]
    blob: BlobWords,
    /// The board to flash [default: the results' own]: NAME, or NAME@PROBE where there are several probes.
    #[arg(long, value_name = "NAME[@WHERE]")]
    board: Option<String>,
    #[command(flatten)]
    wire: WireWords,
    /// Write the model alone, if the firmware on the board can run it: it is asked first.
    #[arg(long, conflicts_with = "uf2")]
    model_only: bool,
    /// Write a UF2 file instead, or put one on the drive of a Pico that was plugged in with BOOTSEL held, where DRIVE is mounted.
    #[arg(long, value_name = "FILE|DRIVE")]
    uf2: Option<PathBuf>,
}

impl FlashWords {
    pub(super) fn request(self) -> Result<flash::Request> {
        let board = self.board.as_deref();
        let source = match self.blob.subject(board, &self.wire)? {
            Some(subject) => Source::Blob(subject),
            None => {
                let (folder, wiring) = (self.name.folder()?, self.wire.wiring());
                let target = board.map(Target::parse).transpose()?;
                Source::Results(Request { folder, target, wiring, images: 1, ..Request::default() })
            }
        };
        Ok(flash::Request { source, model_only: self.model_only, uf2: self.uf2 })
    }
}

#[derive(Debug, Args)]
pub(super) struct SetupWords {
    /// The board to set up for.
    #[arg(long, default_value = DEFAULT)]
    board: String,
}

impl SetupWords {
    pub(super) fn run(self) -> Result<()> {
        let board = find(&self.board)?;
        let emulator = board.emulator.as_ref();
        let needs: Vec<Need> = [Need::Thumb(&board.target)].into_iter().chain(emulator.map(Need::from)).collect();
        let setup = setup::ensure(&needs)?;
        let emulated = emulator.map_or(String::new(), |emulator| format!(", and run by {emulator}"));
        println!("ready: firmware for {} is built by `{setup}`{emulated}", board.name);
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(super) struct HilWords {
    /// The boards, a comma between two, as `verify` takes them [default: every emulated one].
    #[arg(long, value_delimiter = ',', value_name = "B,B")]
    board: Vec<String>,
    /// Only the tests with this in their names, as `line` or `load::`.
    #[arg(value_name = "NAME")]
    only: Option<String>,
}

impl HilWords {
    pub(super) fn run(self) -> Result<()> {
        hil::run(&self.board, self.only.as_deref())
    }
}
