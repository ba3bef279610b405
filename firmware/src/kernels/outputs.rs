//! What becomes of a layer's sums.

use super::inner::requantize;
use secateur_shared::layer::Step;
use secateur_shared::model::Parameters;
use secateur_shared::quant::{Activation, ZeroPoint};

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

    /// Stores an output of some pixels by their sums; those past the last pixel are dropped.
    #[cfg_attr(any(kernels = "dsp", kernels = "m0plus"), inline(never))]
    #[cfg_attr(not(any(kernels = "dsp", kernels = "m0plus")), inline(always))]
    pub fn store(&self, output: usize, sums: &[i32], pixels: &mut [i8]) {
        for (pixel, sum) in sums.iter().enumerate() {
            let Some(value) = pixels.get_mut(output + pixel * self.count()) else { return };
            *value = self.value(output, *sum);
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

/// The nearest values within a range.
#[inline(never)]
pub(super) fn clamp(range: Activation, values: &mut [i8]) {
    if range != Activation::NONE {
        for value in values {
            *value = range.clamp((*value).into());
        }
    }
}
