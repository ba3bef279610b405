//! The verbs `verify`, `run` and `boards`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use secateur_boards::BoardSpec;
use secateur_firmware::argmax;
use secateur_shared::header::crc32;
use secateur_shared::wire::Memory;
use tabled::builder::Builder;

use super::desk;
use super::emulated::Emulated;
use super::link::Link;
use super::verify::{self, Options, Verdict, layers};
use crate::data::{self, Images};
use crate::export::Blob;
use crate::failure::Failure;
use crate::report::interval;
use crate::report::{self, DeviceFigures, Report, bytes, render};

/// What a verb that reaches a board was asked to do.
#[derive(Debug, Default)]
pub struct Request {
    /// The results' folder.
    pub folder: PathBuf,
    /// The board that it must be.
    pub board: Option<BoardSpec>,
    /// How many test images.
    pub images: usize,
    /// Where else the report goes.
    pub json: Option<PathBuf>,
    /// Sends the model into the board's RAM and runs it from there.
    pub in_ram: bool,
    /// Forgets what an earlier run of `verify` kept.
    pub fresh: bool,
    /// Shows each layer of `run`.
    pub profile: bool,
}

/// A pruned network's results, read again.
pub(super) struct Results {
    pub(super) report: Report,
    pub(super) board: BoardSpec,
    pub(super) blob: Blob,
    pub(super) image: PathBuf,
    pub(super) images: Images,
}

impl Results {
    pub(super) fn open(request: &Request) -> Result<Self> {
        let folder = &request.folder;
        let report = report::read(&folder.join("report.json"))?;
        let board = secateur_boards::find(&report.board)?;
        if let Some(asked) = request.board.as_ref().filter(|asked| asked.name != board.name) {
            let (name, asked) = (&board.name, &asked.name);
            let message = format!("{} was made for {name}: prune again with --board {asked}", folder.display());
            return Err(Failure::Usage(message).into());
        }
        let path = folder.join("model.blob");
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}: prune again", path.display()))?;
        let blob = Blob::from_bytes(&bytes);
        let model = blob.model().with_context(|| format!("{} is damaged: prune again", path.display()))?;
        let image = folder.join("image.elf");
        ensure!(image.exists(), "{} is gone: prune again", image.display());
        let images = data::load(&report.data)?.test.head(request.images);
        ensure!(
            Some(images.shape.values()) == model.input().shape.bytes().map(|bytes| bytes as usize),
            "{} now holds images of {}, the network was pruned on others: bring them back, or prune again",
            report.data,
            images.shape
        );
        Ok(Self { report, board, blob, image, images })
    }
}

/// Runs test images on the board, compares every logit with the desk's, and brings the report up to date.
///
/// # Errors
/// No results, no board, or a device that differs.
pub fn verify(request: &Request) -> Result<()> {
    let Results { mut report, board, blob, image, images } = Results::open(request)?;
    println!("{}: {} test images on {}, {}", report.name, images.len(), board.name, report.kind);
    let begun = Instant::now();
    let progress = Some(progress_file(request, &report, &blob, &image)?);
    let options = Options { in_ram: request.in_ram, progress, fresh: request.fresh };
    let verdict = verify::verify_with(&board, &image, &blob, &images, &options)?;
    let seconds = begun.elapsed().as_secs_f64();
    report.seconds.total += seconds - report.seconds.device;
    report.seconds.device = seconds;
    record(&mut report, &verdict);
    report.publish(&request.folder)?;
    if let Some(path) = &request.json {
        report.write(path)?;
    }
    report::print(&report);
    verdict.judge()
}

/// Where finished images are kept: by model, board, the image's bytes, where the model runs, and data.
fn progress_file(request: &Request, report: &Report, blob: &Blob, image: &Path) -> Result<PathBuf> {
    let image = std::fs::read(image).with_context(|| format!("cannot read {}", image.display()))?;
    let place = if request.in_ram { "ram" } else { "flash" };
    let (model, image) = (blob.model()?.identity(), crc32(&image));
    let name = format!("verify-{model:08x}-{}-{image:08x}-{place}-{:08x}", report.board, crc32(report.data.as_bytes()));
    Ok(request.folder.join(name).with_extension("part"))
}

/// Puts what the device said into a report.
pub fn record(report: &mut Report, verdict: &Verdict) {
    report.clock_hz = Some(verdict.clock_hz);
    report.accuracy.device = Some(verdict.accuracy);
    report.images.device = verdict.images;
    report.bit_exact = Some(verdict.difference.is_none());
    report.details.difference.clone_from(&verdict.difference);
    report.memory.stack_high_water_bytes = Some(verdict.memory.stack_high_water_bytes);
    report.device = Some(DeviceFigures {
        accuracy_interval: interval::wilson(verdict.accuracy, verdict.images),
        agreeing: verdict.agreeing,
        first_difference: verdict.difference.as_ref().map(|difference| difference.layer.clone()),
        latency: verdict.latency,
        arena_used_bytes: verdict.memory.arena_used_bytes,
        arena_available_bytes: verdict.memory.arena_bytes,
        static_ram_bytes: verdict.memory.static_ram_bytes,
    });
}

/// Starts the network on the board and shows what it says of some test images.
///
/// # Errors
/// No results, or no board.
pub fn run(request: &Request) -> Result<()> {
    let Results { report, board, blob, image, images } = Results::open(request)?;
    let link = &mut Emulated::start(&board, &image)?.link;
    let mut hello = link.hello()?;
    if request.in_ram {
        link.load(&blob)?;
        hello = link.hello()?;
    }
    let megahertz = f64::from(hello.clock_hz) / 1e6;
    println!("{} ({}) at {megahertz:.1} MHz, firmware {}, {}", hello.board, hello.chip, hello.version, report.kind);
    let model = hello.model.map_err(|refusal| anyhow::anyhow!("the board refuses its model: {refusal}"))?;
    println!("model {model:08x}{}: {}", if request.in_ram { " in RAM" } else { "" }, report.name);
    let mut table = Builder::default();
    table.push_record(["test image", "label", "answer", "logits"]);
    for (index, label) in images.labels.iter().enumerate() {
        let logits = link.infer(&desk::input_hwc(images.image(index)))?;
        let answer = argmax(&logits).to_string();
        table.push_record([index.to_string(), label.to_string(), answer, format!("{logits:?}")]);
    }
    println!("{}", render(table));
    if request.profile {
        println!("{}", profile(link, &blob, &desk::input_hwc(images.image(0)))?);
    }
    print_memory(&link.memory()?, hello.free_bytes);
    Ok(())
}

/// Each layer's cycles and checksum on the board, beside the desk's checksum.
fn profile(link: &mut Link, blob: &Blob, input_hwc: &[i8]) -> Result<String> {
    let model = blob.model()?;
    let device = link.profile(input_hwc, model.layers())?;
    let mut table = Builder::default();
    table.push_record(["layer", "cycles", "checksum", "desk"]);
    for ((device, desk), step) in device.iter().zip(layers::on_desk(&model, input_hwc)?).zip(model.steps()) {
        let cycles = if device.cycles() == 0 { "no counter".to_owned() } else { device.cycles().to_string() };
        let equal = if device.checksum() == desk.checksum() { "equal" } else { "DIFFERS" };
        table.push_record([layers::described(&step?), cycles, format!("{:08x}", device.checksum()), equal.to_owned()]);
    }
    Ok(render(table))
}

fn print_memory(memory: &Memory, free_bytes: u32) {
    println!("stack: {} used of {}", bytes(memory.stack_high_water_bytes), bytes(memory.stack_reserve_bytes));
    println!("arena: {} used of {}", bytes(memory.arena_used_bytes), bytes(memory.arena_bytes));
    println!("variables: {}; free for a model: {}", bytes(memory.static_ram_bytes), bytes(free_bytes));
}

/// Lists the boards.
///
/// # Errors
/// A board.toml that contradicts itself.
pub fn boards() -> Result<()> {
    let mut table = Builder::default();
    table.push_record(["board", "chip", "flash", "RAM", "clock", "reached by"]);
    for board in secateur_boards::all()? {
        let reached = board.emulator.as_ref().map_or("probe".to_owned(), ToString::to_string);
        let clock = format!("{} MHz", board.clock_hz / 1_000_000);
        let (flash, ram) = (bytes(board.flash.bytes), bytes(board.ram.bytes));
        table.push_record([board.name, board.chip, flash, ram, clock, reached]);
    }
    println!("{}", render(table));
    Ok(())
}
