//! Several boards proved at once, each in a thread of its own.

use std::path::Path;

use anyhow::{Context, Result};
use indicatif::MultiProgress;
use tabled::builder::Builder;

use super::target::Target;
use super::verify::{self, Options, Verdict};
use crate::data::Images;
use crate::export::Blob;
use crate::report::{bytes, render};

/// A model on a board, and the images that it is proved by.
pub(super) struct Job<'j> {
    pub(super) target: &'j Target,
    pub(super) image: &'j Path,
    pub(super) blob: &'j Blob,
    pub(super) images: &'j Images,
    pub(super) options: Options,
}

/// Each job's verdict, in order; a board that fails leaves the others alone.
pub(super) fn prove(jobs: &[Job]) -> Vec<Result<Verdict>> {
    let bars = MultiProgress::new();
    std::thread::scope(|scope| {
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
    })
}

/// The verdicts, a board a row.
pub(super) fn table(jobs: &[Job], verdicts: &[Result<Verdict>]) -> String {
    let mut table = Builder::default();
    table.push_record(["board", "", "clock", "images", "logits equal", "accuracy", "stack", "latency"]);
    for (Job { target, .. }, verdict) in jobs.iter().zip(verdicts) {
        let figures = match verdict {
            Ok(verdict) => figures(verdict),
            Err(_) => std::array::from_fn(|index| if index == 0 { "failed".to_owned() } else { String::new() }),
        };
        table.push_record([target.board.name.clone(), target.kind().to_owned()].into_iter().chain(figures));
    }
    render(table)
}

fn figures(verdict: &Verdict) -> [String; 6] {
    let latency = verdict.latency.map_or("-".to_owned(), |latency| format!("{:.1} ms", latency.median_ms));
    [
        format!("{:.1} MHz", f64::from(verdict.clock_hz) / 1e6),
        verdict.images.to_string(),
        format!("{} of {}", verdict.agreeing, verdict.images),
        format!("{:.2} %", 100.0 * verdict.accuracy),
        bytes(verdict.memory.stack_high_water_bytes),
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
