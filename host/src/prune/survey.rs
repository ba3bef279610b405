//! What every layer of a network tells about the label: one ranking a layer, computed once and kept.

use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use rand::{SeedableRng, seq::index};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

use crate::data::Images;
use crate::data::files::write_atomically;
use crate::inform::{Criterion, LayerRanking, Maps, Mode, evaluations, rank};
use crate::network::{Network, backend, gradients, taps};

/// Part of every cached result's key: counted up whenever the same inputs would be ranked differently.
const REVISION: u32 = 4;

/// How a survey is made.
#[derive(Clone, Debug, Serialize)]
pub struct Options {
    /// Entropy order and kernel width.
    pub criterion: Criterion,
    /// Training images that the information is estimated on.
    pub images: usize,
    /// Which ones.
    pub seed: u64,
}

/// The ranking of every prunable layer, in the network's order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Survey {
    /// One per prunable layer.
    pub layers: Vec<LayerSurvey>,
}

/// A layer's ranking.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerSurvey {
    /// As in `Network::layer_names`.
    pub name: String,
    /// Order and curve.
    pub ranking: LayerRanking,
}

/// Surveys a network on training images, or reads the survey of the same network, images and options from `cache`.
///
/// # Errors
/// Too few images; a network whose maps are not finite.
pub fn survey(network: &Network, train: &Images, options: &Options, cache: &Path) -> Result<Survey> {
    let images = draw(train, options.images, options.seed)?;
    cached(network, &images, options, cache, || rank_layers(network, &images, &options.criterion))
}

/// What `make` gives for this network, these images and these options, or what it gave before.
pub(super) fn cached(
    network: &Network,
    images: &Images,
    options: &impl Serialize,
    cache: &Path,
    make: impl FnOnce() -> Result<Survey>,
) -> Result<Survey> {
    let path = cache_path(network, images, options, cache)?;
    if let Some(survey) = read(&path) {
        println!("survey: from {}", path.display());
        return Ok(survey);
    }
    let survey = make()?;
    let text = serde_json::to_vec(&survey).context("writing the survey as JSON")?;
    write_atomically(&path, &text)?;
    Ok(survey)
}

/// A random choice of training images, the same for the same seed.
///
/// # Errors
/// Fewer than two images, or more than there are.
pub(super) fn draw(train: &Images, count: usize, seed: u64) -> Result<Images> {
    ensure!(
        (2..=train.len()).contains(&count),
        "a survey of {count} images: give --survey-images from 2 to {}, the training part's images",
        train.len()
    );
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Ok(train.select(&index::sample(&mut rng, train.len(), count).into_vec()))
}

fn rank_layers(network: &Network, images: &Images, criterion: &Criterion) -> Result<Survey> {
    let maps = observed(network, images, criterion.mode)?;
    let bar = progress(maps.iter().map(|maps| evaluations(maps.channels())).sum());
    let names = network.layer_names();
    let mut layers = Vec::new();
    for (maps, layer) in maps.iter().zip(network.prunable()) {
        let name = names[layer].clone();
        bar.set_message(name.clone());
        let ranking = rank(maps, &images.labels, criterion, &[], &|count| bar.inc(count))?;
        layers.push(LayerSurvey { name, ranking });
    }
    bar.finish_and_clear();
    Ok(Survey { layers })
}

/// What filters are chosen by, of every prunable layer: maps, and by [`Mode::Contributions`] contributions to the logits beside them.
pub(super) fn observed(network: &Network, images: &Images, mode: Mode) -> Result<Vec<Maps>> {
    let maps = taps::maps(network, images)?;
    if mode != Mode::Contributions {
        return Ok(maps);
    }
    let contributions = gradients::contributions(network, images)?;
    maps.iter().zip(&contributions).map(|(maps, contributions)| maps.beside(contributions)).collect()
}

/// A bar over so many evaluations.
pub(super) fn progress(evaluations: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("survey {msg:9} {bar:40} {pos}/{len} evaluations, {eta} left");
    ProgressBar::new(evaluations).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn cache_path(network: &Network, images: &Images, options: &impl Serialize, cache: &Path) -> Result<PathBuf> {
    let mut key = Sha256::new();
    key.update(REVISION.to_le_bytes());
    key.update(network.to_bytes()?);
    key.update(&images.pixels);
    key.update(&images.labels);
    key.update(serde_json::to_vec(options)?);
    // Backends round differently.
    key.update(backend::name());
    let digits: String = key.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Ok(cache.join(format!("survey-{digits}.json")))
}

/// A cached survey; one that does not read is made again.
fn read(path: &Path) -> Option<Survey> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}
