//! The words of the verb `flash`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::board::{BlobWords, NameWords, WireWords};
use crate::rig::flash::{self, Source};
use crate::rig::target::Target;
use crate::rig::verb::Request;

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
