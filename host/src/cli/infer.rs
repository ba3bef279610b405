//! The words of the verb `infer`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::board::WireWords;
use crate::failure::Failure;
use crate::rig::hardware::Wiring;
use crate::rig::infer;
use crate::rig::target::Target;

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
