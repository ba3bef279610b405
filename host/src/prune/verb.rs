//! The verb `prune`: rank, prune to the budget, fine-tune, quantise, export, build, run on the board, report. `plan` is the
//! way from the trained network to the pruned one.

mod details;
mod plan;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use secateur_boards::BoardSpec;

use super::across::Walk;
use super::budget::{Budget, Plan};
use super::cutoff::Cutoff;
use super::survey::{self, Survey};
use super::tune::Teacher;
use super::{drop_layers, finish, inputs};
use crate::data::DataSet;
use crate::data::files::{folder_of, remove, write_atomically};
use crate::network::train::FitOptions;
use crate::network::{Network, evaluate};
use crate::report::{self, Accuracy, BeforeAfter, Bytes, LayerFigures, Report, Seconds, bytes, size};
use crate::rig::firmware::Profile;
use crate::rig::{verb as rig_verb, verify};

/// What `prune` was asked to do.
#[derive(Debug)]
pub struct Request {
    /// The trained network.
    pub network: PathBuf,
    /// A data set's name or folder; where absent, the embedded one.
    pub data: String,
    /// The board.
    pub board: BoardSpec,
    /// How its firmware is built.
    pub profile: Profile,
    /// What the image may occupy.
    pub budget: Budget,
    /// Whether whole layers go first.
    pub drop: Option<drop_layers::Limits>,
    /// How filters are ranked.
    pub survey: survey::Options,
    /// What they are ranked given.
    pub walk: Walk,
    /// How wide layers may be before the budget has its say.
    pub cutoff: Cutoff,
    /// Training images that layers are reconstructed on; 0 leaves them as surgery does.
    pub reconstruct_images: usize,
    /// How the pruned network is trained.
    pub fine_tune: FitOptions,
    /// In how many rounds of cutting and training.
    pub steps: usize,
    /// Test images to run on the board; 0 runs none.
    pub device_images: usize,
    /// The folder of all results.
    pub out: PathBuf,
    /// The folder's name in it.
    pub name: Option<String>,
    /// Where else the report goes.
    pub json: Option<PathBuf>,
}

/// Everything that the steps share.
struct Bench<'r> {
    request: &'r Request,
    /// As trained.
    unpruned: Network,
    /// As surveyed: without the layers that were dropped.
    network: Network,
    data: DataSet,
    folder: PathBuf,
    seconds: Seconds,
    begun: Instant,
}

/// Does all of it.
///
/// # Errors
/// What each step refuses; see `failure` for the exit codes. Nothing is left half-written.
pub fn run(request: &Request) -> Result<()> {
    let mut bench = Bench::open(request)?;
    println!("{}", bench.headline()?);
    bench.drop_layers()?;
    let teacher = Teacher::new(&bench.network);
    let firmware = bench.firmware()?;
    let (survey, planned) = bench.plan(&firmware)?;
    let pruned = bench.prune(&survey, &planned, &teacher)?;
    let (_, plan) = planned;
    let product = bench.timed(|seconds| &mut seconds.quantize, |bench| finish::quantize(&pruned, &bench.data))?;
    let linked = finish::link(&request.board, &firmware, &product.blob, &plan.memory)?;
    bench.write(&pruned, &product, &linked.image)?;
    let mut report = bench.report(&survey, &plan, &pruned, &product, linked.bytes)?;
    // Where the board fails, `verify` goes on from here.
    report.publish(&bench.folder)?;
    let verdict = bench.verify(&product.blob)?;
    if let Some(verdict) = &verdict {
        rig_verb::record(&mut report, verdict);
    }
    report.seconds = Seconds { total: bench.begun.elapsed().as_secs_f64(), ..bench.seconds };
    bench.publish(&report)?;
    verdict.map_or(Ok(()), |verdict| verdict.judge())
}

impl<'r> Bench<'r> {
    /// Reads everything, and finds out whether results can be written, before any work.
    fn open(request: &'r Request) -> Result<Self> {
        let begun = Instant::now();
        let (network, data) = inputs::open(&request.network, &request.data)?;
        let name = request.name.clone().unwrap_or_else(|| {
            format!("{}-{}-{}", network.arch.name(), data.name, size::short(request.budget.flash_bytes))
        });
        let folder = request.out.join(name);
        finish::try_folder(&folder)?;
        if let Some(path) = &request.json {
            finish::try_folder(folder_of(path))?;
        }
        let unpruned = network.clone();
        Ok(Self { request, unpruned, network, data, folder, seconds: Seconds::default(), begun })
    }

    /// Runs a step and adds its time to a field.
    fn timed<T>(
        &mut self,
        field: fn(&mut Seconds) -> &mut f64,
        step: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let begun = Instant::now();
        let result = step(self)?;
        *field(&mut self.seconds) += begun.elapsed().as_secs_f64();
        Ok(result)
    }

    fn headline(&self) -> Result<String> {
        let budget = self.request.budget;
        Ok(format!(
            "{} on {}: {:.0} k weights, {:.1} M multiply-accumulates; budget {} flash, {} RAM on {}",
            self.network.arch.name(),
            self.data.name,
            self.network.weights()? as f64 / 1e3,
            self.network.macs()? as f64 / 1e6,
            bytes(budget.flash_bytes),
            bytes(budget.ram_bytes),
            self.request.board.name,
        ))
    }

    /// An older report goes first: none ever stands beside files that it does not describe.
    fn write(&self, pruned: &Network, product: &finish::Product, image: &[u8]) -> Result<()> {
        remove(&self.folder.join("report.json"))?;
        remove(&self.folder.join("report.html"))?;
        pruned.save(&self.folder.join("pruned.safetensors"))?;
        write_atomically(&self.folder.join("model.blob"), product.blob.bytes())?;
        write_atomically(&self.folder.join("image.elf"), image)
    }

    /// Runs test images on the board; `None` where none were asked for, or nothing emulates it.
    fn verify(&mut self, blob: &crate::export::Blob) -> Result<Option<verify::Verdict>> {
        let request = self.request;
        if request.device_images == 0 || request.board.emulator.is_none() {
            return Ok(None);
        }
        let image = self.folder.join("image.elf");
        let verdict = self.timed(
            |seconds| &mut seconds.device,
            |bench| verify::verify(&request.board, &image, blob, &bench.data.test.head(request.device_images)),
        );
        verdict.map(Some).with_context(|| format!("on {}", request.board.name))
    }

    /// On the desk. Test images are read here, once.
    fn accuracy(&self, pruned: &Network, blob: &crate::export::Blob) -> Result<Accuracy> {
        Ok(Accuracy {
            baseline_float: evaluate::accuracy(&self.unpruned, &self.data.test)?,
            pruned_float: evaluate::accuracy(pruned, &self.data.test)?,
            pruned_int8: finish::accuracy(blob, &self.data.test)?,
            device: None,
        })
    }

    /// The report without the device's part.
    fn report(
        &mut self,
        survey: &Survey,
        plan: &Plan,
        pruned: &Network,
        product: &finish::Product,
        linked: Bytes,
    ) -> Result<Report> {
        let accuracy = self.timed(|seconds| &mut seconds.desk, |bench| bench.accuracy(pruned, &product.blob))?;
        let Budget { flash_bytes, ram_bytes, .. } = self.request.budget;
        Ok(Report {
            name: self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            board: self.request.board.name.clone(),
            kind: finish::kind(&self.request.board).to_owned(),
            profile: self.request.profile.name().to_owned(),
            clock_hz: None,
            data: self.request.data.clone(),
            arch: BeforeAfter { before: self.unpruned.arch.to_string(), after: pruned.arch.to_string() },
            budget: Bytes { flash_bytes, ram_bytes },
            planned: Bytes { flash_bytes: plan.memory.flash_bytes, ram_bytes: plan.memory.ram_bytes },
            linked,
            memory: plan.memory.into(),
            accuracy,
            images: report::Images { host: self.data.test.len(), device: 0 },
            bit_exact: None,
            device: None,
            observer: product.observer.name().to_owned(),
            filters: BeforeAfter { before: filters(&self.unpruned), after: filters(pruned) },
            params: BeforeAfter { before: self.unpruned.weights()?, after: pruned.weights()? },
            macs: BeforeAfter { before: self.unpruned.macs()?, after: pruned.macs()? },
            layers: layers(survey, plan, &product.blob)?,
            seconds: Seconds::default(),
            seed: self.request.fine_tune.seed,
            details: self.details(survey, pruned, &product.blob)?,
        })
    }

    fn publish(&self, report: &Report) -> Result<()> {
        report.publish(&self.folder)?;
        if let Some(path) = &self.request.json {
            report.write(path)?;
        }
        report::print(report);
        println!(
            "wrote {}/: report.html, report.json, image.elf, model.blob, pruned.safetensors",
            self.folder.display()
        );
        Ok(())
    }
}

/// Filters and hidden units, all layers together.
fn filters(network: &Network) -> usize {
    let widths = network.layers.iter().map(|layer| match layer {
        crate::network::Layer::Conv(conv) => conv.outputs,
        crate::network::Layer::Hidden(hidden) => hidden.outputs,
        _ => 0,
    });
    widths.sum()
}

fn layers(survey: &Survey, plan: &Plan, blob: &crate::export::Blob) -> Result<Vec<LayerFigures>> {
    let model = blob.model()?;
    let steps = model.steps().collect::<Result<Vec<_>, _>>()?;
    let weighted = steps.iter().filter(|step| step.parameters().is_some());
    let rows = survey.layers.iter().zip(&plan.widths).zip(weighted);
    Ok(rows
        .map(|((layer, kept), step)| LayerFigures {
            name: layer.name.clone(),
            kept: *kept,
            of: layer.ranking.order.len(),
            macs: step.macs(),
            cmi_kept: layer.ranking.kept_share(*kept),
            saturated_after: layer.ranking.saturated_after,
        })
        .collect())
}
