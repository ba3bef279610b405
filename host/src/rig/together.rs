//! Several boards proved at once, each in a thread of its own.

use std::path::Path;

use anyhow::{Context, Result};
use indicatif::MultiProgress;
use serde::Serialize;
use tabled::builder::Builder;

use super::target::Target;
use super::verify::{self, Latency, Options, Verdict};
use crate::data::Images;
use crate::export::Blob;
use crate::failure::Failure;
use crate::report::interval::wilson;
use crate::report::{Bytes, bytes, render};

/// A model on a board, and the images that it is proved by.
pub(super) struct Job<'j> {
    pub(super) target: &'j Target,
    pub(super) image: &'j Path,
    /// What that image takes.
    pub(super) linked: Bytes,
    pub(super) blob: &'j Blob,
    pub(super) images: &'j Images,
    /// Whether the images have labels: noise has none.
    pub(super) is_labelled: bool,
    pub(super) options: Options,
}

/// Each job's verdict, in order; a board that fails leaves the others alone.
///
/// # Errors
/// [`Failure::Usage`] where a board is named twice: one would take the other's line.
pub(super) fn prove(jobs: &[Job]) -> Result<Vec<Result<Verdict>>> {
    for (index, job) in jobs.iter().enumerate() {
        let is_again = |other: &Job| (&other.target.board.name, &other.target.reach) == place(job);
        if jobs[..index].iter().any(is_again) {
            let message = format!("{} is named twice: leave one out, or say where the other is", job.target.board.name);
            return Err(Failure::Usage(message).into());
        }
    }
    let bars = MultiProgress::new();
    Ok(std::thread::scope(|scope| {
        let one = |job: &Job| {
            let options = Options { bars: bars.clone(), ..job.options.clone() };
            verify::verify_with(job.target, job.image, job.blob, job.images, &options)
        };
        let threads: Vec<_> = jobs.iter().map(|job| scope.spawn(move || one(job))).collect();
        let joined = threads.into_iter().map(|thread| match thread.join() {
            Ok(verdict) => verdict,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.collect()
    }))
}

fn place<'j>(job: &Job<'j>) -> (&'j String, &'j super::target::Reach) {
    (&job.target.board.name, &job.target.reach)
}

/// What became of a board, for machines and for the table.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    board: String,
    kind: &'static str,
    linked: Bytes,
    /// What went wrong: no answer, or another than the desk's.
    error: Option<String>,
    device: Option<Proof>,
}

/// What a board's answers show.
#[derive(Debug, Serialize)]
struct Proof {
    clock_hz: u32,
    images: usize,
    /// Images whose every logit is the desk's.
    agreeing: usize,
    /// Nothing of noise.
    accuracy: Option<f64>,
    accuracy_interval: Option<(f64, f64)>,
    first_difference: Option<String>,
    /// Nothing of an emulated board.
    latency: Option<Latency>,
    stack_high_water_bytes: u32,
    stack_reserve_bytes: u32,
    static_ram_bytes: u32,
    arena_used_bytes: u32,
    arena_available_bytes: u32,
}

impl Proof {
    fn new(job: &Job, verdict: &Verdict) -> Self {
        let (accuracy, memory) = (job.is_labelled.then_some(verdict.accuracy), verdict.memory);
        Self {
            clock_hz: verdict.clock_hz,
            images: verdict.images,
            agreeing: verdict.agreeing,
            accuracy,
            accuracy_interval: accuracy.map(|accuracy| wilson(accuracy, verdict.images)),
            first_difference: verdict.difference.as_ref().map(|difference| difference.layer.clone()),
            latency: verdict.latency,
            stack_high_water_bytes: memory.stack_high_water_bytes,
            stack_reserve_bytes: memory.stack_reserve_bytes,
            static_ram_bytes: memory.static_ram_bytes,
            arena_used_bytes: memory.arena_used_bytes,
            arena_available_bytes: memory.arena_bytes,
        }
    }
}

/// The rows of jobs and their verdicts.
pub(super) fn rows(jobs: &[Job], verdicts: &[Result<Verdict>]) -> Vec<Row> {
    let row = |(job, verdict): (&Job, &Result<Verdict>)| Row {
        board: job.target.board.name.clone(),
        kind: job.target.kind(),
        linked: job.linked,
        error: match verdict {
            Ok(verdict) => verdict.judge().err().map(|error| format!("{error:#}")),
            Err(error) => Some(format!("{error:#}")),
        },
        device: verdict.as_ref().ok().map(|verdict| Proof::new(job, verdict)),
    };
    jobs.iter().zip(verdicts).map(row).collect()
}

/// The verdicts, a board a row.
pub(super) fn table(rows: &[Row]) -> String {
    let mut table = Builder::default();
    table.push_record([
        "board",
        "",
        "flash",
        "RAM",
        "clock",
        "images",
        "logits equal",
        "accuracy (95 %)",
        "stack",
        "latency",
    ]);
    for Row { board, kind, linked, device, .. } in rows {
        let figures = match device {
            Some(proof) => figures(proof),
            None => std::array::from_fn(|index| if index == 0 { "failed".to_owned() } else { String::new() }),
        };
        let place = [board.clone(), (*kind).to_owned(), bytes(linked.flash_bytes), bytes(linked.ram_bytes)];
        table.push_record(place.into_iter().chain(figures));
    }
    render(table)
}

fn figures(proof: &Proof) -> [String; 6] {
    let latency = proof.latency.map_or("-".to_owned(), |latency| {
        let Latency { median_ms, p99_ms, cycles_per_mac, .. } = latency;
        format!("{median_ms:.1} ms, 99 of 100 {p99_ms:.1} ms, {cycles_per_mac:.2} cycles/MAC")
    });
    let accuracy = proof.accuracy.zip(proof.accuracy_interval).map_or("-".to_owned(), |(accuracy, (low, high))| {
        let [accuracy, low, high] = [accuracy, low, high].map(|share| 100.0 * share);
        format!("{accuracy:.2} % ({low:.1} to {high:.1})")
    });
    [
        format!("{:.1} MHz", f64::from(proof.clock_hz) / 1e6),
        proof.images.to_string(),
        format!("{} of {}", proof.agreeing, proof.images),
        accuracy,
        format!("{} of {}", bytes(proof.stack_high_water_bytes), bytes(proof.stack_reserve_bytes)),
        latency,
    ]
}

/// The failure of the first board that has one; those of the others are shown.
///
/// # Errors
/// That one, with the board's name where there are several.
pub(super) fn judge<'j>(
    verdicts: Vec<Result<Verdict>>,
    targets: impl ExactSizeIterator<Item = &'j Target>,
) -> Result<()> {
    let is_alone = targets.len() == 1;
    let judged = verdicts.into_iter().zip(targets).map(|(verdict, target)| {
        let judged = verdict.and_then(|verdict| verdict.judge());
        if is_alone { judged } else { judged.with_context(|| target.board.name.clone()) }
    });
    let mut failures = judged.filter_map(Result::err);
    let Some(first) = failures.next() else { return Ok(()) };
    failures.for_each(|error| eprintln!("error: {error:#}"));
    Err(first)
}
