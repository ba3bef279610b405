//! The scree test: where a curve stops being steep.

use super::shares;

/// The most candidates that the test names.
const MOST: usize = 3;

/// A gain under this share of the layer's information is the estimate's noise.
///
/// The layer tells one or two nats, so this is about the thousandth of a nat that `inform` calls saturated
/// ([`SATURATION`](crate::inform::SATURATION)): smaller differences are ranked by the choice of images, and far below,
/// at 1e-9 nats, by rounding.
const NOISE: f64 = 1e-3;

/// A ratio of 1 is a straight line; this much over it is rounding.
const STRAIGHT: f64 = 1e-6;

/// Numbers of filters to keep, ascending, by a layer's curve c_t, t = 0..=F (nats, or any unit: only shares count).
///
/// The ratio q_i = (c_(i-1) - c_i) / (c_i - c_(i+1)) compares what the i-th filter of the order gains with what the one
/// after it would. A large q_i says that the i-th is still worth its place and the next is not: *keep i filters*,
/// `order[..i]`, i = 1..F - 1. The three largest are candidates, where over 1; all F where the curve has no bend.
///
/// Two scalings keep noise out. Gains are shares of c_0, so that one floor fits layers that tell much and little. And
/// no gain counts as less than `NOISE`: the published ratio divides two roundings in a curve's flat tail and there
/// reaches any height, while over the floor a tail has ratios of about 1, and a curve that is flat after an elbow, with
/// nothing to divide by, still has its highest ratio at that elbow. A gain under the floor is no candidate.
pub fn candidates(curve: &[f64]) -> Vec<usize> {
    let filters = curve.len().saturating_sub(1);
    let mut ratios: Vec<(usize, f64)> = shares(curve).map_or_else(Vec::new, |shares| ratios(&shares));
    ratios.sort_by(|(a, left), (b, right)| right.total_cmp(left).then(a.cmp(b)));
    let mut candidates: Vec<usize> = ratios.iter().take(MOST).map(|(kept, _)| *kept).collect();
    candidates.sort_unstable();
    if candidates.is_empty() { vec![filters] } else { candidates }
}

/// (i, q_i) of each bend.
fn ratios(shares: &[f64]) -> Vec<(usize, f64)> {
    let gains: Vec<f64> = shares.windows(2).map(|pair| pair[0] - pair[1]).collect();
    let bends = gains.windows(2).enumerate().filter(|(_, pair)| pair[0] > NOISE);
    let ratio = |(at, pair): (usize, &[f64])| (at + 1, pair[0] / pair[1].max(NOISE));
    bends.map(ratio).filter(|(_, ratio)| *ratio > 1.0 + STRAIGHT).collect()
}
