//! Rankings compared on a small case: trials are done once each, wherever they are done.
#![cfg(feature = "network")]

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Parser;
use secateur::cli::{self, Cli};
use secateur::failure::Failure;
use secateur_tests::small::{Small, tight};
use serde_json::Value;
use tempfile::TempDir;

/// A small case, a budget that bites, and the folder that both vanish with.
struct Case {
    folder: TempDir,
    small: Small,
    budget: String,
}

impl Case {
    fn make() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let small = Small::make(folder.path())?;
        let budget = tight(&small.whole()?).flash_bytes.to_string();
        Ok(Self { folder, small, budget })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `compare` with two cheap rankings, one budget and two seeds, where `more` says nothing else; its results in a folder
    /// of this name.
    fn compare(&self, output: &str, more: &[&str]) -> Result<()> {
        let (network, data) = (self.small.network_file.to_string_lossy(), self.small.data_folder.to_string_lossy());
        let output = self.path(output);
        let output = output.to_string_lossy();
        let usual = [
            ["--network", &network],
            ["--data", &data],
            ["--output", &output],
            ["--budgets", &self.budget],
            ["--seeds", "2"],
            ["--rankings", "l1,random"],
            ["--widths", "own"],
            ["--epochs", "0.1"],
            ["--survey-images", "32"],
        ];
        let usual = usual.iter().filter(|[flag, _]| !more.contains(flag)).flatten();
        compare(&usual.chain(more).copied().collect::<Vec<_>>())
    }

    fn merge(&self, folders: &[&str], output: &str) -> Result<()> {
        let folders: Vec<String> = folders.iter().map(|name| self.path(name).to_string_lossy().into_owned()).collect();
        let output = self.path(output).to_string_lossy().into_owned();
        let mut words = vec!["--output", &output, "--merge"];
        words.extend(folders.iter().map(String::as_str));
        compare(&words)
    }

    /// Name and bytes of every trial's file.
    fn trials(&self, output: &str) -> Result<Vec<(PathBuf, Vec<u8>)>> {
        let folder = self.path(output).join("trials");
        let entries = std::fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        let mut paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        paths.sort();
        paths.into_iter().map(|path| Ok((path.clone(), std::fs::read(path)?))).collect()
    }

    /// `compare.json` but for the times.
    fn results(&self, output: &str) -> Result<Value> {
        let mut results: Value = serde_json::from_slice(&std::fs::read(self.path(output).join("compare.json"))?)?;
        for trial in results["trials"].as_array_mut().context("a list of trials")? {
            trial["seconds"] = Value::Null;
        }
        Ok(results)
    }
}

fn compare(words: &[&str]) -> Result<()> {
    cli::run(Cli::try_parse_from(["cargo xtask", "compare"].iter().chain(words))?)
}

/// The words of a refusal, which comes with this exit code.
fn refused(result: Result<()>, exit_code: i32) -> String {
    let error = result.expect_err("refused");
    let code = match (error.downcast_ref::<Failure>(), error.downcast_ref::<clap::Error>()) {
        (Some(failure), _) => failure.exit_code().into(),
        (_, Some(words)) => words.exit_code(),
        _ => 1,
    };
    let message = format!("{error:#}");
    assert_eq!(code, exit_code, "{message}");
    message
}

fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}

#[test]
fn shards_merged_are_the_whole_and_nothing_is_done_twice() -> Result<()> {
    let case = Case::make()?;
    case.compare("whole", &[])?;
    let whole = case.trials("whole")?;
    assert_eq!(whole.len(), 4, "2 rankings, 1 budget, 2 seeds");

    for shard in ["0/2", "1/2"] {
        case.compare(&format!("part-{}", &shard[..1]), &["--shard", shard])?;
    }
    assert_eq!([case.trials("part-0")?.len(), case.trials("part-1")?.len()], [2, 2]);
    case.merge(&["part-0", "part-1"], "merged")?;
    assert_eq!(case.results("merged")?, case.results("whole")?);

    // A second run does what is missing; the seconds in each file tell whether it was made again.
    std::fs::remove_file(&whole[2].0)?;
    std::fs::write(&whole[3].0, &whole[3].1[..100])?;
    case.compare("whole", &[])?;
    let again = case.trials("whole")?;
    assert_eq!(again[..2], whole[..2]);
    assert_eq!(
        again.iter().map(|(path, _)| path).collect::<Vec<_>>(),
        whole.iter().map(|(path, _)| path).collect::<Vec<_>>()
    );
    assert_eq!(case.results("merged")?, case.results("whole")?);
    check_files(&case.path("whole"))?;

    // Other settings are other trials, and are not merged with these.
    case.compare("whole", &["--epochs", "0", "--rankings", "l1", "--seeds", "1"])?;
    assert_eq!(case.trials("whole")?.len(), 5);
    assert_eq!(case.results("whole")?["trials"].as_array().map(Vec::len), Some(1));
    let message = refused(case.merge(&["whole", "part-0"], "mixed"), 2);
    assert!(message.contains("other settings") && message.contains("fine_tune"), "{message}");
    Ok(())
}

/// Figures that people read.
fn check_files(output: &Path) -> Result<()> {
    let [table, drawing] = [text(&output.join("compare.md"))?, text(&output.join("compare.svg"))?];
    assert!(table.contains("| l1 | own |") && table.contains("| random | own |") && table.contains(" ± "), "{table}");
    let words = ["l1, own widths", "random, own widths", "test accuracy, %", "flash of the image, bytes", "</svg>"];
    words.iter().for_each(|words| assert!(drawing.contains(words), "no {words} in the drawing"));
    Ok(())
}

#[test]
fn every_rule_for_widths_meets_the_budget_and_equal_macs_bounds_the_searched_ones() -> Result<()> {
    let case = Case::make()?;
    let more = ["--epochs", "0", "--seeds", "1", "--rankings", "cmi,l1", "--widths", "curves,own,uniform,hand-made"];
    for (control, words) in [("uniform", &["--equal-macs"][..]), ("hand-made", &["--equal-macs", "hand-made"])] {
        case.compare(control, &[&more[..], words].concat())?;
        let results = case.results(control)?;
        let trials = results["trials"].as_array().context("a list of trials")?;
        assert_eq!(trials.len(), 7, "for cmi, own is curves");
        let budget: u64 = case.budget.parse()?;
        let macs = |trial: &Value| trial["macs"].as_u64().expect("a count");
        let most = trials.iter().find(|trial| trial["widths"] == control).map(macs).context("the control's trial")?;
        for trial in trials {
            assert!(trial["flash_bytes"].as_u64().expect("bytes") <= budget, "{trial}");
            let searched = trial["widths"] == "curves" || trial["widths"] == "own";
            assert!(!searched || macs(trial) <= most, "{trial} against {most}");
        }
        let kept = |ranking: &str| trials.iter().find(|t| t["ranking"] == ranking && t["widths"] == "curves");
        assert_eq!(kept("cmi").map(|trial| &trial["kept"]), kept("l1").map(|trial| &trial["kept"]), "equal widths");
    }
    Ok(())
}

#[test]
fn what_cannot_be_compared_is_refused_before_any_trial() -> Result<()> {
    let case = Case::make()?;
    let message = refused(case.compare("none", &["--rankings", "l2"]), 2);
    assert!(message.contains("l2") && message.contains("bn-scale"), "{message}");
    let message = refused(case.compare("none", &["--shard", "3/2"]), 2);
    assert!(message.contains("3/2") && message.contains("i from 0 to n - 1"), "{message}");
    let message = refused(case.compare("none", &["--budgets", "4k"]), 3);
    assert!(message.contains("the smallest reachable flash is"), "{message}");
    let message = refused(case.compare("none", &["--budgets", "100m"]), 2);
    assert!(message.contains("netduinoplus2 has"), "{message}");
    let message = refused(case.merge(&["none"], "merged"), 2);
    assert!(message.contains("holds no trial"), "{message}");
    assert!(!case.path("none").exists() && !case.path("merged").exists());
    Ok(())
}
