//! X-means: k-means that finds its own k, on a curve's points. Pelleg and Moore 2000.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::k_means::{Cluster, Point, mean, settle, squared_distance, start};
use super::shares;

/// The most clusters.
const MOST: usize = 20;

/// Where start centers are drawn from: the same curve always has the same candidates.
const SEED: u64 = 1;

/// The dimensions M of a point.
const DIMENSIONS: f64 = 2.0;

/// Numbers of filters to keep, ascending, by a layer's curve c_t, t = 0..=F (nats, or any unit: only shares count).
///
/// The points are (t / F, c_t / c_0), both in 0..1: with t itself, as published, the distance between two points is
/// that of their indices, and the curve hardly matters. Each cluster but the one of t = 0 gives a candidate, its first
/// t: *keep t filters*, `order[..t]`. All F where the curve has no bend or no second cluster.
pub fn candidates(curve: &[f64]) -> Vec<usize> {
    let filters = curve.len().saturating_sub(1);
    let Some(shares) = shares(curve) else { return vec![filters] };
    let points: Vec<Point> = shares.iter().enumerate().map(|(t, share)| [t as f64 / filters as f64, *share]).collect();
    let firsts = clusters(&points).into_iter().filter_map(|cluster| cluster.into_iter().min());
    let mut candidates: Vec<usize> = firsts.filter(|first| *first > 0).collect();
    candidates.sort_unstable();
    if candidates.is_empty() { vec![filters] } else { candidates }
}

/// From two clusters on, all are settled and each is tried as two, until no split is worth its parameters.
fn clusters(points: &[Point]) -> Vec<Cluster> {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let mut clusters = settle(points, start(points, &mut random));
    loop {
        let mut splits: Vec<Split> = Vec::new();
        for (index, cluster) in clusters.iter().enumerate() {
            splits.extend(Split::of(points, index, cluster, &mut random));
        }
        splits.sort_by(|a, b| b.gain.total_cmp(&a.gain));
        splits.truncate(MOST.saturating_sub(clusters.len()));
        if splits.is_empty() {
            return clusters;
        }
        let mut centers: Vec<Point> = clusters.iter().map(|cluster| mean(points, cluster)).collect();
        for split in splits {
            centers[split.cluster] = split.centers[0];
            centers.push(split.centers[1]);
        }
        clusters = settle(points, centers);
    }
}

/// A cluster that is better as two.
struct Split {
    cluster: usize,
    centers: [Point; 2],
    /// How much the BIC rises.
    gain: f64,
}

impl Split {
    /// None where the BIC does not rise; two points leave nothing to estimate two clusters' variance by.
    fn of(points: &[Point], index: usize, cluster: &Cluster, random: &mut ChaCha8Rng) -> Option<Self> {
        let own: Vec<Point> = cluster.iter().map(|&point| points[point]).collect();
        let halves = if own.len() > 2 { settle(&own, start(&own, random)) } else { Vec::new() };
        let [first, second] = halves.as_slice() else { return None };
        let gain = bic(&own, &halves) - bic(&own, &[(0..own.len()).collect()]);
        let centers = [mean(&own, first), mean(&own, second)];
        (gain > 0.0).then_some(Self { cluster: index, centers, gain })
    }
}

/// The Bayesian information criterion of K spherical Gaussians of one variance on N points of M dimensions.
///
/// L - (p / 2) ln N with p = (K - 1) + M K + 1, L = sum of n_j ln n_j - n_j ln N - (n_j / 2) ln 2 pi -
/// (n_j M / 2) ln s2 - (n_j - K) / 2, and s2 = sum of ||x - c||^2 / (N - K). Pelleg and Moore 2000.
fn bic(points: &[Point], clusters: &[Cluster]) -> f64 {
    let (n, k) = (points.len() as f64, clusters.len() as f64);
    let scatter = |cluster: &Cluster| -> f64 {
        let center = mean(points, cluster);
        cluster.iter().map(|&point| squared_distance(points[point], center)).sum()
    };
    // Points that all lie on their centers have no variance to take the logarithm of.
    let variance = (clusters.iter().map(scatter).sum::<f64>() / (n - k)).max(f64::MIN_POSITIVE);
    let likelihood = |cluster: &Cluster| {
        let own = cluster.len() as f64;
        let gaussian = own / 2.0 * std::f64::consts::TAU.ln() + own * DIMENSIONS / 2.0 * variance.ln();
        own * own.ln() - own * n.ln() - gaussian - (own - k) / 2.0
    };
    let parameters = (k - 1.0) + DIMENSIONS * k + 1.0;
    clusters.iter().map(likelihood).sum::<f64>() - parameters / 2.0 * n.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_criterion_is_that_by_hand() {
        let points = [[0.0, 0.0], [0.0, 2.0], [4.0, 0.0], [4.0, 2.0]];
        let one = bic(&points, &[vec![0, 1, 2, 3]]);
        let two = bic(&points, &[vec![0, 1], vec![2, 3]]);
        let (ln_4, ln_tau) = (4.0_f64.ln(), std::f64::consts::TAU.ln());
        let expected = -2.0 * ln_tau - 4.0 * (20.0_f64 / 3.0).ln() - 1.5 - 1.5 * ln_4;
        assert!((one - expected).abs() < 1e-12);
        let expected = 4.0 * 2.0_f64.ln() - 4.0 * ln_4 - 2.0 * ln_tau - 4.0 * 2.0_f64.ln() - 3.0 * ln_4;
        assert!((two - expected).abs() < 1e-12);
    }

    #[test]
    fn groups_far_apart_are_found() {
        let around =
            |x: f64, y: f64| (0..6).map(move |at| [x + 0.01 * f64::from(at % 3), y + 0.01 * f64::from(at / 3)]);
        let points: Vec<Point> = around(0.0, 1.0).chain(around(0.5, 0.4)).chain(around(1.0, 0.0)).collect();
        let mut found = clusters(&points);
        found.sort();
        let groups: Vec<Cluster> = (0..3).map(|group| (6 * group..6 * group + 6).collect()).collect();
        assert_eq!(found, groups);
    }
}
