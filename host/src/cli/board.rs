//! The words of the verbs that reach a board.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use secateur_boards::BoardSpec;

use crate::failure::Failure;
use crate::report;
use crate::rig::bench;
use crate::rig::blob;
use crate::rig::hil;
use crate::rig::infer;
use crate::rig::setup::{self, Need};
use crate::rig::sizes;
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
    fn subject(&self, board: Option<&str>) -> Result<Option<blob::Subject>> {
        let subject = |path: &PathBuf| {
            let board = find(board.unwrap_or(DEFAULT))?;
            Ok(blob::Subject { path: path.clone(), board })
        };
        self.blob.as_ref().map(subject).transpose()
    }
}

#[derive(Debug, Args)]
pub(super) struct VerifyWords {
    #[command(flatten)]
    name: NameWords,
    #[command(flatten)]
    blob: BlobWords,
    /// The board, where it must be this one; of a blob by itself, the board to run it on.
    #[arg(long)]
    board: Option<String>,
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
        if let Some(subject) = self.blob.subject(self.board.as_deref())? {
            // Of noise there is no end.
            ensure_some(self.images)?;
            return blob::verify(&subject, self.images);
        }
        let board = self.board.as_deref().map(find).transpose()?;
        let (folder, in_ram) = (self.name.folder()?, self.load.is_some());
        let (images, json, fresh) = (self.images, self.json, self.fresh);
        verb::verify(&Request { folder, board, images, json, in_ram, fresh, profile: false })
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
        Ok(Request { folder, images, in_ram, profile: self.profile, ..Request::default() })
    }
}

#[derive(Debug, Args)]
pub(super) struct BenchWords {
    #[command(flatten)]
    name: NameWords,
    #[command(flatten)]
    blob: BlobWords,
    /// The board, where it must be this one; of a blob by itself, the board to run it on.
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
        if let Some(subject) = self.blob.subject(self.board.as_deref())? {
            return blob::bench(&subject, &files);
        }
        let board = self.board.as_deref().map(find).transpose()?;
        let results = Request { folder: self.name.folder()?, board, images: 1, ..Request::default() };
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
        if let Some(subject) = self.blob.subject(Some(&self.board))? {
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
    /// Run on this board [default: here, by the same engine].
    #[arg(long)]
    board: Option<String>,
}

impl InferWords {
    pub(super) fn request(self) -> Result<infer::Request> {
        let board = self.board.as_deref().map(find).transpose()?;
        Ok(infer::Request { blob: self.blob, input: self.input, output: self.output, board })
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
    /// The boards, a comma between two [default: every emulated one].
    #[arg(long, value_delimiter = ',', value_name = "B,B")]
    board: Vec<String>,
    /// Only the tests with this in their names, as `line` or `load::`.
    #[arg(value_name = "NAME")]
    only: Option<String>,
}

impl HilWords {
    pub(super) fn run(self) -> Result<()> {
        let boards = self.board.iter().map(|name| find(name)).collect::<Result<Vec<_>>>()?;
        hil::run(&boards, self.only.as_deref())
    }
}
