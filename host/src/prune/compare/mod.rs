//! The verb `compare`: rankings against each other at equal bytes, over seeds. A trial (`trial`) is a ranking, a rule for
//! widths, a budget and a seed; `bench` does one, `store` keeps each in a file of its own, `summary` puts what is
//! there into rows, and `print` and `figure` show them.

mod bench;
mod figure;
mod print;
mod store;
mod summary;
mod trial;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use indicatif::HumanDuration;
use secateur_boards::BoardSpec;

use self::bench::Bench;
use self::summary::Comparison;
use self::trial::{Outcome, Trial};
use super::allocate::{Control, Rule};
use super::budget::Budget;
use super::rank::Method;
use crate::data::files::write_atomically;
use crate::inform::Criterion;
use crate::network::train::FitOptions;
use crate::rig::firmware::Profile;

/// What `compare` was asked to try.
#[derive(Debug)]
pub struct Request {
    /// The trained network.
    pub network: PathBuf,
    /// A data set's name or folder.
    pub data: String,
    /// The board whose firmware and memory count.
    pub board: BoardSpec,
    /// How its firmware is built.
    pub profile: Profile,
    /// How filters are ordered.
    pub rankings: Vec<Method>,
    /// How widths are chosen.
    pub rules: Vec<Rule>,
    /// What the image may occupy.
    pub budgets: Vec<Budget>,
    /// Seeds 1 to this: each draws its own images to rank on, and trains in its own order.
    pub seeds: u64,
    /// Training images that rankings look at.
    pub images: usize,
    /// How information is estimated.
    pub criterion: Criterion,
    /// Training images that layers are reconstructed on after surgery; 0 leaves them as it does.
    pub reconstruct_images: usize,
    /// How pruned networks are trained, whatever its seed; `None` does not.
    pub fine_tune: Option<FitOptions>,
    /// Whose multiply-accumulates at the same bytes bound searched widths; `None` bounds nothing.
    pub equal_macs: Option<Control>,
    /// Whether to quantise as well.
    pub int8: bool,
    /// Which trials are this run's.
    pub shard: Shard,
    /// The folder of all results.
    pub out: PathBuf,
    /// The comparison's folder; where absent, `compare-<arch>-<data>` in `out`.
    pub output: Option<PathBuf>,
    /// Where else the rows go.
    pub json: Option<PathBuf>,
}

/// What `compare --merge` was asked to bring together.
#[derive(Debug)]
pub struct Merge {
    /// The comparisons' folders.
    pub folders: Vec<PathBuf>,
    /// As in [`Request`].
    pub out: PathBuf,
    /// As in [`Request`].
    pub output: Option<PathBuf>,
    /// As in [`Request`].
    pub json: Option<PathBuf>,
}

/// Every `of`-th trial, from `index` on, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Below `of`.
    pub index: usize,
    /// 1 takes all trials.
    pub of: usize,
}

/// Does the shard's trials that are not done yet, and shows all that are.
///
/// # Errors
/// What a step refuses; a budget out of reach before any trial.
pub fn run(request: &Request) -> Result<()> {
    let mut bench = Bench::open(request)?;
    let trials = trials(request);
    let mine = trials.iter().enumerate().filter(|(place, _)| place % request.shard.of == request.shard.index);
    let mine: Vec<Trial> = mine.map(|(_, trial)| *trial).collect();
    let left: Vec<Trial> = mine.iter().copied().filter(|trial| bench.find(trial).is_none()).collect();
    println!("{}", bench.headline(trials.len(), mine.len(), left.len())?);
    let begun = Instant::now();
    for (place, trial) in left.iter().enumerate() {
        let outcome = bench.try_out(trial)?;
        println!("{}", line(&outcome, place + 1, left.len(), begun));
    }
    let done: Vec<Outcome> = trials.iter().filter_map(|trial| bench.find(trial)).collect();
    publish(done, trials.len(), bench.folder(), request.json.as_deref())
}

/// Copies the trials of several comparisons with the same settings into one folder, and shows them.
///
/// # Errors
/// Folders without trials, damaged trials, or trials with different settings.
pub fn merge(request: &Merge) -> Result<()> {
    let outcomes = store::gather(&request.folders)?;
    let folder = match (&request.output, outcomes.first()) {
        (None, Some(first)) => request.out.join(first.settings.folder_name()),
        (output, _) => output.clone().unwrap_or_else(|| request.out.clone()),
    };
    outcomes.iter().try_for_each(|outcome| store::put(&folder, outcome))?;
    let expected = outcomes.len();
    publish(outcomes, expected, &folder, request.json.as_deref())
}

/// Every trial once, always in the same order. The CMI ranking's own curves are the CMI curves.
fn trials(request: &Request) -> Vec<Trial> {
    let mut trials = Vec::new();
    for seed in 1..=request.seeds {
        for &ranking in &request.rankings {
            for &rule in &request.rules {
                let widths = if (ranking, rule) == (Method::Cmi, Rule::Own) { Rule::Curves } else { rule };
                for budget in &request.budgets {
                    let trial = Trial { ranking, widths, budget_bytes: budget.flash_bytes, seed };
                    if !trials.contains(&trial) {
                        trials.push(trial);
                    }
                }
            }
        }
    }
    trials
}

/// What came of a trial, and when all will be done.
fn line(outcome: &Outcome, done: usize, of: usize, begun: Instant) -> String {
    let accuracy = &outcome.accuracy;
    let left = begun.elapsed().mul_f64((of - done) as f64 / done as f64);
    format!(
        "{done} of {of}: {}: {:.2} % on validation, {:.2} % after fine-tuning, {:.2} % on test; {:.0} s, {} left",
        outcome.trial,
        100.0 * accuracy.before_validation,
        100.0 * accuracy.validation,
        100.0 * accuracy.test,
        outcome.seconds,
        HumanDuration(left),
    )
}

/// The table, and the files.
fn publish(outcomes: Vec<Outcome>, expected: usize, folder: &Path, json: Option<&Path>) -> Result<()> {
    let done = outcomes.len();
    let Some(comparison) = Comparison::of(outcomes) else {
        println!("no trial is done yet");
        return Ok(());
    };
    println!("\n{}", print::table(&comparison));
    if done < expected {
        println!("{done} of {expected} trials are done: run the other shards, then `compare --merge` their folders");
    }
    let text = serde_json::to_vec_pretty(&comparison)?;
    json.map_or(Ok(()), |path| write_atomically(path, &text))?;
    write_atomically(&folder.join("compare.json"), &text)?;
    write_atomically(&folder.join("compare.md"), print::markdown(&comparison).as_bytes())?;
    write_atomically(&folder.join("compare.svg"), figure::svg(&comparison)?.as_bytes())?;
    println!("wrote {}/: compare.json, compare.md, compare.svg, trials/", folder.display());
    Ok(())
}
