//! Eigenvalues of a symmetric tridiagonal matrix.

/// LAPACK's limit; two sweeps an eigenvalue are usual, so that rounding alone never keeps this going.
const SWEEPS: usize = 30;

/// QL with the square roots taken out: Pal, Walker and Kahan's variant (Parlett, The Symmetric Eigenvalue Problem,
/// 8.15; LAPACK's `dsterf`).
///
/// `diagonal` becomes the eigenvalues, in no order; `beside` (one shorter) is used up. An element beside the diagonal
/// counts as zero once under 2^-53 of the largest: no eigenvalue then moves by more than the tridiagonalisation itself
/// has moved it.
pub(super) fn eigenvalues(diagonal: &mut [f64], beside: &mut [f64]) {
    let largest = diagonal.iter().chain(beside.iter()).fold(0.0, |largest: f64, value| largest.max(value.abs()));
    let negligible = (largest * f64::EPSILON / 2.0).powi(2);
    beside.iter_mut().for_each(|value| *value *= *value);
    if diagonal.first().map(|x| x.abs()) > diagonal.last().map(|x| x.abs()) {
        diagonal.reverse();
        beside.reverse();
    }
    for first in 0..diagonal.len() {
        for _ in 0..SWEEPS {
            let block = beside[first..].iter().take_while(|&&square| square > negligible).count();
            if block == 0 {
                break;
            }
            sweep(&mut diagonal[first..=first + block], &mut beside[first..first + block]);
        }
    }
}

/// One QL sweep over an unreduced block, shifted by the eigenvalue of its leading 2x2 nearest to the first element.
fn sweep(diagonal: &mut [f64], squares: &mut [f64]) {
    let last = squares.len();
    let root = squares[0].sqrt();
    let half_gap = (diagonal[1] - diagonal[0]) / (2.0 * root);
    let shift = diagonal[0] - root / (half_gap + half_gap.hypot(1.0).copysign(half_gap));
    let (mut cosine, mut sine) = (1.0, 0.0);
    let mut gamma = diagonal[last] - shift;
    let mut p = gamma * gamma;
    for i in (0..last).rev() {
        let square = squares[i];
        let r = p + square;
        if i + 1 < last {
            squares[i + 1] = sine * r;
        }
        let (old_cosine, old_gamma) = (cosine, gamma);
        cosine = p / r;
        sine = square / r;
        gamma = cosine * (diagonal[i] - shift) - sine * old_gamma;
        diagonal[i + 1] = old_gamma + (diagonal[i] - gamma);
        p = if cosine == 0.0 { old_cosine * square } else { gamma * gamma / cosine };
    }
    squares[0] = sine * p;
    diagonal[0] = shift + gamma;
}
