//! The verb `verify`, and results read again.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use tempfile::TempDir;

use super::blob::{Placed, Subject};
use super::firmware::Profile;
use super::hardware::Wiring;
use super::target;
use super::target::Target;
use super::together::{self, Job};
use super::verify::{self, Options, Verdict};
use crate::data::{self, Images};
use crate::export::Blob;
use crate::report::interval;
use crate::report::{self, Bytes, DeviceFigures, Report, write_json};

/// What a verb that reaches a board was asked to do.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The results' folder.
    pub folder: PathBuf,
    /// The board to run on; that of the results where absent.
    pub target: Option<Target>,
    /// What leads to that board, where it is on the desk.
    pub wiring: Wiring,
    /// How many test images.
    pub images: usize,
    /// Where figures go as data.
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
    pub(super) target: Target,
    pub(super) blob: Blob,
    pub(super) image: PathBuf,
    pub(super) images: Images,
    linked: Bytes,
    /// Where the image is, if it was linked for another board than the report's.
    anew: Option<TempDir>,
}

impl Results {
    pub(super) fn open(request: &Request) -> Result<Self> {
        let folder = &request.folder;
        let report = report::read(&folder.join("report.json"))?;
        let own = || Ok::<_, anyhow::Error>(Target::usual(secateur_boards::find(&report.board)?));
        let target = request.target.clone().map_or_else(own, Ok)?;
        let target = target.by(request.wiring.probe.as_deref(), request.wiring.port.as_deref())?;
        let path = folder.join("model.blob");
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}: prune again", path.display()))?;
        let blob = Blob::from_bytes(&bytes);
        let model = blob.model().with_context(|| format!("{} is damaged: prune again", path.display()))?;
        let images = data::load(&report.data)?.test.head(request.images);
        ensure!(
            Some(images.shape.values()) == model.input().shape.bytes().map(|bytes| bytes as usize),
            "{} now holds images of {}, the network was pruned on others: bring them back, or prune again",
            report.data,
            images.shape
        );
        let (image, linked, anew) = if target.board.name == report.board {
            (folder.join("image.elf"), report.linked, None)
        } else {
            let Placed { image, linked, .. } = Subject { path, target: target.clone() }.place_as(profile(&report)?)?;
            let (path, folder) = target::image_file(&image)?;
            (path, linked, Some(folder))
        };
        ensure!(image.exists(), "{} is gone: prune again", image.display());
        Ok(Self { report, target, blob, image, images, linked, anew })
    }

    /// Whether the report is about this board.
    pub(super) fn is_own(&self) -> bool {
        self.anew.is_none()
    }

    fn job(&self, request: &Request) -> Result<Job<'_>> {
        let Self { target, image, blob, images, linked, .. } = self;
        let progress =
            Some(verify::progress_file(&request.folder, target, (blob, image), request.in_ram, &self.report.data)?);
        let options = Options { in_ram: request.in_ram, progress, fresh: request.fresh, ..Options::default() };
        Ok(Job { target, image, linked: *linked, blob, images, is_labelled: true, options })
    }

    /// Brings the report up to date, if it is about this board.
    fn publish(&mut self, request: &Request, verdict: &Verdict, seconds: f64) -> Result<()> {
        if !self.is_own() {
            return Ok(());
        }
        let report = &mut self.report;
        report.seconds.total += seconds - report.seconds.device;
        report.seconds.device = seconds;
        report.kind = self.target.kind().to_owned();
        record(report, verdict);
        report.publish(&request.folder)
    }
}

/// The profile that a report's firmware was built with.
pub(super) fn profile(report: &Report) -> Result<Profile> {
    let Ok(profile) = Profile::from_str(&report.profile, false) else {
        bail!("the report names a profile `{}`: prune again", report.profile)
    };
    Ok(profile)
}

/// Runs test images on the board, compares every logit with the desk's, and brings the report up to date. On another board
/// than the report's, the same model runs on firmware of its own, and the report stays. As data there is the report, or of
/// other or several boards a row each.
///
/// # Errors
/// No results, no board, or a device that differs.
pub fn verify(request: &Request) -> Result<()> {
    verify_all(std::slice::from_ref(request))
}

/// As [`verify`], on several boards at once.
///
/// # Errors
/// As there: the first board's that fails, after all are done.
pub fn verify_all(requests: &[Request]) -> Result<()> {
    let mut all = requests.iter().map(Results::open).collect::<Result<Vec<_>>>()?;
    for Results { report, target, images, .. } in &all {
        println!("{}: {} test images on {}, {}", report.name, images.len(), target.board.name, target.kind());
    }
    let begun = Instant::now();
    let jobs = all.iter().zip(requests).map(|(one, request)| one.job(request)).collect::<Result<Vec<_>>>()?;
    let verdicts = together::prove(&jobs)?;
    let seconds = begun.elapsed().as_secs_f64();
    let rows = together::rows(&jobs, &verdicts);
    drop(jobs);
    for ((one, request), verdict) in all.iter_mut().zip(requests).zip(&verdicts) {
        if let Ok(verdict) = verdict {
            one.publish(request, verdict, seconds)?;
        }
    }
    let json = requests.iter().find_map(|request| request.json.as_deref());
    match (&*all, &*verdicts) {
        ([one], [Ok(_)]) if one.is_own() => {
            report::print(&one.report);
            write_json(json, &one.report)?;
        }
        (_, verdicts) => {
            // One board's failure is all there is to say of it.
            if verdicts.len() > 1 || verdicts.iter().all(Result::is_ok) {
                println!("{}", together::table(&rows));
            }
            write_json(json, &rows)?;
        }
    }
    together::judge(verdicts, all.iter().map(|one| &one.target))
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
