//! A blob by itself, as `import` writes one: run on the desk or on a board, proved, counted, taken apart. There is no
//! report beside it and no data set; where inputs are needed, they are noise.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use secateur_boards::BoardSpec;

use super::firmware::{self, Profile};
use super::target::{self, Target};
use super::together::{self, Job};
use super::verify::{self, Options, Verdict};
use super::{bench, image, sizes};
use crate::data::{Images, Shape};
use crate::export::Blob;
use crate::failure::Failure;
use crate::report::{Bytes, bytes, write_json};

/// Of the noise that networks are proved on.
const SEED: u64 = 1;

/// A blob and the board that it is for.
#[derive(Debug)]
pub struct Subject {
    /// The blob's file.
    pub path: PathBuf,
    /// Where it runs.
    pub target: Target,
}

/// A blob on its board.
pub(super) struct Placed {
    pub(super) blob: Blob,
    /// The linked image.
    pub(super) image: Vec<u8>,
    pub(super) linked: Bytes,
}

/// Reads a blob and checks it.
///
/// # Errors
/// Where there is none, or what is wrong with it.
pub fn read(path: &Path) -> Result<Blob> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let blob = Blob::from_bytes(&bytes);
    blob.model().with_context(|| format!("{} is no blob that runs here", path.display()))?;
    Ok(blob)
}

impl Subject {
    /// Builds the firmware that the blob needs and links the two.
    ///
    /// # Errors
    /// A blob that is refused, firmware that does not build, or an image that the board does not hold.
    pub(super) fn place(&self) -> Result<Placed> {
        self.place_as(Profile::Firmware)
    }

    /// As [`Subject::place`], with firmware of this profile.
    pub(super) fn place_as(&self, profile: Profile) -> Result<Placed> {
        let (blob, board) = (read(&self.path)?, &self.target.board);
        let (image, linked) = {
            let model = blob.model()?;
            let firmware = firmware::build(board, profile, &firmware::operators(&model.table()))?;
            let image = image::link(&firmware, blob.bytes(), image::Taken::by(&model, board))?;
            let linked = image::measure(&image, board)?;
            (image, linked)
        };
        self.check_fits(linked)?;
        Ok(Placed { blob, image, linked })
    }

    fn check_fits(&self, linked: Bytes) -> Result<()> {
        let BoardSpec { name, flash, ram, .. } = &self.target.board;
        for (memory, needed, there) in
            [("flash", linked.flash_bytes, flash.bytes), ("RAM", linked.ram_bytes, ram.bytes)]
        {
            if needed > there {
                let (needed, there) = (bytes(needed), bytes(there));
                let message = format!("the network needs {needed} of {memory}, {name} has {there}: use a larger board");
                return Err(Failure::BudgetUnreachable(message).into());
            }
        }
        Ok(())
    }
}

/// Inputs of noise, the same every time.
pub(super) fn noise(blob: &Blob, count: usize) -> Result<Images> {
    let shape = blob.model()?.input().shape;
    let shape = Shape { height: shape.height.into(), width: shape.width.into(), channels: shape.channels.into() };
    let mut pixels = vec![0; shape.values() * count];
    ChaCha8Rng::seed_from_u64(SEED).fill_bytes(&mut pixels);
    Ok(Images { shape, pixels, labels: vec![0; count] })
}

/// How blobs are proved.
#[derive(Clone, Debug)]
pub struct Proof {
    /// Inputs of noise.
    pub inputs: usize,
    /// Where figures go as data.
    pub json: Option<PathBuf>,
    /// Sends the model into the board's RAM and runs it from there.
    pub in_ram: bool,
    /// The folder that keeps finished inputs until all are.
    pub kept: PathBuf,
    /// Forgets what an earlier run kept there.
    pub fresh: bool,
}

/// Runs inputs of noise on the boards, all at once, and compares every output with the desk's.
///
/// # Errors
/// As [`Subject::place`], no emulator, probe or port, a folder that cannot be written, or a device that differs.
pub fn verify(subjects: &[Subject], proof: &Proof) -> Result<()> {
    let Proof { inputs, json, in_ram, kept, fresh } = proof;
    let (inputs, in_ram, fresh) = (*inputs, *in_ram, *fresh);
    let all = subjects.iter().map(Subject::place).collect::<Result<Vec<_>>>()?;
    let files = all.iter().map(|placed| target::image_file(&placed.image)).collect::<Result<Vec<_>>>()?;
    let noises = all.iter().map(|placed| noise(&placed.blob, inputs)).collect::<Result<Vec<_>>>()?;
    fs::create_dir_all(kept).with_context(|| format!("cannot make {}", kept.display()))?;
    let rows = subjects.iter().zip(&all).zip(files.iter().zip(&noises));
    let jobs = rows.map(|((subject, placed), ((image, _), images))| {
        let (target, blob, linked) = (&subject.target, &placed.blob, placed.linked);
        let progress = Some(verify::progress_file(kept, target, (blob, image), in_ram, "noise")?);
        let options = Options { in_ram, progress, fresh, ..Options::default() };
        Ok(Job { target, image, linked, blob, images, is_labelled: false, options })
    });
    let jobs = jobs.collect::<Result<Vec<_>>>()?;
    let verdicts = together::prove(&jobs)?;
    write_json(json.as_deref(), &together::rows(&jobs, &verdicts))?;
    for ((subject, placed), verdict) in subjects.iter().zip(&all).zip(&verdicts) {
        if let Some(verdict) = verdict.as_ref().ok().filter(|verdict| verdict.judge().is_ok()) {
            println!("{}", said(subject, placed, verdict));
        }
    }
    together::judge(verdicts, subjects.iter().map(|subject| &subject.target))
}

/// What is known of a blob that was proved.
fn said(subject: &Subject, placed: &Placed, verdict: &Verdict) -> String {
    let (name, board, memory, linked) =
        (subject.path.display(), &subject.target.board.name, verdict.memory, placed.linked);
    let (flash, ram) = (bytes(linked.flash_bytes), bytes(linked.ram_bytes));
    let (used, reserve) = (bytes(memory.stack_high_water_bytes), bytes(memory.stack_reserve_bytes));
    format!(
        "{name} on {board}, {}: {} inputs of noise, every output equals the desk's\nflash {flash}, RAM {ram}\nstack: {used} used of {reserve}",
        subject.target.kind(),
        verdict.images,
    )
}

/// Counts the layers of a blob on the board, and prints them.
///
/// # Errors
/// As [`Subject::place`] and [`bench::run`].
pub fn bench(subject: &Subject, files: &bench::Files) -> Result<()> {
    let earlier = files.read_earlier()?;
    let Placed { blob, image, .. } = subject.place()?;
    let figures = bench::cost(&subject.target, &image, &blob, &noise(&blob, bench::device::IMAGES)?)?;
    let name = subject.path.display().to_string();
    bench::print(&name, &subject.target.board, &figures, earlier.as_ref())?;
    files.write(&figures)
}

/// Prints where flash and RAM of a blob's image go, or how that changed.
///
/// # Errors
/// As [`Subject::place`], or nothing to compare with.
pub fn sizes(subject: &Subject, show: &sizes::Show) -> Result<()> {
    let Placed { image, .. } = subject.place()?;
    let board = &subject.target.board;
    let whole = Bytes { flash_bytes: board.flash.bytes, ram_bytes: board.ram.bytes };
    sizes::describe(&image, board, whole, show)
}
