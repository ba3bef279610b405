//! The words of the verbs that ask a board: `verify` and `run`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use super::board::{BlobWords, NameWords, WireWords};
use crate::failure::Failure;
use crate::rig::blob;
use crate::rig::target::Target;
use crate::rig::verb::{self, Request};

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
    /// Write the figures to FILE: the report, or of a blob, another board or several a row each.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Send the model to the board, to run it from there: `ram`. Its flash stays as it is.
    #[arg(long)]
    load: Option<Place>,
    /// Run every image again, those too that a run that was cut off has finished.
    #[arg(long)]
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
            let (inputs, in_ram, kept) = (self.images, self.load.is_some(), Path::new("out").join("cache"));
            return blob::verify(&subjects, &blob::Proof { inputs, json: self.json, in_ram, kept, fresh: self.fresh });
        }
        // Before any results are looked for.
        let targets = boards.iter().map(|board| board.map(Target::parse).transpose()).collect::<Result<Vec<_>>>()?;
        let (folder, in_ram) = (self.name.folder()?, self.load.is_some());
        let (images, json, fresh, wiring) = (self.images, self.json, self.fresh, self.wire.wiring());
        let whole = Request { folder, images, json, in_ram, fresh, wiring, ..Request::default() };
        let requests: Vec<Request> = targets.into_iter().map(|target| Request { target, ..whole.clone() }).collect();
        verb::verify_all(&requests)
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
    /// Write what is shown to FILE, as data.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl RunWords {
    pub(super) fn request(self) -> Result<Request> {
        let target = self.board.as_deref().map(Target::parse).transpose()?;
        let (folder, images, in_ram) = (self.name.folder()?, self.images, self.load.is_some());
        let (profile, wiring) = (self.profile, self.wire.wiring());
        Ok(Request { folder, target, wiring, images, in_ram, profile, json: self.json, ..Request::default() })
    }
}
