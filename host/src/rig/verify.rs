//! The proof: the same images on the device and on the desk, compared to the last byte.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use secateur_boards::BoardSpec;
use secateur_shared::wire::Memory;

use super::desk;
use super::emulated::Emulated;
use super::link::{Greeting, Link};
use crate::data::Images;
use crate::export::Blob;
use crate::failure::Failure;
use crate::report::details::Difference;

/// What the device answered.
#[derive(Debug)]
pub struct Verdict {
    /// The clock that the device says it runs at.
    pub clock_hz: u32,
    /// Images that it ran.
    pub images: usize,
    /// The share that it classified as labelled.
    pub accuracy: f64,
    /// The first image with a logit that is not the desk's: what the device said, what the desk says.
    pub difference: Option<Difference>,
    /// Its stack.
    pub memory: Memory,
}

/// Runs an image file on its emulated board, on `images`.
///
/// # Errors
/// No emulator, a silent board, one that runs another model than `blob` or refuses it, a stack over its reserve. Different
/// logits are not an error here but part of the verdict.
pub fn verify(board: &BoardSpec, image: &Path, blob: &Blob, images: &Images) -> Result<Verdict> {
    let mut emulated = Emulated::start(board, image)?;
    let greeting = greet(&mut emulated.link, board, blob)?;
    let desk = desk::logits(&blob.model()?, images)?;
    let device = run(&mut emulated.link, images)?;
    let memory = emulated.link.memory()?;
    ensure!(
        memory.stack_high_water_bytes <= memory.stack_reserve_bytes,
        "the stack grew to at least {} B, its reserve is {} B: raise stack_reserve_bytes in boards/{}/board.toml",
        memory.stack_high_water_bytes,
        memory.stack_reserve_bytes,
        board.name
    );
    let accuracy = desk::accuracy(&device, &images.labels);
    let pairs = device.into_iter().zip(desk).enumerate();
    let mut differences = pairs.filter(|(_, (device, desk))| device != desk);
    let difference = differences.next().map(|(image, (device, desk))| Difference { image, device, desk });
    Ok(Verdict { clock_hz: greeting.clock_hz, images: images.len(), accuracy, difference, memory })
}

/// The greeting of a board that runs this very model.
pub(super) fn greet(link: &mut Link, board: &BoardSpec, blob: &Blob) -> Result<Greeting> {
    let greeting = link.hello()?;
    ensure!(greeting.board == board.name, "the board says it is {}, not {}", greeting.board, board.name);
    let running =
        greeting.model.map_err(|refusal| Failure::DeviceDiffers(format!("the board refuses its model: {refusal}")))?;
    let identity = blob.model()?.identity();
    ensure!(running == identity, "the board runs model {running:08x}, not {identity:08x}: flash the image again");
    Ok(greeting)
}

fn run(link: &mut Link, images: &Images) -> Result<Vec<Vec<i8>>> {
    let style = ProgressStyle::with_template("device    {bar:40} {pos}/{len} images, {eta} left");
    let bar = ProgressBar::new(images.len() as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let mut logits = Vec::with_capacity(images.len());
    for index in 0..images.len() {
        let answer = link.infer(&desk::input_hwc(images.image(index)));
        logits.push(answer.with_context(|| format!("test image {index}"))?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(logits)
}

impl Verdict {
    /// An error that names the first difference, where there is one.
    ///
    /// # Errors
    /// [`Failure::DeviceDiffers`].
    pub fn judge(&self) -> Result<()> {
        let Some(Difference { image, device, desk }) = &self.difference else { return Ok(()) };
        Err(Failure::DeviceDiffers(format!(
            "test image {image}: the device says {device:?}, the desk {desk:?}: both run one engine, so suspect the \
             toolchain or the emulator, and report it with the image in `out`"
        ))
        .into())
    }
}
