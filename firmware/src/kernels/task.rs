//! What the assembly of the fast inner loops is told.

use super::outputs::Outputs;
use core::ptr;
use secateur_shared::model::Parameters;
use secateur_shared::quant::Activation;

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
    /// From one pixel to the next.
    pub(super) stride: usize,
    /// 1 or more.
    pub(super) pixels: usize,
    pub(super) zero_point: i32,
    /// 1 or more.
    pub(super) pairs: usize,
}

impl Task {
    /// Whether the assembly can do it: every multiplier is a shift to the right, and outputs end at -128 and 127.
    pub(super) fn is_plain(outputs: &Outputs) -> bool {
        let Parameters { mantissas, exponents, .. } = outputs.parameters;
        let shifts = mantissas.iter().all(|m| *m > 0) && exponents.iter().all(|e| *e < 0);
        shifts && outputs.activation == Activation::NONE
    }

    /// Every pair of outputs of these pixels; `None` where there is none.
    #[inline(always)]
    pub(super) fn new(patch: *const u32, outputs: &Outputs, pixels: &mut [i8]) -> Option<Self> {
        let Parameters { bias, mantissas, exponents, weights, per_output } = outputs.parameters;
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
            stride: count,
            pixels: pixels.len() / count,
            zero_point: outputs.zero_point.0.into(),
            pairs: count / 2,
        };
        (task.pairs > 0 && task.pixels > 0).then_some(task)
    }
}

/// The arguments that name the offsets of a task's fields in assembly.
macro_rules! with_offsets {
    ($($line:expr),* $(,)?) => {
        core::arch::naked_asm!(
            $($line),*,
            patch = const core::mem::offset_of!(Task, patch),
            weights = const core::mem::offset_of!(Task, weights),
            steps = const core::mem::offset_of!(Task, steps),
            biases = const core::mem::offset_of!(Task, biases),
            mantissas = const core::mem::offset_of!(Task, mantissas),
            exponents = const core::mem::offset_of!(Task, exponents),
            tails = const core::mem::offset_of!(Task, tails),
            output = const core::mem::offset_of!(Task, output),
            stride = const core::mem::offset_of!(Task, stride),
            pixels = const core::mem::offset_of!(Task, pixels),
            zero_point = const core::mem::offset_of!(Task, zero_point),
            pairs = const core::mem::offset_of!(Task, pairs),
        )
    };
}
pub(super) use with_offsets;
