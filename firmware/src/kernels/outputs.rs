//! What becomes of a layer's sums.

use super::inner::requantize;
use core::hint::black_box;
use secateur_shared::layer::Step;
use secateur_shared::model::Parameters;
use secateur_shared::quant::{Activation, ZeroPoint};

/// What becomes of the sums of pixels side by side.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// They are the upper row of a 2 x 2 pool: the larger of each two is kept.
    Kept = 0,
    /// Each makes an output.
    Stored,
    /// They are the lower row: the largest of each four makes an output, which is the largest output of the four, as a larger sum
    /// never makes a smaller one.
    Pooled,
}

/// A layer's parameters, and the form of its output.
#[derive(Clone, Copy)]
pub struct Outputs<'p> {
    /// Biases, multipliers, weights.
    pub parameters: &'p Parameters<'p>,
    /// Of the output.
    pub zero_point: ZeroPoint,
    /// Range of the output.
    pub activation: Activation,
}

impl<'p> Outputs<'p> {
    /// Of this layer.
    pub fn new(step: &Step, parameters: &'p Parameters<'p>) -> Self {
        Self { parameters, zero_point: step.output.zero_point, activation: step.record.activation() }
    }

    /// How many there are; not 0.
    #[inline(always)]
    pub fn count(&self) -> usize {
        self.parameters.bias.len().max(1)
    }

    /// The value of an output with this sum.
    #[cfg_attr(any(kernels = "dsp", kernels = "m0plus"), inline(never))]
    #[cfg_attr(not(any(kernels = "dsp", kernels = "m0plus")), inline(always))]
    pub fn value(&self, output: usize, sum: i32) -> i8 {
        let (bias, multiplier) = self.parameters.output(output);
        requantize(multiplier, bias.wrapping_add(sum), self.zero_point, self.activation)
    }

    /// Whether all multipliers are what [`Outputs::is_shift`] says, and outputs end at -128 and 127.
    #[cfg(all(any(kernels = "dsp", kernels = "m0plus"), feature = "depthwise-conv2d"))]
    pub fn is_plain(&self) -> bool {
        (0..self.count()).all(|output| self.is_shift(output)) && self.activation == Activation::NONE
    }

    /// Whether an output's multiplier is a shift to the right, which is what the fast loops have.
    #[cfg(any(kernels = "dsp", kernels = "m0plus"))]
    #[inline(never)]
    pub fn is_shift(&self, output: usize) -> bool {
        let (_, multiplier) = self.parameters.output(output);
        multiplier.mantissa >= 1 << 30 && multiplier.exponent < 0
    }

    /// The nearest values within the range of the output.
    pub fn clamp(&self, values: &mut [i8]) {
        clamp(self.activation, values);
    }

    /// Does with an output's sums, of some pixels, what is to become of them; what is past the last pixel is dropped. `kept` are
    /// those of all outputs.
    #[cfg_attr(any(kernels = "dsp", kernels = "m0plus"), inline(never))]
    #[cfg_attr(not(any(kernels = "dsp", kernels = "m0plus")), inline(always))]
    pub fn finish(&self, output: usize, sums: &[i32], fate: Fate, kept: &mut [i32], pixels: &mut [i8]) {
        let pools = usize::from(fate != Fate::Stored);
        for pixel in 0..sums.len() >> pools {
            let left = pixel << pools;
            let (Some(left), Some(right)) = (sums.get(left), sums.get(left + pools)) else { return };
            let mut largest = *left.max(right);
            if let Some(kept) = kept.get_mut(output * (sums.len() / 2) + pixel) {
                if fate == Fate::Pooled {
                    largest = largest.max(*kept);
                }
                *kept = largest;
            }
            if fate != Fate::Kept {
                let Some(value) = pixels.get_mut(output + pixel * self.count()) else { return };
                *value = self.value(output, largest);
            }
        }
    }
}

/// Adds x w of an output at each position from one on, given how x is had.
// Firmware has it once.
#[cfg(any(kernels = "dsp", kernels = "m0plus"))]
#[inline(never)]
pub(super) fn slow_sum(outputs: &Outputs, output: usize, from: usize, x: &dyn Fn(usize) -> i32) -> i32 {
    let (parameters, row) = (outputs.parameters, outputs.parameters.row(output));
    let mut sum = 0_i32;
    for position in from..parameters.per_output {
        sum = x(position).wrapping_mul(parameters.weight(&row, position)).wrapping_add(sum);
    }
    sum
}

/// Room for so many sums of each output at the start of the scratch, and the rest of it; `None` where it is too short or not
/// aligned to 4.
#[inline(always)]
pub(super) fn kept<'s>(scratch: &'s mut [i8], outputs: &Outputs, sums: usize) -> Option<(&'s mut [i32], &'s mut [i8])> {
    let (kept, rest) = scratch.split_at_mut_checked(sums * outputs.count() * size_of::<i32>())?;
    Some((bytemuck::try_cast_slice_mut(kept).ok()?, rest))
}

/// The nearest values within a range.
#[inline(never)]
pub(super) fn clamp(range: Activation, values: &mut [i8]) {
    if range != Activation::NONE {
        for value in values {
            *value = range.clamp((*value).into());
            // Costs nothing, and keeps the loop from being unrolled to four times its bytes.
            black_box(());
        }
    }
}
