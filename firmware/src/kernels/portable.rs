//! The inner loops in plain Rust: what runs on the desk, and what the fast ones are held equal to.

use super::outputs::{self, Fate, Outputs};
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

/// Output pixels that a patch has windows of: as many as are pooled in a row.
pub const PIXELS: usize = 2;

/// The inputs under the windows of [`PIXELS`] output pixels, one pixel's after the other, and what is computed of them.
pub struct Patch<'s> {
    values: &'s mut [i8],
    outputs: &'s Outputs<'s>,
    /// How the windows lie in the input.
    pub(super) runs: Runs,
    kept: &'s mut [i32],
}

impl<'s> Patch<'s> {
    /// A patch for these outputs, and what is left of the scratch; `None` where it is too short or not aligned to 4.
    pub fn new(
        scratch: &'s mut [i8],
        outputs: &'s Outputs<'s>,
        runs: Runs,
        is_pooled: bool,
    ) -> Option<(Self, &'s mut [i8])> {
        let (kept, rest) = outputs::kept(scratch, outputs, if is_pooled { PIXELS / 2 } else { 0 })?;
        let (values, rest) = rest.split_at_mut_checked(PIXELS * outputs.parameters.per_output)?;
        Some((Self { values, outputs, runs, kept }, rest))
    }

    /// Takes the runs, one a pixel, of so many of the kernel's rows in, from one of them on.
    #[inline(always)]
    pub fn gather(&mut self, first: usize, input: &[i8], rows: usize) {
        let Runs { length, step, pitch } = self.runs;
        for (pixel, values) in self.values.chunks_mut(self.outputs.parameters.per_output.max(1)).enumerate() {
            for row in 0..rows {
                let values = values.get_mut((first + row) * length..).and_then(|from| from.get_mut(..length));
                let run = input.get(pixel * step + row * pitch..).and_then(|from| from.get(..length));
                if let (Some(values), Some(run)) = (values, run) {
                    values.copy_from_slice(run);
                }
            }
        }
    }

    /// Does with every output's sums what is to become of them.
    #[inline(always)]
    pub fn product(&mut self, fate: Fate, pixels: &mut [i8]) {
        let Self { values, outputs, kept, .. } = self;
        let (first, second) = values.split_at(values.len() / PIXELS);
        sums([first, second], outputs, |output, sums| outputs.finish(output, &sums, fate, kept, pixels));
    }
}

/// Every output of one input.
#[inline(always)]
pub fn linear(input: &[i8], outputs: &Outputs, values: &mut [i8]) {
    sums([input], outputs, |output, sums| outputs.finish(output, &sums, Fate::Stored, &mut [], values));
}

/// Every output's sums, one an input.
#[inline(always)]
fn sums<const INPUTS: usize>(inputs: [&[i8]; INPUTS], outputs: &Outputs, mut finish: impl FnMut(usize, [i32; INPUTS])) {
    let mut output = 0;
    while let Some(pair) = outputs.parameters.pair(output / 2) {
        let sums = inputs.map(|input| linear_pair(input, &pair));
        finish(output, sums.map(|[first, _]| first));
        finish(output + 1, sums.map(|[_, second]| second));
        output += 2;
    }
    if let Some(weights) = outputs.parameters.single() {
        finish(output, inputs.map(|input| linear_single(input, weights)));
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

/// See [`Multiplier::requantize`].
#[inline(always)]
pub fn requantize(multiplier: Multiplier, sum: i32, zero_point: ZeroPoint, activation: Activation) -> i8 {
    multiplier.requantize(sum, zero_point, activation)
}
