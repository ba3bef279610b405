//! Where a layer's outputs go, and in what form.

use super::inner::requantize;
use secateur_shared::quant::{Activation, Multiplier, ZeroPoint};

/// Some neighbouring pixels of an output, and a channel of them.
pub struct Target<'o> {
    /// `count` pixels of `outputs` values.
    pixels: &'o mut [i8],
    count: usize,
    outputs: usize,
    /// The channel: of a pair, the first.
    pub output: usize,
    zero_point: ZeroPoint,
    activation: Activation,
}

impl<'o> Target<'o> {
    /// The first channel of these pixels.
    #[inline(always)]
    pub fn new(pixels: &'o mut [i8], outputs: usize, zero_point: ZeroPoint, activation: Activation) -> Self {
        let outputs = outputs.max(1);
        Self { count: pixels.len() / outputs, pixels, outputs, output: 0, zero_point, activation }
    }

    /// Requantises and stores the sums of channel `output + lane` of the pixels; those past the last pixel are dropped.
    #[inline(always)]
    pub fn store<const N: usize>(&mut self, lane: usize, (bias, multiplier): (i32, Multiplier), sums: [i32; N]) {
        let values = self.pixels.iter_mut().skip(self.output + lane).step_by(self.outputs);
        for (sum, value) in sums.iter().zip(values) {
            *value = requantize(multiplier, bias.wrapping_add(*sum), self.zero_point, self.activation);
        }
    }

    /// The place of channel `output` and the next of the first pixel, how many pixels there are, and how many bytes apart;
    /// `None` where the pixels do not end at 127 and -128, or the channel has no next.
    #[inline(always)]
    pub fn pairs(&mut self) -> Option<(*mut i8, usize, usize)> {
        let has_next = self.output + 1 < self.outputs && self.activation == Activation::NONE;
        has_next.then(|| (self.pixels.as_mut_ptr().wrapping_add(self.output), self.count, self.outputs))
    }

    /// Of the output.
    pub fn zero_point(&self) -> ZeroPoint {
        self.zero_point
    }
}
