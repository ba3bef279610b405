//! Filters ranked again once it is known how many each layer keeps. Vu-Van et al. (arXiv 2411.18578): per-layer, full and
//! compact CMI, forward and bidirectional.
//!
//! The paper cuts each layer before it ranks the next. Here widths come first, for a budget is about all layers at once:
//! per-layer curves give the widths, and what is ranked again is which filters fill them. Two things are known then that
//! the survey could not know: how many filters are to tell as much as they can *together*, which the kernel's sigma follows
//! (README beside this file has what that is worth), and which ones other layers keep.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use rayon::prelude::*;
use serde::Serialize;

use super::survey::{self, LayerSurvey, Survey};
use crate::data::Images;
use crate::inform::{Condition, LayerRanking, Maps, Mode, evaluations, rank};
use crate::network::Network;

/// What a layer's filters are conditioned on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ValueEnum)]
pub enum Formulation {
    /// On nothing: every layer by itself.
    #[default]
    PerLayer,
    /// On what the layer before it in the walk keeps.
    Compact,
    /// On what all layers before it in the walk keep.
    Full,
}

/// How the walk goes through the layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ValueEnum)]
pub enum Direction {
    /// From the first to the last.
    #[default]
    Forward,
    /// From one layer to the last, and from the same one to the first, at the same time.
    Bidirectional,
}

/// A formulation and the way through the layers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Walk {
    /// On what.
    pub formulation: Formulation,
    /// Which way.
    pub direction: Direction,
    /// Where both arms begin, as in `Network::layer_names`; where absent, at the layer that loses the largest share.
    pub start: Option<String>,
}

impl Walk {
    /// What `survey` says of each layer once the layers before it in the walk keep so many filters, `widths`, one per
    /// prunable layer: their orders, and curves of I(Y; Z u S_t). Computed on the images that `options` draws from `train`
    /// or read from `cache`. The published kernels follow no width: per layer they give the survey itself.
    ///
    /// # Errors
    /// A start that is no layer; too few images; a network whose maps are not finite.
    pub fn survey(
        &self,
        network: &Network,
        train: &Images,
        options: &survey::Options,
        per_layer: Survey,
        widths: &[usize],
        cache: &Path,
    ) -> Result<Survey> {
        if self.formulation == Formulation::PerLayer && options.criterion.mode == Mode::Faithful {
            return Ok(per_layer);
        }
        let arms = self.arms(&per_layer, widths)?;
        let images = survey::draw(train, options.images, options.seed)?;
        survey::cached(network, &images, &(options, self, widths), cache, || {
            let maps = survey::observed(network, &images, mode_at(options.criterion.mode, &per_layer, widths))?;
            let ground = Ground { walk: self, per_layer: &per_layer, widths, images: &images, maps: &maps, options };
            ground.survey(&arms)
        })
    }

    /// The layers in the order of the walk. Both arms of two begin at the same one; per layer, each is an arm by itself.
    fn arms(&self, per_layer: &Survey, widths: &[usize]) -> Result<Vec<Vec<usize>>> {
        let layers = &per_layer.layers;
        ensure!(widths.len() == layers.len(), "{} widths for {} layers: give one a layer", widths.len(), layers.len());
        let start = match &self.start {
            Some(name) => layers.iter().position(|layer| layer.name == *name).with_context(|| {
                let names: Vec<&str> = layers.iter().map(|layer| layer.name.as_str()).collect();
                format!("there is no layer {name} to start from: give --start one of {}", names.join(", "))
            })?,
            None => most_cut(layers, widths),
        };
        Ok(match self.direction {
            _ if self.formulation == Formulation::PerLayer => (0..layers.len()).map(|layer| vec![layer]).collect(),
            Direction::Forward => vec![(0..layers.len()).collect()],
            Direction::Bidirectional => vec![(start..layers.len()).collect(), (0..=start).rev().collect()],
        })
    }
}

/// The layer that loses the largest share of its filters; of equals the first.
fn most_cut(layers: &[LayerSurvey], widths: &[usize]) -> usize {
    let kept = |layer: usize| widths[layer] as f64 / layers[layer].ranking.order.len() as f64;
    (0..layers.len()).min_by(|&a, &b| kept(a).total_cmp(&kept(b))).unwrap_or(0)
}

/// What [`Mode::Improved`] is once widths are known: contributions count where even the first layer loses filters.
///
/// Then every layer is narrow, and which filters stay decides more than anywhere else: README beside this file has what
/// contributions are worth there. Where bytes alone are bounded the first layer stays whole, and maps by themselves are as good.
fn mode_at(mode: Mode, per_layer: &Survey, widths: &[usize]) -> Mode {
    let cut = per_layer.layers.iter().zip(widths).next();
    match mode {
        Mode::Improved if cut.is_some_and(|(first, width)| *width < first.ranking.order.len()) => Mode::Contributions,
        Mode::Improved => Mode::Maps,
        known => known,
    }
}

/// Everything that a walk reads.
struct Ground<'a> {
    walk: &'a Walk,
    per_layer: &'a Survey,
    widths: &'a [usize],
    images: &'a Images,
    maps: &'a [Maps],
    options: &'a survey::Options,
}

impl Ground<'_> {
    fn survey(&self, arms: &[Vec<usize>]) -> Result<Survey> {
        // Two arms begin at one layer.
        let starts: BTreeSet<usize> = arms.iter().map(|arm| arm[0]).collect();
        let ranked = starts.iter().chain(arms.iter().flat_map(|arm| &arm[1..]));
        let bar = survey::progress(ranked.map(|&layer| evaluations(self.maps[layer].channels())).sum());
        let advance = |count| bar.inc(count);
        let mut survey = self.per_layer.clone();
        for layer in starts {
            survey.layers[layer].ranking = self.start(layer, &advance)?;
        }
        let rankings = arms.par_iter().map(|arm| self.arm(arm, &survey, &advance)).collect::<Result<Vec<_>>>()?;
        bar.finish_and_clear();
        for (layer, ranking) in rankings.into_iter().flatten() {
            survey.layers[layer].ranking = ranking;
        }
        Ok(survey)
    }

    /// The ranking of a layer that nothing comes before. Where no filter of it goes, the survey has the answer.
    fn start(&self, layer: usize, advance: &(dyn Fn(u64) + Sync)) -> Result<LayerRanking> {
        let (maps, kept) = (&self.maps[layer], self.widths[layer]);
        if kept == maps.channels() {
            advance(evaluations(kept));
            return Ok(self.per_layer.layers[layer].ranking.clone());
        }
        rank(maps, &self.images.labels, &self.options.criterion.keeping(kept), &[], advance)
    }

    /// The rankings of an arm's layers but the first, which `started` has, each given what those before it keep.
    fn arm(
        &self,
        arm: &[usize],
        started: &Survey,
        advance: &(dyn Fn(u64) + Sync),
    ) -> Result<Vec<(usize, LayerRanking)>> {
        let (labels, criterion) = (&self.images.labels, &self.options.criterion);
        let mut given: Vec<Condition> = Vec::new();
        let mut rankings = Vec::new();
        for pair in arm.windows(2) {
            let before = rankings.last().map_or(&started.layers[pair[0]].ranking, |(_, ranking)| ranking);
            let kept = &before.order[..self.widths[pair[0]]];
            if self.walk.formulation == Formulation::Compact {
                given.clear();
            }
            given.push(Condition::new(&self.maps[pair[0]], kept, labels, criterion)?);
            let criterion = criterion.keeping(self.widths[pair[1]]);
            rankings.push((pair[1], rank(&self.maps[pair[1]], labels, &criterion, &given, advance)?));
        }
        Ok(rankings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Shape;
    use crate::inform::Criterion;
    use crate::network::Normalization;

    const IMAGES: usize = 40;

    fn network() -> Network {
        let shape = Shape { height: 8, width: 8, channels: 1 };
        let arch = "5,P,6,F7".parse().expect("an architecture");
        Network::random(arch, shape, 3, Normalization { mean: 100, deviation: 60.0 }, 3).expect("fits")
    }

    fn images() -> Images {
        let pixel = |at: usize| ((at * 37 + at / 64 * 91) % 251) as u8;
        Images {
            shape: Shape { height: 8, width: 8, channels: 1 },
            pixels: (0..IMAGES * 64).map(pixel).collect(),
            labels: (0..IMAGES).map(|image| (image % 3) as u8).collect(),
        }
    }

    const WIDTHS: [usize; 3] = [3, 3, 3];

    /// The rankings per layer and those by a walk, three filters kept in each layer.
    fn surveys(walk: &Walk) -> (Survey, Survey) {
        let (network, images, folder) = (network(), images(), tempfile::tempdir().expect("a folder"));
        let options = survey::Options { criterion: Criterion::default(), images: IMAGES, seed: 1 };
        let survey = survey::survey(&network, &images, &options, folder.path()).expect("ranked");
        let again = |walk: &Walk| walk.survey(&network, &images, &options, survey.clone(), &WIDTHS, folder.path());
        (again(&Walk::default()).expect("ranked"), again(walk).expect("ranked"))
    }

    fn walk(formulation: Formulation, direction: Direction, start: Option<&str>) -> Walk {
        Walk { formulation, direction, start: start.map(str::to_owned) }
    }

    /// What each layer's filters are ranked given, in nats about the label.
    fn told_before(survey: &Survey) -> Vec<f64> {
        survey.layers.iter().map(|layer| layer.ranking.information[0]).collect()
    }

    #[test]
    fn each_layer_is_given_what_the_ones_before_it_keep() {
        let (alone, compact) = surveys(&walk(Formulation::Compact, Direction::Forward, None));
        let (_, full) = surveys(&walk(Formulation::Full, Direction::Forward, None));
        assert!(told_before(&alone).iter().all(|told| told.abs() < 1e-9));
        for walked in [&compact, &full] {
            assert_eq!(walked.layers[0], alone.layers[0]);
            assert!(told_before(walked)[1..].iter().all(|told| *told > 1e-6), "{:?}", told_before(walked));
        }
        // The second layer has one before it, the third two.
        assert_eq!(compact.layers[1], full.layers[1]);
        assert_ne!(compact.layers[2], full.layers[2]);
    }

    #[test]
    fn two_arms_begin_where_they_are_told_or_where_most_is_cut() {
        let (alone, told) = surveys(&walk(Formulation::Full, Direction::Bidirectional, Some("conv2")));
        assert_eq!(told.layers[1], alone.layers[1]);
        assert!(told_before(&told)[0] > 1e-6 && told_before(&told)[2] > 1e-6);
        // Three of seven is the least share.
        let (_, chosen) = surveys(&walk(Formulation::Full, Direction::Bidirectional, None));
        assert_eq!(chosen.layers[2], alone.layers[2]);
        // One arm is left, backward, with all layers before the last in it.
        assert!(told_before(&chosen)[0] > told_before(&chosen)[2]);
    }

    #[test]
    fn sigma_follows_the_filters_that_are_kept() {
        let (network, images, folder) = (network(), images(), tempfile::tempdir().expect("a folder"));
        let criterion = Criterion { mode: Mode::Maps, ..Criterion::default() };
        let options = survey::Options { criterion, images: IMAGES, seed: 1 };
        let survey = survey::survey(&network, &images, &options, folder.path()).expect("ranked");
        let again = Walk::default().survey(&network, &images, &options, survey.clone(), &[3, 6, 3], folder.path());
        for ((layer, before), (kept, filters)) in
            again.expect("ranked").layers.iter().zip(&survey.layers).zip([(3_f64, 5_f64), (6.0, 6.0), (3.0, 7.0)])
        {
            let ratio = layer.ranking.sigma / before.ranking.sigma;
            assert!((ratio - (kept / filters).sqrt()).abs() < 1e-12, "{}: {ratio}", layer.name);
        }
    }

    #[test]
    fn what_filters_add_to_the_logits_counts_where_the_first_layer_is_cut() {
        let (network, images, folder) = (network(), images(), tempfile::tempdir().expect("a folder"));
        let ranked = |mode, widths: &[usize]| {
            let criterion = Criterion { mode, ..Criterion::default() };
            let options = survey::Options { criterion, images: IMAGES, seed: 1 };
            let survey = survey::survey(&network, &images, &options, folder.path()).expect("ranked");
            Walk::default().survey(&network, &images, &options, survey, widths, folder.path()).expect("ranked")
        };
        let at = |widths: &[usize]| [Mode::Improved, Mode::Contributions, Mode::Maps].map(|mode| ranked(mode, widths));
        let differ = |one: &Survey, other: &Survey| {
            for (one, other) in one.layers.iter().zip(&other.layers) {
                assert_ne!(one.ranking.information, other.ranking.information, "{}", one.name);
            }
        };
        let [improved, contributions, maps] = at(&[5, 3, 3]);
        assert_eq!(improved, maps);
        differ(&contributions, &maps);
        let [improved, contributions, maps] = at(&WIDTHS);
        assert_eq!(improved, contributions);
        differ(&contributions, &maps);
    }

    #[test]
    fn a_start_that_is_no_layer_names_those_that_are() {
        let survey = surveys(&Walk::default()).0;
        let error = walk(Formulation::Full, Direction::Bidirectional, Some("conv9")).arms(&survey, &[1, 1, 1]);
        assert!(error.expect_err("no layer").to_string().ends_with("one of conv1, conv2, hidden1"));
    }
}
