//! The inner loops in plain Rust: what runs on the desk, and what the fast ones are held equal to.

use super::target::Target;
use secateur_shared::packing::Pair;
use secateur_shared::quant::{Activation, Multiplier, ZeroPoint};

/// Output pixels that a patch has windows of.
pub const PIXELS: usize = 1;

/// The inputs under the windows of [`PIXELS`] output pixels, position after position.
pub struct Patch<'s> {
    values: &'s mut [i8],
}

impl<'s> Patch<'s> {
    /// A patch of so many positions, and what is left of the scratch; `None` where it is too short.
    pub fn new(scratch: &'s mut [i8], positions: usize) -> Option<(Self, &'s mut [i8])> {
        let (values, rest) = scratch.split_at_mut_checked(positions)?;
        Some((Self { values }, rest))
    }

    /// Takes runs of equal length, one a pixel, in at a position.
    #[inline(always)]
    pub fn gather(&mut self, at: usize, [run]: [&[i8]; PIXELS]) {
        if let Some(values) = self.values.get_mut(at..at + run.len()) {
            values.copy_from_slice(run);
        }
    }

    /// A pair of outputs, at each pixel.
    #[inline(always)]
    pub fn pair(&self, weights: &Pair, [first, second]: [(i32, Multiplier); 2], target: &mut Target) {
        let [a, b] = linear_pair(self.values, weights);
        target.store(0, first, [a]);
        target.store(1, second, [b]);
    }

    /// sum x w of one output, at each pixel.
    #[inline(always)]
    pub fn single(&self, weights: &[i8]) -> [i32; PIXELS] {
        [linear_single(self.values, weights)]
    }
}

/// sum x w of a pair of outputs.
#[inline(always)]
pub fn linear_pair(input: &[i8], weights: &Pair) -> [i32; 2] {
    let (words, last) = (weights.words.as_chunks::<2>().0, weights.last.as_chunks::<2>().0);
    let (even, odd) = input.split_at_checked(words.len()).unwrap_or_default();
    let mut sums = [0_i32; 2];
    for (values, weights) in [(even, words), (odd, last)] {
        for (x, [a, b]) in values.iter().zip(weights) {
            let x = i32::from(*x);
            sums = [sums[0].wrapping_add(x * i32::from(*a)), sums[1].wrapping_add(x * i32::from(*b))];
        }
    }
    sums
}

/// sum x w of one output.
#[inline(always)]
pub fn linear_single(input: &[i8], weights: &[i8]) -> i32 {
    let products = input.iter().zip(weights).map(|(x, w)| i32::from(*x) * i32::from(*w));
    products.fold(0, i32::wrapping_add)
}

/// The larger of each two values, in place.
#[inline(always)]
pub fn max(values: &mut [i8], others: &[i8]) {
    for (best, value) in values.iter_mut().zip(others) {
        *best = (*best).max(*value);
    }
}

/// See [`Multiplier::requantize`].
#[inline(always)]
pub fn requantize(multiplier: Multiplier, sum: i32, zero_point: ZeroPoint, activation: Activation) -> i8 {
    multiplier.requantize(sum, zero_point, activation)
}
