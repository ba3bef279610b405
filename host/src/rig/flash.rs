//! The verb `flash`: an image, or its model alone, onto a board on the desk; or into a UF2 file.

use std::path::PathBuf;

use anyhow::{Context, Result};
use secateur_shared::header::{FORMAT_VERSION, KERNEL_ABI};
use secateur_shared::layer::OPERATORS;

use super::blob::{Placed, Subject};
use super::hardware::{self, Wiring};
use super::link::{Greeting, Link};
use super::probe::{self, Probe};
use super::target::{Reach, Target};
use super::verb::{self, Results};
use super::{firmware, image, serial, uf2, verify};
use crate::export::Blob;
use crate::failure::Failure;
use crate::report::bytes;

/// What the verb was asked to do.
#[derive(Debug)]
pub struct Request {
    /// What is flashed.
    pub source: Source,
    /// Leaves the firmware that is there as it is.
    pub model_only: bool,
    /// Writes a UF2 file instead, or one onto the drive that is mounted here.
    pub uf2: Option<PathBuf>,
}

/// Where an image comes from.
#[derive(Debug)]
pub enum Source {
    /// The results of a pruned network, and the board, where it is named.
    Results(verb::Request),
    /// A blob by itself, on firmware that is built for it.
    Blob(Subject),
}

/// What is flashed, and where.
struct Work {
    target: Target,
    blob: Blob,
    image: Vec<u8>,
}

impl Source {
    fn open(&self) -> Result<Work> {
        match self {
            Source::Blob(subject) => {
                let Placed { blob, image, .. } = subject.place()?;
                Ok(Work { target: subject.target.clone(), blob, image })
            }
            Source::Results(request) => {
                let results = Results::open(request)?;
                let image = std::fs::read(&results.image)
                    .with_context(|| format!("cannot read {}: prune again", results.image.display()))?;
                Ok(Work { target: results.target, blob: results.blob, image })
            }
        }
    }
}

/// Flashes what was asked for, and asks the board what it runs then.
///
/// # Errors
/// No image, no probe, another chip at its end, firmware that cannot run the model (see [`check`]), or flash that does not
/// take it.
pub fn run(request: &Request) -> Result<()> {
    let work = request.source.open()?;
    match &request.uf2 {
        Some(to) => {
            let loaded = image::loaded(&work.image)?;
            let path = uf2::write(&uf2::encode(&work.target.board, &loaded)?, to)?;
            println!("wrote {}: the image for {}, model included", path.display(), work.target.board.name);
            Ok(())
        }
        None if request.model_only => work.flash_model(),
        None => work.flash_image(),
    }
}

impl Work {
    fn wiring(&self) -> Wiring {
        match &self.target.reach {
            Reach::Emulated => Wiring::default(),
            Reach::Hardware(wiring) => wiring.clone(),
        }
    }

    fn probe(&self) -> Result<Probe> {
        probe::find(&self.target.board, self.wiring().probe.as_deref())
    }

    fn flash_image(&self) -> Result<()> {
        let (board, probe) = (&self.target.board, self.probe()?);
        probe.write(board, &image::loaded(&self.image)?)?;
        println!("{}: flashed by {probe}", board.name);
        match hardware::line(board, &self.wiring(), &probe) {
            Ok(link) => self.confirm(link),
            Err(error) => {
                println!("not asked what it runs: {error:#}");
                Ok(())
            }
        }
    }

    fn flash_model(&self) -> Result<()> {
        let (board, wiring) = (&self.target.board, self.wiring());
        let link = match &wiring.port {
            // A board that is refused needs no probe.
            Some(port) => serial::open(port),
            None => hardware::line(board, &wiring, &self.probe()?),
        };
        // The line ends here: it may be the probe's.
        let greeting = link?.hello().context("asking the board what it can run")?;
        check(&greeting, &self.target, &self.blob, &self.image)?;
        let probe = self.probe()?;
        probe.write(board, &[(greeting.model_address, self.blob.bytes())])?;
        let length = self.blob.bytes().len() as u32;
        println!("{}: model of {} flashed to {:#010x}", board.name, bytes(length), greeting.model_address);
        self.confirm(hardware::line(board, &wiring, &probe)?)
    }

    fn confirm(&self, mut link: Link) -> Result<()> {
        let greeting = verify::greet(&mut link, &self.target.board, &self.blob)?;
        let megahertz = f64::from(greeting.clock_hz) / 1e6;
        println!(
            "{} answers at {megahertz:.1} MHz and runs model {:08x}",
            greeting.board,
            self.blob.model()?.identity()
        );
        Ok(())
    }
}

/// Whether the firmware that greets so can run this model where the image has it.
///
/// # Errors
/// [`Failure::DeviceDiffers`] naming each of: board, blob format, kernel ABI, operators, the model's address, and the arena.
pub fn check(greeting: &Greeting, target: &Target, blob: &Blob, image: &[u8]) -> Result<()> {
    let (model, address) = (blob.model()?, image::model_address(image)?);
    let operators = firmware::operators(&model.table());
    let built_in = OPERATORS.iter().enumerate().filter(|(number, _)| greeting.operators >> number & 1 == 1);
    let built_in: Vec<&str> = built_in.map(|(_, name)| *name).collect();
    let absent: Vec<&str> = operators.into_iter().filter(|name| !built_in.contains(name)).collect();
    let differences = [
        (greeting.board != target.board.name).then(|| format!("it is {}, not {}", greeting.board, target.board.name)),
        (greeting.format != FORMAT_VERSION)
            .then(|| format!("it reads blob format {}, the model has {FORMAT_VERSION}", greeting.format)),
        (greeting.kernel_abi != KERNEL_ABI)
            .then(|| format!("its weights are of kernel ABI {}, the model's of {KERNEL_ABI}", greeting.kernel_abi)),
        (!absent.is_empty()).then(|| format!("it lacks the operators {}", absent.join(", "))),
        (greeting.model_address != address)
            .then(|| format!("its model lies at {:#010x}, the image's at {address:#010x}", greeting.model_address)),
        (greeting.arena_bytes < model.arena_bytes()).then(|| {
            format!(
                "it has {} for tensors, the model needs {}",
                bytes(greeting.arena_bytes),
                bytes(model.arena_bytes())
            )
        }),
    ];
    let differences: Vec<String> = differences.into_iter().flatten().collect();
    if differences.is_empty() {
        return Ok(());
    }
    let message = format!(
        "the firmware on the board cannot take this model alone: {}; flash the whole image, without --model-only",
        differences.join("; ")
    );
    Err(Failure::DeviceDiffers(message).into())
}
