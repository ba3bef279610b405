//! The inner loops in plain Rust: what runs on the desk, and what the fast ones are held equal to.

use super::outputs::Outputs;
use super::runs::Runs;
use secateur_shared::packing::Pair;
use secateur_shared::quant::{Activation, Multiplier, ZeroPoint};

#[cfg(feature = "add")]
mod add;
#[cfg(feature = "depthwise-conv2d")]
mod depthwise_conv2d;
#[cfg(feature = "add")]
pub use add::add;
#[cfg(feature = "depthwise-conv2d")]
pub use depthwise_conv2d::{Filters, unzip};

/// Output pixels that a patch has windows of.
pub const PIXELS: usize = 1;

/// The inputs under the windows of [`PIXELS`] output pixels, position after position, and what is computed of them.
pub struct Patch<'s> {
    values: &'s mut [i8],
    outputs: &'s Outputs<'s>,
    /// How the windows lie in the input.
    pub(super) runs: Runs,
}

impl<'s> Patch<'s> {
    /// A patch for these outputs, and what is left of the scratch; `None` where it is too short.
    pub fn new(scratch: &'s mut [i8], outputs: &'s Outputs<'s>, runs: Runs) -> Option<(Self, &'s mut [i8])> {
        let (values, rest) = scratch.split_at_mut_checked(outputs.parameters.per_output)?;
        Some((Self { values, outputs, runs }, rest))
    }

    /// Takes so many rows' runs in at a position.
    #[inline(always)]
    pub fn gather(&mut self, at: usize, input: &[i8], rows: usize) {
        let runs = self.runs;
        for row in 0..rows {
            let values = self.values.get_mut(at + row * runs.length..).and_then(|from| from.get_mut(..runs.length));
            let run = input.get(row * runs.pitch..).and_then(|from| from.get(..runs.length));
            if let (Some(values), Some(run)) = (values, run) {
                values.copy_from_slice(run);
            }
        }
    }

    /// Every output of the pixels.
    #[inline(always)]
    pub fn product(&self, pixels: &mut [i8]) {
        linear(self.values, self.outputs, pixels);
    }
}

/// Every output of one input.
#[inline(always)]
pub fn linear(input: &[i8], outputs: &Outputs, values: &mut [i8]) {
    let mut output = 0;
    while let Some(pair) = outputs.parameters.pair(output / 2) {
        let [first, second] = linear_pair(input, &pair);
        outputs.store(output, &[first], values);
        outputs.store(output + 1, &[second], values);
        output += 2;
    }
    if let Some(weights) = outputs.parameters.single() {
        outputs.store(output, &[linear_single(input, weights)], values);
    }
}

/// sum x w of a pair of outputs.
#[inline(always)]
fn linear_pair(input: &[i8], weights: &Pair) -> [i32; 2] {
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
fn linear_single(input: &[i8], weights: &[i8]) -> i32 {
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

/// The maximum over a window of 2 x 2 pixels, whose first row starts `corner` and whose second one comes `row_values` later.
pub fn max_of_four(pixel: &mut [i8], corner: &[i8], row_values: usize) {
    let channels = pixel.len();
    pixel.fill(i8::MIN);
    for from in [0, channels, row_values, row_values + channels] {
        max(pixel, corner.get(from..).unwrap_or_default());
    }
}

/// See [`Multiplier::requantize`].
#[inline(always)]
pub fn requantize(multiplier: Multiplier, sum: i32, zero_point: ZeroPoint, activation: Activation) -> i8 {
    multiplier.requantize(sum, zero_point, activation)
}
