//! Images and models to the board, logits and layers' figures back.

use anyhow::{Result, bail, ensure};
use secateur_shared::wire::{CHUNK_BYTES, LayerFigures, Request, Response};

use super::{Link, Run};
use crate::export::Blob;
use crate::failure::Failure;

impl Link {
    /// Runs the network on one image, int8 in HWC order; the last layer's output.
    ///
    /// # Errors
    /// Where the board is silent, refuses the model or the image.
    pub fn infer(&mut self, input_hwc: &[i8]) -> Result<Vec<i8>> {
        Ok(self.run(input_hwc)?.logits)
    }

    /// As [`Link::infer`], with what it took.
    ///
    /// # Errors
    /// As there.
    pub fn run(&mut self, input_hwc: &[i8]) -> Result<Run> {
        self.image(input_hwc)?;
        self.ask("infer", &Request::Infer, |response| match response {
            Response::Logits { cycles, logits } => Ok(Run { logits: bytemuck::cast_slice(logits).to_vec(), cycles }),
            other => refused("an inference", &other),
        })
    }

    /// Runs the network on one image: each layer's cycles and checksum.
    ///
    /// # Errors
    /// As [`Link::infer`].
    pub fn profile(&mut self, input_hwc: &[i8], layers: usize) -> Result<Vec<LayerFigures>> {
        let mut figures: Vec<LayerFigures> = Vec::with_capacity(layers);
        while figures.len() < layers {
            self.image(input_hwc)?;
            let first = figures.len() as u8;
            let part = self.ask("profile", &Request::Profile { first }, |response| match response {
                Response::Profile(part) => Ok(part.to_vec()),
                other => refused("a profile", &other),
            })?;
            ensure!(
                !part.is_empty(),
                "the board's network has {first} layers, the desk's {layers}: flash the image again"
            );
            figures.extend(part);
        }
        Ok(figures)
    }

    /// Sends a model into the board's RAM and runs it from there, until the board's next start. Its flash stays as it is.
    ///
    /// # Errors
    /// Where it does not fit, or the board refuses it.
    pub fn load(&mut self, blob: &Blob) -> Result<()> {
        let (bytes, model) = (blob.bytes(), blob.model()?);
        let free_bytes = self.hello()?.free_bytes as usize;
        let needed_bytes = bytes.len().next_multiple_of(16) + model.arena_bytes() as usize;
        if needed_bytes > free_bytes {
            let message = format!(
                "the model and its tensors need {needed_bytes} B of RAM, the board has {free_bytes} B free: flash it, or \
                 prune to less"
            );
            return Err(Failure::BudgetUnreachable(message).into());
        }
        for (index, bytes) in bytes.chunks(CHUNK_BYTES).enumerate() {
            let offset = (index * CHUNK_BYTES) as u32;
            self.ask("a part of the model", &Request::Load { offset, bytes }, stored)?;
        }
        self.ask("start", &Request::Start { bytes: bytes.len() as u32, identity: model.identity() }, stored)
    }

    fn image(&mut self, input_hwc: &[i8]) -> Result<()> {
        let bytes: &[u8] = bytemuck::cast_slice(input_hwc);
        for (index, values) in bytes.chunks(CHUNK_BYTES).enumerate() {
            let offset = (index * CHUNK_BYTES) as u32;
            self.ask("a part of an image", &Request::Pixels { offset, values }, stored)?;
        }
        Ok(())
    }
}

fn stored(response: Response) -> Result<()> {
    if response == Response::Stored { Ok(()) } else { refused("a part", &response) }
}

fn refused<T>(what: &str, response: &Response) -> Result<T> {
    match response {
        Response::Refused(refusal) => bail!("the board refuses: {refusal}"),
        other => bail!("the board answered {what} with {other:?}"),
    }
}
