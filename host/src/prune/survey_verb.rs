//! The verb `survey`: how much each layer tells, without pruning anything.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;
use tabled::builder::Builder;

use super::inputs;
use super::stability::{Agreement, check_comparable};
use super::survey::{self, Options, Survey};
use crate::data::files::write_atomically;
use crate::inform::{LayerRanking, Proof};
use crate::report::render;

/// What `survey` was asked to do.
#[derive(Debug)]
pub struct Request {
    /// The trained network.
    pub network: PathBuf,
    /// The data set.
    pub data: String,
    /// How filters are ranked.
    pub options: Options,
    /// How many draws of the images, by seeds from the options' up; at least one.
    pub draws: u64,
    /// Earlier surveys to compare the first draw's with.
    pub against: Vec<PathBuf>,
    /// Where orders and curves go.
    pub json: Option<PathBuf>,
}

/// What `--json` holds: the first draw's survey, which `--against` reads, and beside it how far it agrees with others.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    survey: &'a Survey,
    #[serde(skip_serializing_if = "Option::is_none")]
    draws: Option<Agreement>,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<Agreement>,
}

/// Ranks and prints.
///
/// # Errors
/// What cannot be read or ranked; an earlier survey of another network.
pub fn run(request: &Request) -> Result<()> {
    let (network, data) = inputs::open(&request.network, &request.data)?;
    let earlier = request.against.iter().map(|path| read(path)).collect::<Result<Vec<_>>>()?;
    let (options, cache) = (&request.options, Path::new("out").join("cache"));
    let draw = |further: u64| {
        let options = Options { seed: options.seed.wrapping_add(further), ..options.clone() };
        survey::survey(&network, &data.train, &options, &cache)
    };
    let mut draws = vec![draw(0)?];
    for (path, earlier) in request.against.iter().zip(&earlier) {
        check_comparable(&draws[0], earlier).with_context(|| format!("--against {}", path.display()))?;
    }
    println!("{}", table(&draws[0]));
    for further in 1..request.draws {
        draws.push(draw(further)?);
    }
    let among = (draws.len() > 1).then(|| Agreement::among(&draws));
    let against = (!earlier.is_empty()).then(|| Agreement::between(&draws[0], &earlier));
    let titles = [format!("over {} draws of {} images", draws.len(), options.images), listed(&request.against)];
    for (title, agreement) in titles.iter().zip([&among, &against]) {
        agreement.iter().for_each(|agreement| println!("\n{}", agreement_table(title, agreement)));
    }
    write(request.json.as_deref(), &Answer { survey: &draws[0], draws: among, against })
}

/// A survey that `--json` wrote.
fn read(path: &Path) -> Result<Survey> {
    let text = std::fs::read(path).with_context(|| format!("cannot read the survey {}", path.display()))?;
    let remedy = || format!("{} is no survey: give a file that `cargo xtask survey --json` wrote", path.display());
    serde_json::from_slice(&text).with_context(remedy)
}

fn write(path: Option<&Path>, answer: &Answer) -> Result<()> {
    path.map_or(Ok(()), |path| write_atomically(path, &serde_json::to_vec_pretty(answer)?))
}

fn listed(paths: &[PathBuf]) -> String {
    let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    format!("with {}", paths.join(", "))
}

/// How far the orders agree, each figure beside what random orders would give.
fn agreement_table(title: &str, agreement: &Agreement) -> String {
    let mut table = Builder::default();
    let shares = ["top half in common", "(chance)", "top quarter in common", "(chance)"];
    table.push_record([["layer", "filters", "correlation, mean", "lowest", "(chance)"].as_slice(), &shares].concat());
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    for layer in &agreement.layers {
        table.push_record([
            layer.name.clone(),
            layer.filters.to_string(),
            format!("{:.3}", layer.mean_correlation),
            format!("{:.3}", layer.lowest_correlation),
            format!("0 ± {:.2}", layer.chance_deviation),
            percent(layer.half.mean),
            percent(layer.half.chance),
            percent(layer.quarter.mean),
            percent(layer.quarter.chance),
        ]);
    }
    let pairs = if agreement.pairs == 1 { "1 pair".to_owned() } else { format!("{} pairs", agreement.pairs) };
    format!("agreement {title}: {pairs}, Spearman's rank correlation\n{}", render(table))
}

/// How many candidates were evaluated, and how far under each step's winner the bounds of all others stayed.
fn evaluated(ranking: &LayerRanking) -> String {
    let Proof { evaluated, skipped, margin } = ranking.proof;
    let rest = margin.map_or(String::new(), |margin| format!(", the others proven {margin:.0e} nats short"));
    format!("{evaluated} of {}{rest}", evaluated + skipped)
}

/// The share of I(Y; F) that parts of each order keep.
fn table(survey: &Survey) -> String {
    let mut table = Builder::default();
    table.push_record([
        "layer",
        "filters",
        "I(Y;F) nats",
        "in 1/8",
        "in 1/4",
        "in 1/2",
        "in 3/4",
        "order",
        "evaluated",
    ]);
    for layer in &survey.layers {
        let ranking = &layer.ranking;
        let filters = ranking.order.len();
        let kept = |eighths: usize| format!("{:.1} %", 100.0 * ranking.kept_share(filters * eighths / 8));
        table.push_record([
            layer.name.clone(),
            filters.to_string(),
            format!("{:.3}", ranking.information.last().copied().unwrap_or(0.0)),
            kept(1),
            kept(2),
            kept(4),
            kept(6),
            ranking.saturated_after.map_or("to the end".to_owned(), |after| format!("saturates after {after}")),
            evaluated(ranking),
        ]);
    }
    render(table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prune::survey::LayerSurvey;

    #[test]
    fn what_json_holds_can_be_read_against() {
        let text = r#"{"sigma": 1.5, "order": [1, 0], "information": [0, 1, 2], "joint_entropy": [0, 1, 2],
            "saturated_after": null, "proof": {"evaluated": 3, "skipped": 0, "margin": null}}"#;
        let layer = LayerSurvey { name: "conv1".to_owned(), ranking: serde_json::from_str(text).expect("a ranking") };
        let survey = Survey { layers: vec![layer] };
        let draws = Agreement::among(&[survey.clone(), survey.clone()]);
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("survey.json");
        for draws in [None, Some(draws)] {
            write(Some(&path), &Answer { survey: &survey, draws, against: None }).expect("written");
            assert_eq!(read(&path).expect("read").layers[0].ranking, survey.layers[0].ranking);
        }
        std::fs::write(&path, "{}").expect("written");
        assert!(read(&path).expect_err("refused").to_string().contains("is no survey"));
    }
}
