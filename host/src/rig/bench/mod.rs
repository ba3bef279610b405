//! The verb `bench`: what each layer costs on the board: emulated, instructions counted and cycles estimated; on the desk, cycles
//! counted by the board itself.

pub mod counter;
pub mod cycles;
pub mod device;
pub mod figures;
mod rp2040;
pub mod thumb;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use object::{Object, ObjectSection};
use secateur_boards::{BoardSpec, Emulator};
use secateur_shared::layer::{Layer, Shape, Step};

use super::emulated::{Emulated, emulator};
use super::firmware;
use super::image;
use super::target::{Reach, Target};
use super::verb::{self, Results};
use super::{desk, verify};
use crate::data::Images;
use crate::export::Blob;
use crate::failure::Failure;
use counter::Counts;
use cycles::{Core, Source};
use figures::{Figures, LayerCost};

/// The engine's function that runs one layer.
pub const LAYER: &str = "secateur_firmware::engine::run";

/// What the verb was asked to do.
#[derive(Debug)]
pub struct Request {
    /// Which results.
    pub results: verb::Request,
    /// Builds the firmware again around the model.
    pub rebuild: bool,
    /// Figures in and out.
    pub files: Files,
}

/// Where figures come from and go to.
#[derive(Debug)]
pub struct Files {
    /// Figures of an earlier run.
    pub compare: Option<PathBuf>,
    /// Where the figures go as data.
    pub json: Option<PathBuf>,
}

impl Files {
    /// The figures of an earlier run, where there is one.
    pub(super) fn read_earlier(&self) -> Result<Option<Figures>> {
        self.compare.as_deref().map(figures::read).transpose()
    }

    pub(super) fn write(&self, figures: &Figures) -> Result<()> {
        self.json.as_deref().map_or(Ok(()), |path| figures.write(path))
    }
}

/// Counts a pruned network's layers on the board, and prints them.
///
/// # Errors
/// No results, no board, an emulated one of a core without timings, a counter that stands still, or a device that differs from
/// the desk.
pub fn run(request: &Request) -> Result<()> {
    let earlier = request.files.read_earlier()?;
    let results = Results::open(&request.results)?;
    if request.rebuild && results.target.is_as_flashed() {
        let message = "--rebuild has nothing to flash by: name the board's probe too, or leave it out";
        return Err(Failure::Usage(message.to_owned()).into());
    }
    let image = if request.rebuild { rebuilt(&results)? } else { std::fs::read(&results.image)? };
    let is_own = results.is_own();
    let Results { mut report, target, blob, images, .. } = results;
    let figures = cost(&target, &image, &blob, &images)?;
    print(&report.name, &target.board, &figures, earlier.as_ref())?;
    if is_own && !request.rebuild {
        // The report is about the image that lies beside it.
        report.details.cycles = Some(figures.clone());
        report.publish(&request.results.folder)?;
    }
    request.files.write(&figures)
}

/// What the layers cost where the board is: emulated for the first of `images`, on the desk for the first few.
pub(super) fn cost(target: &Target, image: &[u8], blob: &Blob, images: &Images) -> Result<Figures> {
    match target.reach {
        Reach::Emulated => measure(&target.board, image, blob, images),
        Reach::Hardware(_) => device::measure(target, image, blob, images),
    }
}

/// Prints the figures of a network of this name, and the change since earlier ones.
pub(super) fn print(name: &str, board: &BoardSpec, figures: &Figures, earlier: Option<&Figures>) -> Result<()> {
    let (core, images) = (figures.core.map(Core::name), figures.runs.map_or(1, |runs| runs.images));
    let kind = core.unwrap_or(figures.source.kind());
    println!("{name} on {} ({kind}), {images} image{}\n{}", board.name, plural(images), figures.table());
    println!("{}", figures.notes(board.clock_hz).join("\n"));
    let Some(earlier) = earlier else { return Ok(()) };
    if let (Some(now), Some(before)) = (&figures.compiler, &earlier.compiler)
        && now != before
    {
        println!("the earlier figures' code is by {before}");
    }
    if let (Some(now), Some(before)) = (figures.runs, earlier.runs)
        && now.clock_hz != before.clock_hz
    {
        println!("the earlier figures are at {:.1} MHz", f64::from(before.clock_hz) / 1e6);
    }
    println!("{}", figures.changes(earlier)?);
    Ok(())
}

/// Today's firmware with the model of earlier results.
fn rebuilt(results: &Results) -> Result<Vec<u8>> {
    let Results { report, target, blob, .. } = results;
    let (model, board) = (blob.model()?, &target.board);
    let firmware = firmware::build(board, verb::profile(report)?, &firmware::operators(&model.table()))?;
    let image = image::link(&firmware, blob.bytes(), image::Taken::by(&model, board))?;
    image::measure(&image, board).map(|_| image)
}

/// What the layers of a board's image cost, emulated, for the first of `images`. The board's answer must be the desk's.
///
/// # Errors
/// As [`run`].
pub fn measure(board: &BoardSpec, image: &[u8], blob: &Blob, images: &Images) -> Result<Figures> {
    let core = Core::of(board).ok_or_else(|| {
        Failure::Usage(format!("the timings of {}'s core are not known here: use a Cortex-M4 board", board.name))
    })?;
    let (counts, source) = match emulator(board)? {
        Emulator::Qemu(_) => (count_by_plugin(board, image, blob, images, core)?, Source::Timings),
        Emulator::Rp2040js(_) => (count_by_chip(board, image, blob, images)?, Source::Rp2040js),
    };
    let model = blob.model()?;
    let mut layers = Vec::new();
    for (step, counts) in model.steps().zip(&counts) {
        let step = step?;
        let (instructions, cycles) = (Some(counts.instructions), counts.cycles);
        layers.push(LayerCost { name: name(&step), macs: step.macs(), instructions, cycles });
    }
    let expected = model.steps().count();
    ensure!(counts.len() == expected, "`{LAYER}` was called {} times for {expected} layers", counts.len());
    let (core, compiler) = (Some(core), Some(compiler(image)?));
    Ok(Figures { board: board.name.clone(), core, compiler, source, runs: None, layers })
}

/// Counts on a board of QEMU.
fn count_by_plugin(board: &BoardSpec, image: &[u8], blob: &Blob, images: &Images, core: Core) -> Result<Vec<Counts>> {
    let plugin = counter::build()?;
    let lines = run_one(board, image, blob, images, |out| counter::words(&plugin, image, LAYER, out))
        .context("no count; if QEMU says above that it takes no plugins, install one that does, such as Debian's")?;
    counter::read(&lines, image, core)
}

/// Counts on a board of rp2040js.
fn count_by_chip(board: &BoardSpec, image: &[u8], blob: &Blob, images: &Images) -> Result<Vec<Counts>> {
    rp2040::read(&run_one(board, image, blob, images, |out| rp2040::words(image, LAYER, out))?)
}

/// Runs one image, by an emulator with these words for a file; what is in the file then.
fn run_one(
    board: &BoardSpec,
    image: &[u8],
    blob: &Blob,
    images: &Images,
    words: impl FnOnce(&Path) -> Result<[OsString; 2]>,
) -> Result<String> {
    let images = images.head(1);
    ensure!(images.len() == 1, "there is no test image to run");
    let folder = tempfile::tempdir().context("no room for temporary files: free some, or set TMPDIR")?;
    let (path, out) = (folder.path().join("image.elf"), folder.path().join("counts"));
    std::fs::write(&path, image)?;
    let mut emulated = Emulated::start_with(board, &path, &words(&out)?)?;
    verify::greet(&mut emulated.link, board, blob)?;
    let device = emulated.link.infer(&desk::input_hwc(images.image(0)))?;
    check(&device, &desk::logits(&blob.model()?, &images)?[0])?;
    std::fs::read_to_string(&out).context("the emulator wrote no counts")
}

/// The board's answer must be the desk's.
fn check(device: &[i8], desk: &[i8]) -> Result<()> {
    if device == desk {
        return Ok(());
    }
    Err(Failure::DeviceDiffers(format!("the board says {device:?}, the desk {desk:?}")).into())
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn name(step: &Step) -> String {
    let shape = |shape: Shape| format!("{}x{}x{}", shape.height, shape.width, shape.channels);
    let pooled = if matches!(step.layer(), Layer::Conv2d(conv) if conv.is_pooled) { " and max-pool2d" } else { "" };
    format!("{}{pooled} {} -> {}", step.layer().operator(), shape(step.input.shape), shape(step.output.shape))
}

/// The compiler that the image was built by: `rustc 1.96.0 (ac68faa20 2026-05-25)`.
fn compiler(image: &[u8]) -> Result<String> {
    let file = object::File::parse(image)?;
    let comment = file.section_by_name(".comment").context("the image does not name its compiler")?;
    let text = String::from_utf8_lossy(comment.data()?).into_owned();
    let version = text.split('\0').find_map(|line| line.strip_prefix("rustc version "));
    Ok(format!("rustc {}", version.context("the image does not name rustc")?))
}
