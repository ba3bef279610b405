//! Gram matrices: what the entropies read.

use super::kernel::{GaussianKernel, SquaredDistances};
use super::packed::PackedLower;

/// A kernel between all pairs of samples: symmetric, positive semidefinite, ones on the diagonal.
///
/// It comes from a kernel, or as the Hadamard product of two that did (Schur: the product of two such matrices is
/// another), so entropies have nothing to check. A = K / n has trace 1.
#[derive(Clone, Debug)]
pub struct GramMatrix(PackedLower);

impl GramMatrix {
    /// The kernel of each pair's distance.
    pub fn new(distances: SquaredDistances, kernel: GaussianKernel) -> Self {
        Self::of_packed(distances.into_packed(), kernel)
    }

    /// The kernel of distances given as a matrix.
    pub(super) fn of_packed(squared_distances: PackedLower, kernel: GaussianKernel) -> Self {
        Self(squared_distances.map(|squared_distance| kernel.at(squared_distance)))
    }

    /// exp(-E), E symmetric with zeros on its diagonal: a product of Gaussian kernels.
    pub(super) fn of_exponent(exponent: PackedLower) -> Self {
        Self(exponent.map(|exponent| (-exponent).exp()))
    }

    /// The kernel that sees no difference between samples: that of no variable at all.
    pub fn ones(samples: usize) -> Self {
        Self(PackedLower::filled(samples, 1.0))
    }

    /// The joint kernel of both: their Hadamard product.
    pub fn join(&mut self, other: &GramMatrix) {
        self.0.multiply(&other.0);
    }

    /// The kernel of the same answers given to other samples: place i now holds what stood at `places[i]`.
    pub(super) fn permuted(&self, places: &[usize]) -> Self {
        let n = self.samples();
        let at = |row: usize, column: usize| self.0.column(column, n)[row - column];
        Self(PackedLower::from_fn(n, |row, column| {
            let (a, b) = (places[row], places[column]);
            at(a.max(b), a.min(b))
        }))
    }

    /// The number of samples n.
    pub fn samples(&self) -> usize {
        self.0.order()
    }

    /// The kernel's values.
    pub(super) fn packed(&self) -> &PackedLower {
        &self.0
    }
}
