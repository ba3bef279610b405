//! An upper bound on many joint entropies for the price of one decomposition.

use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::{Accum, Mat, Par, Side};

use super::gram::GramMatrix;
use super::packed::PackedLower;
use super::renyi::RenyiEntropy;

/// The tangent plane of B -> tr(B^alpha) at a reference A, for kernels to be joined to a base.
///
/// With alpha > 1, phi(x) = |x|^alpha is convex, so by Klein's inequality (Carlen, Trace Inequalities and Quantum
/// Entropy, 2010) tr phi(B) >= tr phi(A) + tr((B - A) phi'(A)) = (1 - alpha) tr phi(A) + tr(B phi'(A)) for every
/// symmetric B. ln(.) / (1 - alpha) falls, so the right side bounds S_alpha(B) from above, tightly to second order in
/// B - A. Only its last term knows B: an inner product, a hundred times cheaper than a spectrum.
pub(super) struct TangentPlane {
    entropy: RenyiEntropy,
    constant: f64,
    slope: PackedLower,
}

impl TangentPlane {
    /// The tangent at A = (base o mean) / n; none where the decomposition fails.
    ///
    /// Any reference gives a true bound. `mean` stands for the kernels to come: the nearer to them, the tighter.
    pub(super) fn new(entropy: RenyiEntropy, base: &GramMatrix, mean: &PackedLower) -> Option<Self> {
        let (base, n) = (base.packed(), mean.order());
        let mut reference = Mat::zeros(n, n);
        for column in 0..n {
            let values = base.column(column, n).iter().zip(mean.column(column, n));
            (column..n).zip(values).for_each(|(row, (base, mean))| reference[(row, column)] = base * mean / n as f64);
        }
        let eigen = reference.self_adjoint_eigen(Side::Lower).ok()?;
        let (vectors, values, alpha) = (eigen.U(), eigen.S().column_vector(), entropy.alpha());
        let slope_at = |x: f64| alpha * x.abs().powf(alpha - 1.0).copysign(x);
        let scaled = Mat::from_fn(n, n, |row, column| vectors[(row, column)] * slope_at(values[column]));
        multiply_lower(&mut reference, &scaled, vectors.transpose());
        let mut slope = PackedLower::from_fn(n, |row, column| {
            let both_halves = if row == column { 1.0 } else { 2.0 };
            both_halves * reference[(row, column)] / n as f64
        });
        slope.multiply(base);
        let trace: f64 = values.iter().map(|x| x.abs().powf(alpha)).sum();
        Some(Self { entropy, constant: (1.0 - alpha) * trace, slope })
    }

    /// No less than S_alpha(base o kernel / n), in nats.
    pub(super) fn entropy_at_most(&self, kernel: &GramMatrix) -> f64 {
        let trace = self.constant + self.slope.dot(kernel.packed());
        if trace > 0.0 { self.entropy.of_trace(trace) } else { f64::INFINITY }
    }
}

/// The lower triangle of `left` times `right`, over what `product` held.
fn multiply_lower(product: &mut Mat<f64>, left: &Mat<f64>, right: faer::MatRef<'_, f64>) {
    use BlockStructure::{Rectangular, TriangularLower};
    let (left, replace) = (left.as_ref(), Accum::Replace);
    matmul(product.as_mut(), TriangularLower, replace, left, Rectangular, right, Rectangular, 1.0, Par::Seq);
}
