//! The proof: the same images on the device and on the desk, compared to the last byte.

pub(super) mod layers;
mod progress;
mod statistics;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use secateur_boards::BoardSpec;
use secateur_shared::header::crc32;
use secateur_shared::wire::Memory;

use super::desk;
use super::link::{Greeting, Link, Run};
use super::target::{Reach, Target};
use crate::data::Images;
use crate::export::Blob;
use crate::failure::Failure;
use crate::report::details::Difference;
use progress::Progress;
pub use statistics::Latency;

/// How a board is proved.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Sends the model into the board's RAM and runs it from there.
    pub in_ram: bool,
    /// Where finished images are kept until all are; `None` keeps none.
    pub progress: Option<PathBuf>,
    /// Forgets what an earlier run kept there.
    pub fresh: bool,
    /// Where bars of progress are drawn, of boards side by side.
    pub bars: MultiProgress,
}

/// The file in a folder that keeps finished images: by model, board, where that is, the linked image's bytes, where the model is,
/// and what the images are.
///
/// # Errors
/// A linked image that cannot be read.
pub(super) fn progress_file(
    folder: &Path,
    target: &Target,
    (blob, image): (&Blob, &Path),
    in_ram: bool,
    images: &str,
) -> Result<PathBuf> {
    let linked = std::fs::read(image).with_context(|| format!("cannot read {}", image.display()))?;
    let place = if in_ram { "ram" } else { "flash" };
    let (model, linked, images) = (blob.model()?.identity(), crc32(&linked), crc32(images.as_bytes()));
    let Target { board, reach } = target;
    let (name, kind, reach) = (&board.name, target.kind(), crc32(format!("{reach:?}").as_bytes()));
    let name = format!("verify-{model:08x}-{name}-{kind}-{reach:08x}-{linked:08x}-{place}-{images:08x}");
    Ok(folder.join(name).with_extension("part"))
}

/// What the device answered.
#[derive(Debug)]
pub struct Verdict {
    /// The clock that the device says it runs at.
    pub clock_hz: u32,
    /// Images that it ran.
    pub images: usize,
    /// Images whose every logit is the desk's.
    pub agreeing: usize,
    /// The share that it classified as labelled.
    pub accuracy: f64,
    /// What one run takes; nothing of an emulated board, whose time is not a chip's.
    pub latency: Option<Latency>,
    /// The first image with a logit that is not the desk's: what the device said, what the desk says.
    pub difference: Option<Difference>,
    /// Its memory.
    pub memory: Memory,
}

/// Runs an image file on its emulated board, on `images`.
///
/// # Errors
/// As [`verify_with`].
pub fn verify(board: &BoardSpec, image: &Path, blob: &Blob, images: &Images) -> Result<Verdict> {
    verify_with(&Target::usual(board.clone()), image, blob, images, &Options::default())
}

/// Runs an image file on its board, on `images`.
///
/// # Errors
/// No emulator, probe or port, a silent board, one that runs another model than `blob` or refuses it, a stack over its reserve. Different
/// logits are not an error here but part of the verdict.
pub fn verify_with(target: &Target, image: &Path, blob: &Blob, images: &Images, options: &Options) -> Result<Verdict> {
    let mut running = target.start(image)?;
    let verdict = prove(running.link(), &target.board, blob, images, options)?;
    // An emulator's time is not a chip's.
    Ok(Verdict { latency: verdict.latency.filter(|_| target.reach != Reach::Emulated), ..verdict })
}

/// Proves a board at the end of a line, whatever it is.
///
/// # Errors
/// As [`verify_with`].
pub fn prove(link: &mut Link, board: &BoardSpec, blob: &Blob, images: &Images, options: &Options) -> Result<Verdict> {
    let greeting = begin(link, board, blob, options.in_ram)?;
    let model = blob.model()?;
    let desk = desk::logits(&model, images)?;
    let runs = run((link, board), images, &desk, options)?;
    let memory = memory(link, board)?;
    let differs = (0..runs.len()).find(|&index| runs[index].logits != desk[index]);
    let difference = differs.map(|image| -> Result<Difference> {
        let layer = layers::first_difference(link, &model, &desk::input_hwc(images.image(image)))?;
        let (device, desk) = (runs[image].logits.clone(), desk[image].clone());
        Ok(Difference { image, device, desk, layer })
    });
    let cycles: Vec<u32> = runs.iter().map(|run| run.cycles).collect();
    let macs = model.steps().flatten().map(|step| step.macs()).sum();
    let agreeing = runs.iter().zip(&desk).filter(|(run, desk)| run.logits == **desk).count();
    let logits: Vec<Vec<i8>> = runs.into_iter().map(|run| run.logits).collect();
    Ok(Verdict {
        clock_hz: greeting.clock_hz,
        images: images.len(),
        agreeing,
        accuracy: desk::accuracy(&logits, &images.labels),
        latency: Latency::of(cycles, greeting.clock_hz, macs),
        difference: difference.transpose()?,
        memory,
    })
}

/// The greeting of a board that runs this very model, from flash or, where asked, from RAM.
fn begin(link: &mut Link, board: &BoardSpec, blob: &Blob, in_ram: bool) -> Result<Greeting> {
    if !in_ram {
        return greet(link, board, blob);
    }
    let greeting = link.hello()?;
    ensure!(greeting.board == board.name, "the board says it is {}, not {}", greeting.board, board.name);
    link.load(blob)?;
    greet(link, board, blob)
}

/// The greeting of a board that runs this very model.
pub(super) fn greet(link: &mut Link, board: &BoardSpec, blob: &Blob) -> Result<Greeting> {
    let greeting = link.hello()?;
    ensure!(greeting.board == board.name, "the board says it is {}, not {}", greeting.board, board.name);
    let running =
        greeting.model.map_err(|refusal| Failure::DeviceDiffers(format!("the board refuses its model: {refusal}")))?;
    let identity = blob.model()?.identity();
    ensure!(
        running == identity,
        "the board runs model {running:08x}, not {identity:08x}: flash it, by `cargo xtask flash`"
    );
    Ok(greeting)
}

fn run(
    (link, board): (&mut Link, &BoardSpec),
    images: &Images,
    desk: &[Vec<i8>],
    options: &Options,
) -> Result<Vec<Run>> {
    let outputs = desk.first().map_or(0, Vec::len);
    let mut progress = Progress::open(options.progress.as_deref(), options.fresh, outputs)?;
    let style = ProgressStyle::with_template("{prefix:14} {bar:40} {pos}/{len} images, {eta} left");
    let bar = ProgressBar::new(images.len() as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let bar = options.bars.add(bar.with_prefix(board.name.clone()));
    let mut runs = Vec::with_capacity(images.len());
    for index in 0..images.len() {
        let input = desk::input_hwc(images.image(index));
        let run = match progress.take(&input) {
            Some(run) => run,
            None => {
                let run = link.run(&input).with_context(|| format!("test image {index}"))?;
                progress.keep(&input, &run)?;
                run
            }
        };
        runs.push(run);
        bar.inc(1);
    }
    bar.finish_and_clear();
    progress.finish()?;
    Ok(runs)
}

/// The board's memory figures, its stack within its reserve.
fn memory(link: &mut Link, board: &BoardSpec) -> Result<Memory> {
    let memory = link.memory()?;
    ensure!(
        memory.stack_high_water_bytes <= memory.stack_reserve_bytes,
        "the stack grew to at least {} B, its reserve is {} B: raise stack_reserve_bytes in boards/{}/board.toml",
        memory.stack_high_water_bytes,
        memory.stack_reserve_bytes,
        board.name
    );
    Ok(memory)
}

impl Verdict {
    /// An error that names the first difference, where there is one.
    ///
    /// # Errors
    /// [`Failure::DeviceDiffers`].
    pub fn judge(&self) -> Result<()> {
        let Some(Difference { image, device, desk, layer }) = &self.difference else { return Ok(()) };
        Err(Failure::DeviceDiffers(format!(
            "test image {image}: the device says {device:?}, the desk {desk:?}; {layer}: both run one engine, so suspect \
             the toolchain or the emulator, and report it with the image in `out`"
        ))
        .into())
    }
}
