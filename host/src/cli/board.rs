//! Words that lead to a board, and those of the verbs about boards.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use secateur_boards::BoardSpec;

use crate::failure::Failure;
use crate::report;
use crate::rig::bench;
use crate::rig::blob;
use crate::rig::boards;
use crate::rig::hardware::Wiring;
use crate::rig::hil;
use crate::rig::setup::{self, Need};
use crate::rig::sizes;
use crate::rig::target::Target;
use crate::rig::verb::Request;

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
    pub(super) fn folder(&self) -> Result<PathBuf> {
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
    pub(super) fn subject(&self, board: Option<&str>, wire: &WireWords) -> Result<Option<blob::Subject>> {
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
    pub(super) probe: Option<String>,
    /// The serial port of a board on the desk, as /dev/ttyACM0 [default: the probe's own]; without --probe, the board is
    /// taken as it is flashed.
    #[arg(long, value_name = "PORT")]
    pub(super) port: Option<String>,
}

impl WireWords {
    pub(super) fn lead(&self, target: Target) -> Result<Target> {
        target.by(self.probe.as_deref(), self.port.as_deref())
    }

    pub(super) fn wiring(&self) -> Wiring {
        Wiring { probe: self.probe.clone(), port: self.port.clone() }
    }
}

#[derive(Debug, Args)]
pub(super) struct BenchWords {
    #[command(flatten)]
    name: NameWords,
    #[command(flatten)]
    blob: BlobWords,
    /// The board to run on [default: the results' own]: NAME, or NAME@PROBE or NAME@PORT for one on the desk.
    #[arg(long, value_name = "NAME[@WHERE]")]
    board: Option<String>,
    #[command(flatten)]
    wire: WireWords,
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
        if let Some(subject) = self.blob.subject(self.board.as_deref(), &self.wire)? {
            return blob::bench(&subject, &files);
        }
        let target = self.board.as_deref().map(Target::parse).transpose()?;
        let (folder, wiring, images) = (self.name.folder()?, self.wire.wiring(), bench::device::IMAGES);
        let results = Request { folder, target, wiring, images, ..Request::default() };
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
    /// Write all of it to FILE, as data.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl SizesWords {
    pub(super) fn run(self) -> Result<()> {
        let show = sizes::Show { top: self.top, compare: self.compare, json: self.json };
        if let Some(subject) = self.blob.subject(Some(&self.board), &WireWords::default())? {
            return blob::sizes(&subject, &show);
        }
        sizes::print(&sizes::Request { folder: self.name.folder()?, show })
    }
}

#[derive(Debug, Args)]
pub(super) struct BoardsWords {
    /// Write the list to FILE, as data.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl BoardsWords {
    pub(super) fn run(self) -> Result<()> {
        boards::list(self.json.as_deref())
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
