//! The Gaussian kernel and the one width that a whole layer shares.

use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::{Accum, Mat, Par};

use super::labels::Classes;
use super::maps::Maps;
use super::packed::PackedLower;

/// Squared distances under this share of a channel's largest are rounding: the two maps are alike.
const ALIKE: f64 = 1e-12;

/// ||x_i - x_j||^2 between the maps of one channel, samples sorted by class.
#[derive(Clone, Debug)]
pub struct SquaredDistances(PackedLower);

impl SquaredDistances {
    /// ||x_i - x_j||^2 = g_ii + g_jj - 2 g_ij, with g the Gram product of the centred maps.
    ///
    /// Distances do not see the centring, the cancellation does: what the maps share no longer drowns what sets them
    /// apart. Rounding under zero is clamped.
    pub fn new(maps: &Maps, channel: usize, classes: &Classes) -> Self {
        use BlockStructure::{Rectangular, TriangularLower};
        let centred = centred(maps, channel, classes.order());
        let samples = centred.ncols();
        let mut gram = Mat::zeros(samples, samples);
        let (left, right, replace) = (centred.transpose(), centred.as_ref(), Accum::Replace);
        matmul(gram.as_mut(), TriangularLower, replace, left, Rectangular, right, Rectangular, 1.0, Par::Seq);
        Self(PackedLower::from_fn(samples, |row, column| {
            (gram[(row, row)] + gram[(column, column)] - 2.0 * gram[(row, column)]).max(0.0)
        }))
    }

    /// The median distance over the pairs of samples that the channel tells apart (of two middle ones the larger); 0
    /// where it tells none.
    ///
    /// Where no two maps are alike, as in most convolutions, that is the median over all pairs. A hidden unit that is
    /// silent on most samples has no distance between most pairs; with those counted its median would be 0, the layer's
    /// sigma a fraction of what the units' answers span, and the joint entropy full after a few of them.
    pub fn median(&self) -> f64 {
        let largest = self.0.values().iter().fold(0.0, |largest: f64, &square| largest.max(square));
        let apart = |square: &f64| *square > ALIKE * largest;
        let mut pairs: Vec<f64> = self.0.values().iter().copied().filter(apart).collect();
        let middle = pairs.len() / 2;
        if pairs.is_empty() { 0.0 } else { pairs.select_nth_unstable_by(middle, f64::total_cmp).1.sqrt() }
    }

    /// The distances, to read.
    pub(super) fn packed(&self) -> &PackedLower {
        &self.0
    }

    /// The matrix behind.
    pub(super) fn into_packed(self) -> PackedLower {
        self.0
    }
}

/// One channel's maps as columns in the given order, each position's mean over the samples taken off.
fn centred(maps: &Maps, channel: usize, order: &[usize]) -> Mat<f64> {
    let (positions, values) = (maps.positions(), maps.channel(channel));
    let mut means = vec![0.0; positions];
    for map in values.chunks_exact(positions) {
        means.iter_mut().zip(map).for_each(|(mean, &value)| *mean += f64::from(value) / order.len() as f64);
    }
    Mat::from_fn(positions, order.len(), |position, place| {
        f64::from(values[order[place] * positions + position]) - means[position]
    })
}

/// K_ij = exp(-||x_i - x_j||^2 / (2 sigma^2)).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GaussianKernel {
    sigma: f64,
}

impl GaussianKernel {
    /// sigma = width * sqrt(kept) * RMS over the layer's channels of each one's median distance, in the units of the maps:
    /// `width` times what typically lies between two images in `kept` channels together.
    ///
    /// One sigma for the whole layer keeps how strongly each channel responds: a quiet channel gets a kernel near all
    /// ones and adds little. It grows with the root of the channels that are to be told apart jointly, for the exponents
    /// of a product of kernels add up: so it holds as much of 8 kept filters as of 200. Where no channel responds at all
    /// sigma is 1, and every kernel all ones whatever it is.
    pub fn of_layer(channels: &[SquaredDistances], width: f64, kept: usize) -> Self {
        let squares = channels.iter().map(|distances| distances.median().powi(2));
        let typical = (squares.sum::<f64>() / channels.len() as f64).sqrt();
        Self { sigma: if typical > 0.0 { width * (kept as f64).sqrt() * typical } else { 1.0 } }
    }

    /// As published: sigma = 5 n^(-1 / (4 + d)), for n samples of d values each.
    pub fn published(samples: usize, values: usize) -> Self {
        Self { sigma: 5.0 * (samples as f64).powf(-1.0 / (4.0 + values as f64)) }
    }

    /// The kernel for products over `layers` layers: sigma * sqrt(layers), so that the product's exponent is the mean over
    /// the layers and no fuller than one layer's.
    pub fn shared_by(self, layers: usize) -> Self {
        Self { sigma: self.sigma * (layers as f64).sqrt() }
    }

    /// The width, in the units of the maps.
    pub fn sigma(&self) -> f64 {
        self.sigma
    }

    /// The kernel at a squared distance: 1 at 0, falling to 0.
    pub fn at(&self, squared_distance: f64) -> f64 {
        (-squared_distance / (2.0 * self.sigma * self.sigma)).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distances(samples: usize, positions: usize, values: &[f32]) -> SquaredDistances {
        let maps = Maps::new(samples, 1, positions, values.to_vec()).expect("maps");
        SquaredDistances::new(&maps, 0, &Classes::new(&vec![0; samples]).expect("labels"))
    }

    #[test]
    fn distances_survive_a_large_common_part() {
        let packed = distances(3, 2, &[4096.0, 1.0, 4096.25, 1.0, 4096.0, 3.0]).into_packed();
        let expected = [0.0, 0.0625, 4.0, 0.0, 4.0625, 0.0];
        packed.values().iter().zip(expected).for_each(|(got, want)| assert!((got - want).abs() < 1e-12));
    }

    #[test]
    fn the_median_leaves_out_pairs_that_are_alike() {
        assert_eq!(distances(5, 1, &[0.0, 0.0, 0.0, 0.0, 3.0]).median(), 3.0);
        assert_eq!(distances(3, 1, &[1.0, 2.0, 5.0]).median(), 3.0);
        assert_eq!(distances(4, 2, &[0.1; 8]).median(), 0.0);
    }

    #[test]
    fn one_sigma_is_the_rms_of_the_medians() {
        let layer = [distances(2, 1, &[0.0, 3.0]), distances(2, 1, &[0.0, 4.0]), distances(2, 1, &[0.0, 0.0])];
        assert!((GaussianKernel::of_layer(&layer, 2.0, 4).sigma() - 4.0 * (25.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!(GaussianKernel::of_layer(&layer[2..], 4.0, 1).sigma(), 1.0);
    }
}
