//! Centered kernel alignment: how far two sets of maps tell the same images apart in the same way.

use anyhow::{Result, ensure};
use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::{Accum, Mat, Par};

use super::maps::Maps;
use super::packed::PackedLower;

/// A kernel whose U-centered norm is under this share of its trace holds rounding only: the maps tell no images apart.
const SILENT: f64 = 1e-13;

/// The linear kernel K = X X^T of one or more channels' maps X, U-centered and scaled to unit norm.
///
/// U-centering takes off what a row, a column and the whole share, each without the diagonal: k_ij - r_i / (n - 2) -
/// r_j / (n - 2) + s / ((n - 1)(n - 2)) with r_i the row's sum and s the whole's, and 0 on the diagonal (Szekely and
/// Rizzo 2014). The product of two such matrices, summed and divided by n (n - 3), is the unbiased estimate
/// of HSIC (Song et al. 2012), so with both at unit norm their inner product is the CKA.
#[derive(Clone, Debug)]
pub struct UnitKernel(PackedLower);

impl UnitKernel {
    /// Of one channel of a layer.
    ///
    /// # Errors
    /// Fewer than four samples, for which HSIC has no unbiased estimate.
    pub fn of_channel(maps: &Maps, channel: usize) -> Result<Self> {
        Self::of_channels(maps, [channel])
    }

    /// Of a whole layer: every position of every channel is one column of X. Errors as `of_channel`.
    pub fn of_layer(maps: &Maps) -> Result<Self> {
        Self::of_channels(maps, 0..maps.channels())
    }

    fn of_channels(maps: &Maps, channels: impl IntoIterator<Item = usize>) -> Result<Self> {
        let n = maps.samples();
        ensure!(n >= 4, "{n} samples: layers are compared on at least four images");
        let mut kernel = Mat::zeros(n, n);
        channels.into_iter().for_each(|channel| add_linear(&mut kernel, maps, channel));
        let trace: f64 = (0..n).map(|i| kernel[(i, i)]).sum();
        let centered = u_centered(&kernel);
        let norm = (2.0 * centered.dot(&centered)).sqrt();
        let scale = if norm > SILENT * trace { 1.0 / norm } else { 0.0 };
        Ok(Self(centered.map(|value| scale * value)))
    }

    /// CKA(X, Y) = HSIC(X, Y) / sqrt(HSIC(X, X) HSIC(Y, Y)), by unbiased estimates, in -1..=1; 0 with a silent one.
    ///
    /// Near 0 for independent maps, unlike the biased one (Nguyen et al., arXiv 2010.15327); 1 for maps
    /// that differ by a rotation and a scale (Kornblith et al., arXiv 1905.00414). Both are of the same samples.
    pub fn cka(&self, other: &UnitKernel) -> f64 {
        2.0 * self.0.dot(&other.0)
    }

    /// Whether the maps tell no two groups of images apart: a channel that never responds, or to one image only.
    pub fn is_silent(&self) -> bool {
        self.0.values().iter().all(|&value| value == 0.0)
    }
}

/// Adds X X^T of one channel to the lower triangle, samples in their own order.
fn add_linear(kernel: &mut Mat<f64>, maps: &Maps, channel: usize) {
    use BlockStructure::{Rectangular, TriangularLower};
    let (positions, values) = (maps.positions(), maps.channel(channel));
    let columns =
        Mat::from_fn(positions, maps.samples(), |position, sample| f64::from(values[sample * positions + position]));
    let (left, right) = (columns.transpose(), columns.as_ref());
    let add = Accum::Add;
    matmul(kernel.as_mut(), TriangularLower, add, left, Rectangular, right, Rectangular, 1.0, Par::Seq);
}

/// See [`UnitKernel`]; reads the lower triangle.
fn u_centered(kernel: &Mat<f64>) -> PackedLower {
    let n = kernel.nrows();
    let mut sums = vec![0.0; n];
    for column in 0..n {
        for row in column + 1..n {
            sums[row] += kernel[(row, column)];
            sums[column] += kernel[(row, column)];
        }
    }
    let (n_less_1, n_less_2) = (n as f64 - 1.0, n as f64 - 2.0);
    let whole = sums.iter().sum::<f64>() / (n_less_1 * n_less_2);
    PackedLower::from_fn(n, |row, column| match row == column {
        true => 0.0,
        false => kernel[(row, column)] - (sums[row] + sums[column]) / n_less_2 + whole,
    })
}
