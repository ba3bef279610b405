//! The verbs `verify`, `run` and `boards`.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use secateur_boards::BoardSpec;
use secateur_firmware::argmax;
use tabled::builder::Builder;

use super::desk;
use super::emulated::Emulated;
use super::verify::{self, Verdict};
use crate::data::{self, Images};
use crate::export::Blob;
use crate::failure::Failure;
use crate::report::{self, Report, bytes, render};

/// What a verb that reaches a board was asked to do.
#[derive(Debug)]
pub struct Request {
    /// The results' folder.
    pub folder: PathBuf,
    /// The board that it must be.
    pub board: Option<BoardSpec>,
    /// How many test images.
    pub images: usize,
    /// Where else the report goes.
    pub json: Option<PathBuf>,
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
    let verdict = verify::verify(&board, &image, &blob, &images)?;
    report.seconds.device = begun.elapsed().as_secs_f64();
    record(&mut report, &verdict);
    report.publish(&request.folder)?;
    if let Some(path) = &request.json {
        report.write(path)?;
    }
    report::print(&report);
    verdict.judge()
}

/// Puts what the device said into a report.
pub fn record(report: &mut Report, verdict: &Verdict) {
    report.clock_hz = Some(verdict.clock_hz);
    report.accuracy.device = Some(verdict.accuracy);
    report.images.device = verdict.images;
    report.bit_exact = Some(verdict.difference.is_none());
    report.details.difference.clone_from(&verdict.difference);
    report.memory.stack_high_water_bytes = Some(verdict.memory.stack_high_water_bytes);
}

/// Starts the network on the board and shows what it says of some test images.
///
/// # Errors
/// No results, or no board.
pub fn run(request: &Request) -> Result<()> {
    let Results { report, board, image, images, .. } = Results::open(request)?;
    let mut emulated = Emulated::start(&board, &image)?;
    let hello = emulated.link.hello()?;
    println!("{} ({}) at {:.1} MHz, {}", hello.board, board.chip, f64::from(hello.clock_hz) / 1e6, report.kind);
    let model = hello.model.map_err(|refusal| anyhow::anyhow!("the board refuses its model: {refusal}"))?;
    println!("model {model:08x}: {}", report.name);
    let mut table = Builder::default();
    table.push_record(["test image", "label", "answer", "logits"]);
    for (index, label) in images.labels.iter().enumerate() {
        let logits = emulated.link.infer(&desk::input_hwc(images.image(index)))?;
        let answer = argmax(&logits).to_string();
        table.push_record([index.to_string(), label.to_string(), answer, format!("{logits:?}")]);
    }
    println!("{}", render(table));
    let memory = emulated.link.memory()?;
    println!("stack: {} used of {}", bytes(memory.stack_high_water_bytes), bytes(memory.stack_reserve_bytes));
    Ok(())
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
