//! The words of the verbs that reach a board.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use secateur_boards::BoardSpec;

use crate::failure::Failure;
use crate::report;
use crate::rig::bench;
use crate::rig::setup::{self, Need};
use crate::rig::sizes;
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
    fn folder(&self) -> Result<PathBuf> {
        let out = Path::new("out");
        self.name.as_ref().map_or_else(|| report::newest(out), |name| Ok(out.join(name)))
    }
}

#[derive(Debug, Args)]
pub(super) struct VerifyWords {
    #[command(flatten)]
    name: NameWords,
    /// The board, where it must be this one.
    #[arg(long)]
    board: Option<String>,
    /// Test images to run: a number, or `all`.
    #[arg(long, default_value = "200", value_name = "N|all", value_parser = count)]
    images: usize,
    /// Write the report to FILE too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn count(text: &str) -> Result<usize, String> {
    let count = if text == "all" { Ok(usize::MAX) } else { text.parse() };
    count.ok().filter(|count| *count > 0).ok_or_else(|| "write a number from 1, or `all`".to_owned())
}

impl VerifyWords {
    pub(super) fn request(self) -> Result<Request> {
        let board = self.board.as_deref().map(find).transpose()?;
        Ok(Request { folder: self.name.folder()?, board, images: self.images, json: self.json })
    }
}

#[derive(Debug, Args)]
pub(super) struct RunWords {
    #[command(flatten)]
    name: NameWords,
    /// Test images to show.
    #[arg(long, default_value = "10", value_name = "N", value_parser = count)]
    images: usize,
}

impl RunWords {
    pub(super) fn request(self) -> Result<Request> {
        Ok(Request { folder: self.name.folder()?, board: None, images: self.images, json: None })
    }
}

#[derive(Debug, Args)]
pub(super) struct BenchWords {
    #[command(flatten)]
    name: NameWords,
    /// The board, where it must be this one.
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
    pub(super) fn request(self) -> Result<bench::Request> {
        let board = self.board.as_deref().map(find).transpose()?;
        let results = Request { folder: self.name.folder()?, board, images: 1, json: self.json };
        Ok(bench::Request { results, rebuild: self.rebuild, compare: self.compare })
    }
}

#[derive(Debug, Args)]
pub(super) struct SizesWords {
    #[command(flatten)]
    name: NameWords,
    /// The largest functions and variables to show.
    #[arg(long, default_value = "20", value_name = "N")]
    top: usize,
    /// Show the change from another image: a folder of results, or an ELF file.
    #[arg(long, value_name = "FOLDER|ELF")]
    compare: Option<PathBuf>,
}

impl SizesWords {
    pub(super) fn request(self) -> Result<sizes::Request> {
        Ok(sizes::Request { folder: self.name.folder()?, top: self.top, compare: self.compare })
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
