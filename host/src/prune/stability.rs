//! How far surveys of the same filters agree: whether other images would have kept the same ones.

use anyhow::{Result, ensure};
use serde::Serialize;

use super::survey::Survey;

/// How far the orders of every layer agree over some pairs of surveys.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// The number of pairs.
    pub pairs: usize,
    /// One per prunable layer, in the network's order.
    pub layers: Vec<LayerAgreement>,
}

/// How far a layer's orders agree.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerAgreement {
    /// As in `Network::layer_names`.
    pub name: String,
    /// The number of filters F.
    pub filters: usize,
    /// Spearman's ρ, the mean over pairs; see [`rank_correlation`].
    pub mean_correlation: f64,
    /// The ρ of the pair that agrees least.
    pub lowest_correlation: f64,
    /// The standard deviation of ρ, around 0, between a pair of random orders: 1 / sqrt(F - 1).
    pub chance_deviation: f64,
    /// Of the first half of the filters.
    pub half: Overlap,
    /// Of the first quarter of the filters.
    pub quarter: Overlap,
}

/// Which share of their first filters orders have in common.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Overlap {
    /// How many first filters are looked at: a part of all, rounded down, and at least one.
    pub filters: usize,
    /// The share in common, the mean over pairs.
    pub mean: f64,
    /// The share that random orders have in common on average: that of the first filters in all.
    pub chance: f64,
}

impl Agreement {
    /// Over each survey with each other one; all of the same network, two or more.
    pub fn among(surveys: &[Survey]) -> Self {
        let with_later = |(at, one)| surveys[at + 1..].iter().map(move |other| (one, other));
        Self::of(&surveys.iter().enumerate().flat_map(with_later).collect::<Vec<_>>())
    }

    /// Over one survey with each of others, at least one; all of the same network.
    pub fn between(one: &Survey, others: &[Survey]) -> Self {
        Self::of(&others.iter().map(|other| (one, other)).collect::<Vec<_>>())
    }

    fn of(pairs: &[(&Survey, &Survey)]) -> Self {
        let layers = pairs.first().map_or(0, |(one, _)| one.layers.len());
        Self { pairs: pairs.len(), layers: (0..layers).map(|layer| LayerAgreement::of(pairs, layer)).collect() }
    }
}

impl LayerAgreement {
    fn of(pairs: &[(&Survey, &Survey)], layer: usize) -> Self {
        let order = |survey: &'_ Survey| survey.layers[layer].ranking.order.clone();
        let orders: Vec<_> = pairs.iter().map(|(one, other)| (order(one), order(other))).collect();
        let correlations = || orders.iter().map(|(one, other)| rank_correlation(one, other));
        let filters = orders[0].0.len();
        Self {
            name: pairs[0].0.layers[layer].name.clone(),
            filters,
            mean_correlation: correlations().sum::<f64>() / pairs.len() as f64,
            lowest_correlation: correlations().fold(1.0, f64::min),
            chance_deviation: 1.0 / ((filters.max(2) - 1) as f64).sqrt(),
            half: Overlap::of(&orders, filters / 2),
            quarter: Overlap::of(&orders, filters / 4),
        }
    }
}

impl Overlap {
    fn of(orders: &[(Vec<usize>, Vec<usize>)], filters: usize) -> Self {
        let (all, filters) = (orders[0].0.len(), filters.max(1));
        let common = |(one, other): &(Vec<usize>, Vec<usize>)| overlap(one, other, filters);
        let mean = orders.iter().map(common).sum::<f64>() / orders.len() as f64;
        Self { filters, mean, chance: filters as f64 / all as f64 }
    }
}

/// ρ = 1 - 6 Σ d² / (F (F² - 1)), d the distance of a filter's places in two orders of the same F filters: 1 for the same
/// order, -1 for the reverse, 0 on average by chance. Spearman 1904, without ties. One filter alone always agrees: 1.
fn rank_correlation(one: &[usize], other: &[usize]) -> f64 {
    let filters = one.len();
    let mut place = vec![0; filters];
    other.iter().enumerate().for_each(|(at, &filter)| place[filter] = at);
    let squares: usize = one.iter().enumerate().map(|(at, &filter)| at.abs_diff(place[filter]).pow(2)).sum();
    if filters < 2 { 1.0 } else { 1.0 - 6.0 * squares as f64 / (filters * (filters * filters - 1)) as f64 }
}

/// The share that the first `count` filters of two orders have in common.
fn overlap(one: &[usize], other: &[usize], count: usize) -> f64 {
    let common = one[..count].iter().filter(|filter| other[..count].contains(filter)).count();
    common as f64 / count as f64
}

/// That `other`, read from a file, orders the filters that `own` orders.
///
/// # Errors
/// The first layer that is another one: another name, other filters; another number of layers.
pub fn check_comparable(own: &Survey, other: &Survey) -> Result<()> {
    const REMEDY: &str = "survey the --network of this survey with --json";
    let names = |survey: &Survey| survey.layers.iter().map(|layer| layer.name.clone()).collect::<Vec<_>>();
    ensure!(
        names(own) == names(other),
        "a survey of another network, of the layers {}, this one of {}: {REMEDY}",
        names(other).join(", "),
        names(own).join(", ")
    );
    for (own, other) in own.layers.iter().zip(&other.layers) {
        let (name, own, other) = (&own.name, &own.ranking.order, &other.ranking.order);
        ensure!(
            own.len() == other.len(),
            "a survey of another network, with {} filters in {name}, this one with {}: {REMEDY}",
            other.len(),
            own.len()
        );
        let mut sorted = other.clone();
        sorted.sort_unstable();
        let complete = sorted.iter().copied().eq(0..sorted.len());
        ensure!(complete, "its order of {name} does not name each filter once, the file is damaged: {REMEDY}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inform::{LayerRanking, Proof};
    use crate::prune::survey::LayerSurvey;

    fn survey(layers: &[(&str, &[usize])]) -> Survey {
        let layer = |&(name, order): &(&str, &[usize])| LayerSurvey {
            name: name.to_owned(),
            ranking: LayerRanking {
                sigma: 1.0,
                order: order.to_vec(),
                information: vec![0.0; order.len() + 1],
                joint_entropy: vec![0.0; order.len() + 1],
                saturated_after: None,
                proof: Proof::default(),
            },
        };
        Survey { layers: layers.iter().map(layer).collect() }
    }

    #[test]
    fn correlation_is_of_places_not_of_names() {
        let cases: [(&[usize], &[usize], f64); 5] = [
            (&[2, 0, 3, 1], &[2, 0, 3, 1], 1.0),
            // The reverse; the distances are 2, 0 and 2.
            (&[2, 0, 1], &[1, 0, 2], -1.0),
            // Four distances of 1: 1 - 6 * 4 / 60.
            (&[0, 1, 2, 3], &[1, 0, 3, 2], 0.6),
            // Four distances of 2: 1 - 6 * 16 / 60.
            (&[1, 0, 3, 2], &[3, 2, 1, 0], -0.6),
            (&[0], &[0], 1.0),
        ];
        for (one, other, expected) in cases {
            assert!((rank_correlation(one, other) - expected).abs() < 1e-12, "{one:?}, {other:?}");
            assert_eq!(rank_correlation(one, other), rank_correlation(other, one));
        }
    }

    #[test]
    fn overlap_counts_the_first_filters_in_any_order() {
        let (one, other) = ([5, 1, 0, 4, 2, 3], [1, 5, 3, 0, 2, 4]);
        for (count, expected) in [(1, 0.0), (2, 1.0), (3, 2.0 / 3.0), (4, 3.0 / 4.0), (6, 1.0)] {
            assert_eq!(overlap(&one, &other, count), expected, "{count}");
        }
    }

    #[test]
    fn three_surveys_have_three_pairs() {
        let orders: [&[usize]; 3] = [&[0, 1, 2, 3], &[1, 0, 3, 2], &[3, 2, 1, 0]];
        let surveys = orders.map(|order| survey(&[("conv1", &[0]), ("conv2", order)]));
        let agreement = Agreement::among(&surveys);
        let layer = &agreement.layers[1];
        assert_eq!((agreement.pairs, agreement.layers.len(), layer.filters), (3, 2, 4));
        // Correlations 0.6, -1 and -0.6.
        assert!((layer.mean_correlation + 1.0 / 3.0).abs() < 1e-12 && layer.lowest_correlation == -1.0);
        assert_eq!(layer.half, Overlap { filters: 2, mean: 1.0 / 3.0, chance: 0.5 });
        assert_eq!(layer.quarter, Overlap { filters: 1, mean: 0.0, chance: 0.25 });
        assert_eq!(agreement.layers[0].half, Overlap { filters: 1, mean: 1.0, chance: 1.0 });
        assert_eq!(Agreement::between(&surveys[0], &surveys[1..]).layers[1].mean_correlation, -0.2);
    }

    #[test]
    fn another_network_and_a_damaged_order_are_refused() {
        let own = survey(&[("conv1", &[0, 1]), ("hidden1", &[2, 0, 1])]);
        let refusal =
            |layers: &[(&str, &[usize])]| check_comparable(&own, &survey(layers)).expect_err("refused").to_string();
        assert!(refusal(&[("conv1", &[1, 0])]).contains("of the layers conv1, this one of conv1, hidden1: survey"));
        assert!(refusal(&[("conv1", &[1, 0]), ("conv2", &[0, 1, 2])]).contains("conv1, conv2"));
        assert!(
            refusal(&[("conv1", &[1, 0]), ("hidden1", &[0, 1])]).contains("with 2 filters in hidden1, this one with 3")
        );
        assert!(refusal(&[("conv1", &[0, 2]), ("hidden1", &[0, 1, 2])]).contains("order of conv1 does not name each"));
        assert!(check_comparable(&own, &survey(&[("conv1", &[1, 0]), ("hidden1", &[0, 1, 2])])).is_ok());
    }
}
