//! What the fast inner loops share: the Rust around their assembly.

use super::inner::{self, DOTS, PIXELS, dots, pairs};
use super::outputs::{Fate, Outputs, slow_sum};
use core::ptr;
use secateur_shared::model::Parameters;
use secateur_shared::quant::{Activation, Multiplier, ZeroPoint};

/// All pairs of outputs of a patch's pixels; the routine counts it up and down.
#[repr(C)]
pub(super) struct Task {
    pub(super) patch: *const u32,
    pub(super) weights: *const i8,
    /// Positions, in pairs.
    pub(super) steps: usize,
    pub(super) biases: *const i32,
    pub(super) mantissas: *const i32,
    pub(super) exponents: *const i8,
    /// The weights at the last position where their number is odd, else null.
    pub(super) tails: *const i8,
    /// Of the first pixel.
    pub(super) output: *mut i8,
    /// From one pixel to the next; 0 on a Cortex-M0+ where there is one alone.
    pub(super) stride: usize,
    /// Where sums are kept for a pool; null where there is none.
    pub(super) kept: *mut i32,
    /// That are stored: 0 where sums are kept. A Cortex-M0+ asks for no more than that.
    pub(super) pixels: usize,
    pub(super) zero_point: i32,
    /// 1 or more.
    pub(super) pairs: usize,
}

impl Task {
    /// Every pair of outputs of these pixels; `None` where there is none.
    #[inline(always)]
    fn new(patch: *const u32, outputs: &Outputs, fate: Fate, kept: &mut [i32], pixels: &mut [i8]) -> Option<Self> {
        let Parameters { bias, mantissas, exponents, weights, per_output, .. } = *outputs.parameters;
        let count = outputs.count();
        let tails = weights.as_ptr().wrapping_add((count & !1) * (per_output & !1));
        let task = Self {
            patch,
            weights: weights.as_ptr(),
            steps: per_output / 2,
            biases: bias.as_ptr(),
            mantissas: mantissas.as_ptr(),
            exponents: exponents.as_ptr(),
            tails: if per_output % 2 == 1 { tails } else { ptr::null() },
            output: pixels.as_mut_ptr(),
            stride: if cfg!(armv6m) && pixels.len() <= count { 0 } else { count },
            kept: if kept.len() < PIXELS / 2 * count { ptr::null_mut() } else { kept.as_mut_ptr() },
            pixels: match fate {
                // A division is a routine there.
                _ if cfg!(armv6m) => fate as usize,
                Fate::Kept => 0,
                _ => pixels.len() / count,
            },
            zero_point: outputs.zero_point.0.into(),
            pairs: count / 2,
        };
        (task.pairs > 0 && !pixels.is_empty()).then_some(task)
    }
}

/// Every output of a patch's pixels, those from `slow_from` on by a look at each; `single` is the slow way to the sums of one
/// of them, for what the assembly does not do.
///
/// # Safety
/// The patch has the inner loops' form, with all positions of the outputs.
#[inline(always)]
pub(super) unsafe fn product(
    patch: *const u32,
    outputs: &Outputs,
    slow_from: usize,
    single: impl Fn(usize) -> [i32; PIXELS],
    (fate, kept): (Fate, &mut [i32]),
    pixels: &mut [i8],
) {
    let count = outputs.count();
    if let Some(mut task) = Task::new(patch, outputs, fate, kept, pixels) {
        // SAFETY: the patch is the caller's.
        unsafe { pairs(&mut task) }
    }
    let even = count & !1;
    for output in slow_from..count {
        if output >= even || !outputs.is_shift(output) {
            outputs.finish(output, &single(output), fate, kept, pixels);
        }
    }
    if outputs.activation != Activation::NONE {
        outputs.clamp(pixels);
    }
}

/// The first output that the assembly does not do: that without a pair, or one whose multiplier is no shift to the right.
pub(super) fn slow_from(outputs: &Outputs) -> usize {
    let even = outputs.count() & !1;
    (0..even).find(|output| !outputs.is_shift(*output)).unwrap_or(even)
}

/// The weights of an output without a pair.
#[inline(always)]
pub(super) fn alone<'p>(outputs: &Outputs<'p>, output: usize) -> Option<&'p [i8]> {
    let Parameters { bias, weights, per_output, .. } = *outputs.parameters;
    if output & 1 == 0 && output + 1 == bias.len() { weights.get(output * per_output..) } else { None }
}

/// As [`Multiplier::requantize`], in fewer instructions.
#[inline(always)]
pub fn requantize(multiplier: Multiplier, sum: i32, zero_point: ZeroPoint, activation: Activation) -> i8 {
    let left = multiplier.exponent.max(0) as u32;
    let right = (-i32::from(multiplier.exponent)).max(0) as u32;
    let mut high = inner::doubling_high_multiply(sum.wrapping_shl(left), multiplier.mantissa);
    if right > 0 {
        // The last bit shifted out rounds half away from zero, after 1 is taken from what is negative.
        let shifted = (high + (high >> 31)) >> (right - 1);
        high = (shifted >> 1) + (shifted & 1);
    }
    activation.clamp(high.wrapping_add(i32::from(zero_point.0)))
}

/// Every output of one input.
pub fn linear(input: &[i8], outputs: &Outputs, values: &mut [i8]) {
    let Parameters { weights, per_output, .. } = *outputs.parameters;
    let (count, even) = (outputs.count(), per_output & !1);
    let is_whole = input.len() == per_output && weights.len() >= count * per_output;
    let quads = if is_whole && (input.as_ptr() as usize).is_multiple_of(4) { per_output / 4 } else { 0 };
    let mut sums = [0; DOTS];
    for (output, value) in values.iter_mut().enumerate() {
        let (mut sum, mut from) = (0, 0);
        if quads > 0 && output < count & !1 {
            if output % DOTS == 0 {
                // The last pair may have no other one beside it: it is computed twice.
                let apart = if output + 4 > count { 0 } else { 2 * even };
                let weights = weights.as_ptr().wrapping_add(output * even);
                // SAFETY: there are `quads`, not 0, words of input; a pair has `2 * even` weights, aligned to 4.
                unsafe { dots(input.as_ptr(), weights, apart, quads, &mut sums) }
            }
            (sum, from) = (sums[output % DOTS], 4 * quads);
        }
        if from < per_output {
            let x = |position: usize| input.get(position).copied().unwrap_or(0).into();
            sum = slow_sum(outputs, output, from, &x).wrapping_add(sum);
        }
        *value = outputs.value(output, sum);
    }
}

#[cfg(feature = "add")]
pub(super) mod add;
#[cfg(feature = "depthwise-conv2d")]
pub(super) mod depthwise_conv2d;

/// Assembly, with the offsets of these fields as its arguments.
macro_rules! with_offsets {
    ($task:ident { $($field:ident),* }, $($line:expr),* $(,)?) => {
        core::arch::naked_asm!($($line),*, $($field = const core::mem::offset_of!($task, $field)),*)
    };
}
pub(crate) use with_offsets;

/// Assembly that works on a [`Task`].
macro_rules! task_asm {
    ($($line:expr),* $(,)?) => {
        $crate::kernels::fast::with_offsets!(
            Task { patch, weights, steps, biases, mantissas, exponents, tails, output, stride, kept, pixels, zero_point, pairs },
            $($line),*
        )
    };
}
pub(super) use task_asm;
