//! Trials as files: `trials/<ranking>-<widths>-<budget>-seed<seed>-<key>.json` in a comparison's folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::trial::{Outcome, Trial};
use crate::data::files::write_atomically;
use crate::failure::Failure;
use crate::report::size;

const FOLDER: &str = "trials";

fn path(folder: &Path, trial: &Trial, key: &str) -> PathBuf {
    let Trial { ranking, widths, budget_bytes, seed } = trial;
    let budget = size::short(*budget_bytes);
    folder.join(FOLDER).join(format!("{ranking}-{widths}-{budget}-seed{seed}-{key}.json"))
}

/// Writes a trial, whole or not at all; the same one again changes nothing.
pub(super) fn put(folder: &Path, outcome: &Outcome) -> Result<()> {
    if find(folder, &outcome.trial, &outcome.key).is_some() {
        return Ok(());
    }
    write_atomically(&path(folder, &outcome.trial, &outcome.key), &serde_json::to_vec_pretty(outcome)?)
}

/// A trial that is done under these settings; a file that does not read is none.
pub(super) fn find(folder: &Path, trial: &Trial, key: &str) -> Option<Outcome> {
    let outcome: Outcome = serde_json::from_slice(&std::fs::read(path(folder, trial, key)).ok()?).ok()?;
    (outcome.key == key && outcome.trial == *trial).then_some(outcome)
}

/// All trials of several folders, each once, in their order.
///
/// # Errors
/// A folder without trials, a damaged file, or trials of different settings.
pub(super) fn gather(folders: &[PathBuf]) -> Result<Vec<Outcome>> {
    let mut outcomes: BTreeMap<Trial, Outcome> = BTreeMap::new();
    for folder in folders {
        for path in files(folder)? {
            let outcome = read(&path)?;
            if let Some(other) = outcomes.values().find(|other| other.key != outcome.key) {
                bail!(Failure::Usage(format!(
                    "{} was made with other settings than {}: {}; merge folders made with the same ones, or move its file away",
                    path.display(),
                    other.trial,
                    differences(other, &outcome)?
                )));
            }
            outcomes.entry(outcome.trial).or_insert(outcome);
        }
    }
    Ok(outcomes.into_values().collect())
}

fn read(path: &Path) -> Result<Outcome> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes)
        .with_context(|| format!("{} is damaged: remove it and run its shard again", path.display()))
}

/// The trial files of a comparison's folder, sorted.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let trials = folder.join(FOLDER);
    let entries = std::fs::read_dir(&trials).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect();
    if files.is_empty() {
        let what = format!("{} holds no trial: name the --output folders of `compare` runs", trials.display());
        bail!(Failure::Usage(what));
    }
    files.sort();
    Ok(files)
}

/// `fine_tune.epochs 2.0 and 1.0, int8 true and false`.
fn differences(one: &Outcome, other: &Outcome) -> Result<String> {
    let (one, other) = (serde_json::to_value(&one.settings)?, serde_json::to_value(&other.settings)?);
    let mut found = Vec::new();
    compare("", &one, &other, &mut found);
    Ok(if found.is_empty() { "in how they were written".to_owned() } else { found.join(", ") })
}

fn compare(name: &str, one: &serde_json::Value, other: &serde_json::Value, found: &mut Vec<String>) {
    match (one.as_object(), other.as_object()) {
        (Some(one), Some(other)) => {
            for (key, value) in one {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                compare(&name, value, &other[key], found);
            }
        }
        _ if one != other => found.push(format!("{name} {one} and {other}")),
        _ => {}
    }
}
