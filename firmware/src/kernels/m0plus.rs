//! The inner loops of Cortex-M0 and M0+, which have a 32-bit multiplication and eight registers that do arithmetic.
//!
//! Two pixels' inputs share a word, x + 2^16 y, so that one multiplication makes two products. A word takes the sum of two
//! positions: their low halves, s in -32512..=32768, are carried into the upper half by adding 2^15 - 1 - 2^16, which leaves
//! t - 1 there, exactly. The words' sum modulo 2^32 and the upper halves' sum give both pixels' sums. Twin: `portable`.

use super::fast::{self, Task, task_asm, with_offsets};
use super::outputs::{Outputs, slow_sum};
use super::runs::Runs;
use core::arch::naked_asm;

/// An accumulator with 2^31 added, to an output in r3; r6 task, r12 mantissa, lr shift; r0 to r5 are lost.
macro_rules! requantize {
    () => {
        concat!(
            ".macro value accumulator\n",
            "mov r0, \\accumulator\n",
            "uxth r1, r0\n",
            "lsrs r0, r0, #16\n",
            "mov r4, r12\n",
            "uxth r2, r4\n",
            "lsrs r3, r4, #16\n",
            "movs r5, r1\n",
            "muls r5, r2, r5\n",
            "lsrs r5, r5, #16\n",
            "muls r1, r3, r1\n",
            "adds r1, r1, r5\n",
            "muls r2, r0, r2\n",
            "muls r3, r0, r3\n",
            "movs r5, #0\n",
            "adds r1, r1, r2\n",
            "adcs r5, r5\n",
            "lsls r5, r5, #17\n",
            "lsls r3, r3, #1\n",
            "adds r3, r3, r5\n",
            "lsrs r1, r1, #15\n",
            "adcs r3, r1\n",
            "subs r3, r3, r4\n",
            "asrs r5, r3, #31\n",
            "adds r3, r3, r5\n",
            "mov r5, lr\n",
            "ldr r2, [r6, #{zero_point}]\n",
            "adds r2, #128\n",
            "asrs r3, r5\n",
            "adcs r3, r2\n",
            "uxtb r2, r3\n",
            "cmp r2, r3\n",
            "beq 9f\n",
            "asrs r3, r3, #31\n",
            "mvns r3, r3\n",
            "9:\n",
            "subs r3, #128\n",
            ".endm"
        )
    };
}

#[cfg(feature = "add")]
pub(super) mod add;
#[cfg(feature = "depthwise-conv2d")]
pub(super) mod depthwise_conv2d;

/// Output pixels that a patch has windows of.
pub const PIXELS: usize = 2;

/// The inputs under the windows of [`PIXELS`] output pixels, a word a position, and what is computed of them.
pub struct Patch<'s> {
    words: &'s mut [i32],
    outputs: &'s Outputs<'s>,
    pub(super) runs: Runs,
    slow_from: usize,
}

impl<'s> Patch<'s> {
    /// A patch for these outputs, and what is left of the scratch; `None` where it is too short or not aligned to 4.
    pub fn new(scratch: &'s mut [i8], outputs: &'s Outputs<'s>, runs: Runs) -> Option<(Self, &'s mut [i8])> {
        let (words, rest) = scratch.split_at_mut_checked(4 * outputs.parameters.per_output)?;
        let words = bytemuck::try_cast_slice_mut(words).ok()?;
        Some((Self { words, outputs, runs, slow_from: fast::slow_from(outputs) }, rest))
    }

    /// Takes so many rows' runs, one a pixel, in at a position.
    #[inline(never)]
    pub fn gather(&mut self, at: usize, input: &[i8], rows: usize) {
        let runs = &self.runs;
        let values = rows * runs.length;
        let is_room = at + values <= self.words.len() && input.len() + runs.pitch >= runs.end(PIXELS, rows);
        if values > 0 && is_room {
            let place = self.words.as_mut_ptr().wrapping_add(at);
            // SAFETY: `input` has both runs of each row, which are not empty, and there are as many words.
            unsafe { join(place, input.as_ptr(), rows, runs) }
        }
    }

    /// Every output of the pixels.
    #[inline(always)]
    pub fn product(&self, pixels: &mut [i8]) {
        let patch = self.words.as_ptr().cast();
        // SAFETY: the patch has a word for each position.
        unsafe {
            fast::product(patch, self.outputs, self.slow_from, |output, pixels| self.single(output, pixels), pixels)
        }
    }

    /// An output of the pixels.
    fn single(&self, output: usize, pixels: &mut [i8]) {
        let (mut sums, mut from) = ([0; PIXELS], 0);
        let steps = self.outputs.parameters.per_output / 2;
        if let Some(weights) = fast::alone(self.outputs, output).filter(|_| steps > 0) {
            // SAFETY: there are `steps`, not 0, pairs of weights and of the patch's words.
            unsafe { dot_patch(self.words.as_ptr(), weights.as_ptr(), steps, &mut sums) }
            from = 2 * steps;
        }
        for (pixel, sum) in sums.iter_mut().enumerate() {
            let rest = slow_sum(self.outputs, output, from, &|position| {
                let word = self.words.get(position).copied().unwrap_or(0);
                // The second pixel's share was taken down by the first one's sign.
                let first = i32::from(word as i16);
                if pixel == 0 { first } else { word.wrapping_sub(first) >> 16 }
            });
            *sum = rest.wrapping_add(*sum);
        }
        self.outputs.store(output, &sums, pixels);
    }
}

/// sums[pixel] = sum x w of an output whose weights are not in a pair, over `2 * steps` positions.
///
/// Registers as in [`pairs`]; r6 is 0, and r4 and r5 are the weights before they are products.
///
/// # Safety
/// `patch` has `2 * steps` words, and `steps` is not 0; `weights` has as many bytes.
#[unsafe(naked)]
unsafe extern "C" fn dot_patch(patch: *const i32, weights: *const i8, steps: usize, sums: *mut [i32; PIXELS]) {
    naked_asm!(
        "push {{r4-r7, lr}}",
        "mov r4, r8",
        "mov r5, r9",
        "push {{r2, r3, r4, r5}}",
        "ldr r4, 2f",
        "mov r12, r4",
        "movs r6, #0",
        "mov r8, r6",
        "mov r9, r6",
        "lsls r7, r2, #1",
        "adds r7, r7, r1",
        "1:",
        "ldmia r0!, {{r2, r3}}",
        "ldrsb r4, [r1, r6]",
        "adds r1, #1",
        "ldrsb r5, [r1, r6]",
        "adds r1, #1",
        "muls r4, r2, r4",
        "muls r5, r3, r5",
        "adds r5, r5, r4",
        "add r5, r12",
        "add r8, r5",
        "asrs r5, r5, #16",
        "add r9, r5",
        "cmp r1, r7",
        "bne 1b",
        // As the macro `accumulators` of `pairs`.
        "mov r6, r8",
        "mov r7, r9",
        "pop {{r2, r3, r4, r5}}",
        "mov r8, r4",
        "mov r9, r5",
        "adds r1, r7, r2",
        "lsls r7, r7, #16",
        "subs r0, r6, r7",
        "lsls r4, r2, #15",
        "subs r4, r4, r2",
        "subs r0, r0, r4",
        "stmia r3!, {{r0, r1}}",
        "pop {{r4-r7, pc}}",
        ".p2align 2",
        "2:",
        ".word 0x7FFF - 0x10000",
    )
}

/// A word of the values at each position of two pixels' runs: the first one + 2^16 the second one.
///
/// Registers: r1, r2 where the runs end, r3 how far before it; r4, r5 values; r6 rows, r7 the length; on the stack `runs`.
///
/// # Safety
/// `input` has the runs of both pixels in each of the rows, `words` room for a run of each row; no run is empty, and `rows` is not 0.
#[unsafe(naked)]
unsafe extern "C" fn join(words: *mut i32, input: *const i8, rows: usize, runs: *const Runs) {
    with_offsets!(
        Runs { length, step, pitch },
        ".macro value",
        "ldrsb r4, [r1, r3]",
        "ldrsb r5, [r2, r3]",
        "lsls r5, r5, #16",
        "adds r4, r4, r5",
        "stmia r0!, {{r4}}",
        "adds r3, r3, #1",
        ".endm",
        "push {{r3-r7, lr}}",
        "movs r6, r2",
        "ldr r7, [r3, #{length}]",
        "ldr r2, [r3, #{step}]",
        "adds r1, r1, r7",
        "adds r2, r2, r1",
        "0:",
        "rsbs r3, r7, #0",
        "lsls r4, r3, #31",
        "beq 1f",
        "value",
        "cmp r3, #0",
        "beq 2f",
        "1:",
        "value",
        "value",
        "bne 1b",
        "2:",
        "ldr r3, [sp]",
        "ldr r3, [r3, #{pitch}]",
        "adds r1, r1, r3",
        "adds r2, r2, r3",
        "subs r6, #1",
        "bne 0b",
        "pop {{r3-r7, pc}}",
        ".purgem value",
    )
}

/// All pairs of outputs of a patch's pixels.
///
/// Requantisation: with 2^31 added, the accumulator is a product of unsigned halves, and the multiplication has added the
/// mantissa to the result. The division by 2^shift rounds half away from zero by the last bit shifted out, after 1 is taken
/// from what is negative. An output whose multiplier is no shift to the right gets a wrong value.
///
/// Registers of a step: r0 patch, r1 weights, r7 the patch's end; r2, r3 inputs, r4 weights, r5, r6 products; r8, r9 the first
/// output's sum of words and of upper halves, r10, r11 the second's; r12 the carry. After them: r6 task, r7 output, r8 to r11
/// accumulators, r12 mantissa, lr shift. On the stack: the task.
///
/// # Safety
/// The task's parameters are those of `2 * pairs` outputs, in payload order, words of weights aligned to 4; the patch has a word for each position; all outputs can be written.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn pairs(task: *mut Task) {
    task_asm!(
        ".macro flush words, halves",
        "add r5, r12",
        "add \\words, r5",
        "asrs r5, r5, #16",
        "add \\halves, r5",
        ".endm",
        ".macro step",
        "ldmia r0!, {{r2, r3}}",
        "ldmia r1!, {{r4}}",
        "sxtb r5, r4",
        "muls r5, r2, r5",
        "lsls r6, r4, #8",
        "asrs r6, r6, #24",
        "muls r6, r3, r6",
        "adds r5, r5, r6",
        "flush r8, r9",
        "lsls r5, r4, #16",
        "asrs r5, r5, #24",
        "muls r5, r2, r5",
        "asrs r4, r4, #24",
        "muls r4, r3, r4",
        "adds r5, r5, r4",
        "flush r10, r11",
        ".endm",
        // Of n words in r2 and n (2^15 - 1) in r4: the second pixel's sum is that of upper halves + n, the first one's that of
        // words - 2^16 (that of upper halves) - n (2^15 - 1). Both get the bias and 2^31.
        ".macro accumulators words, halves, lane",
        "mov r0, \\halves",
        "adds r1, r0, r2",
        "lsls r0, r0, #16",
        "mov r3, \\words",
        "subs r0, r3, r0",
        "subs r0, r0, r4",
        "ldr r3, [r6, #{biases}]",
        "ldr r5, [r3, #4 * \\lane]",
        "movs r3, #1",
        "lsls r3, r3, #31",
        "adds r5, r5, r3",
        "adds r0, r0, r5",
        "adds r1, r1, r5",
        "mov \\words, r0",
        "mov \\halves, r1",
        ".endm",
        ".macro multiplier lane",
        "ldr r3, [r6, #{mantissas}]",
        "ldr r4, [r3, #4 * \\lane]",
        "mov r12, r4",
        "ldr r3, [r6, #{exponents}]",
        "movs r5, #\\lane",
        "ldrsb r5, [r3, r5]",
        "rsbs r5, r5, #0",
        "mov lr, r5",
        ".endm",
        requantize!(),
        "push {{r4-r7, lr}}",
        "mov r4, r8",
        "mov r5, r9",
        "mov r6, r10",
        "mov r7, r11",
        "push {{r0, r4-r7}}",
        "0:",
        "movs r4, #0",
        "mov r8, r4",
        "mov r9, r4",
        "mov r10, r4",
        "mov r11, r4",
        "ldr r4, 7f",
        "mov r12, r4",
        "ldr r2, [r0, #{steps}]",
        "ldr r1, [r0, #{weights}]",
        "ldr r0, [r0, #{patch}]",
        "lsls r7, r2, #3",
        "adds r7, r7, r0",
        "lsls r4, r2, #30",
        "lsrs r4, r4, #27",
        "adds r4, r4, r0",
        "mov lr, r4",
        "b 2f",
        "1:", // one to three steps, so that fours are left
        "step",
        "2:",
        "cmp r0, lr",
        "bne 1b",
        "b 4f",
        "3:",
        "step",
        "step",
        "step",
        "step",
        "4:",
        "cmp r0, r7",
        "bne 3b",
        "ldr r6, [sp]",
        "str r1, [r6, #{weights}]",
        "ldr r2, [r6, #{steps}]",
        "ldr r3, [r6, #{tails}]",
        "cmp r3, #0",
        "beq 5f",
        "ldr r4, [r0]",
        "movs r5, #0",
        "ldrsb r5, [r3, r5]",
        "muls r5, r4, r5",
        "flush r8, r9",
        "movs r5, #1",
        "ldrsb r5, [r3, r5]",
        "muls r5, r4, r5",
        "flush r10, r11",
        "adds r3, #2",
        "str r3, [r6, #{tails}]",
        "adds r2, #1",
        "5:",
        "lsls r4, r2, #15",
        "subs r4, r4, r2",
        "accumulators r8, r9, 0",
        "accumulators r10, r11, 1",
        "ldr r7, [r6, #{output}]",
        "multiplier 0",
        "value r8",
        "strb r3, [r7]",
        "value r9",
        "ldr r2, [r6, #{pixels}]",
        "cmp r2, #1",
        "beq 6f",
        "ldr r2, [r6, #{stride}]",
        "strb r3, [r7, r2]",
        "6:",
        "adds r7, #1",
        "multiplier 1",
        "value r10",
        "strb r3, [r7]",
        "value r11",
        "ldr r2, [r6, #{pixels}]",
        "cmp r2, #1",
        "beq 6f",
        "ldr r2, [r6, #{stride}]",
        "strb r3, [r7, r2]",
        "6:",
        "adds r7, #1",
        "str r7, [r6, #{output}]",
        "movs r5, #8",
        "ldr r3, [r6, #{biases}]",
        "adds r3, r3, r5",
        "str r3, [r6, #{biases}]",
        "ldr r3, [r6, #{mantissas}]",
        "adds r3, r3, r5",
        "str r3, [r6, #{mantissas}]",
        "ldr r3, [r6, #{exponents}]",
        "adds r3, #2",
        "str r3, [r6, #{exponents}]",
        "mov r0, r6",
        "ldr r3, [r6, #{pairs}]",
        "subs r3, #1",
        "str r3, [r6, #{pairs}]",
        "beq 8f",
        "b 0b",
        "8:",
        "pop {{r0, r4-r7}}",
        "mov r8, r4",
        "mov r9, r5",
        "mov r10, r6",
        "mov r11, r7",
        "pop {{r4-r7, pc}}",
        ".p2align 2",
        "7:",
        ".word 0x7FFF - 0x10000",
        ".irp name, flush, step, accumulators, multiplier, value",
        ".purgem \\name",
        ".endr",
    )
}

/// (accumulator * mantissa + 2^30) >> 31 by four products of halves; the mantissa is not negative.
#[inline(always)]
pub(super) fn doubling_high_multiply(accumulator: i32, mantissa: i32) -> i32 {
    let (upper, lower) = (accumulator >> 16, accumulator as u32 & 0xFFFF);
    let (mantissa_upper, mantissa_lower) = (mantissa as u32 >> 16, mantissa as u32 & 0xFFFF);
    // Below 2^31 + 2^16, and above -2^31.
    let middle = lower * mantissa_upper + (lower * mantissa_lower >> 16);
    let other = upper * mantissa_lower as i32;
    // In units of 2^16: the product is top * 2^32 + low * 2^16 + bits that rounding does not see.
    let low = (middle & 0xFFFF) + (other as u32 & 0xFFFF);
    let top = upper * mantissa_upper as i32 + (middle >> 16) as i32 + (other >> 16) + (low >> 16) as i32;
    let rounded = ((low & 0xFFFF) >> 14) + 1;
    (top << 1) + (rounded >> 1) as i32
}

/// pixel[c] = the maximum of upper[c], upper[channels + c], lower[c], lower[channels + c].
///
/// # Safety
/// `pixel` has `channels`, not 0, bytes to write, both rows twice as many.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn max_of_rows(pixel: *mut i8, upper: *const i8, lower: *const i8, channels: usize) {
    naked_asm!(
        ".macro greater row",
        "ldrsb r6, [\\row, r3]",
        "cmp r5, r6",
        "bge 9f",
        "movs r5, r6",
        "9:",
        ".endm",
        "push {{r4-r7, lr}}",
        "adds r4, r1, r3",
        "adds r7, r2, r3",
        "1:",
        "subs r3, #1",
        "ldrsb r5, [r1, r3]",
        "greater r4",
        "greater r2",
        "greater r7",
        "strb r5, [r0, r3]",
        "cmp r3, #0",
        "bne 1b",
        "pop {{r4-r7, pc}}",
        ".purgem greater",
    )
}

/// Outputs that [`dots`] computes at once.
pub const DOTS: usize = 2;

/// sums[lane] = sum x w over `4 * quads` positions, of a pair of outputs; `apart` is for two.
///
/// Registers: r0 input, r1 weights, r2 their end; r3 inputs, r4 weights, r5, r6 one of each; r7, r8 sums.
///
/// # Safety
/// `input` has `quads`, not 0, words and `weights` twice as many, aligned to 4.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn dots(
    input: *const i8,
    weights: *const i8,
    apart: usize,
    quads: usize,
    sums: &mut [i32; DOTS],
) {
    naked_asm!(
        ".macro add_product sum, weight",
        "muls \\weight, r5, \\weight",
        "add \\sum, \\weight",
        ".endm",
        ".macro even",
        "sxtb r6, r4",
        "add_product r7, r6",
        "lsls r6, r4, #16",
        "asrs r6, r6, #24",
        "add_product r8, r6",
        ".endm",
        ".macro odd",
        "lsls r6, r4, #8",
        "asrs r6, r6, #24",
        "add_product r7, r6",
        "asrs r4, r4, #24",
        "add_product r8, r4",
        ".endm",
        "push {{r4-r7, lr}}",
        "mov r7, r8",
        "push {{r7}}",
        "lsls r2, r3, #3",
        "adds r2, r2, r1",
        "movs r7, #0",
        "mov r8, r7",
        "1:",
        "ldmia r0!, {{r3}}",
        "ldmia r1!, {{r4}}",
        "sxtb r5, r3",
        "even",
        "lsls r5, r3, #16",
        "asrs r5, r5, #24",
        "odd",
        "ldmia r1!, {{r4}}",
        "lsls r5, r3, #8",
        "asrs r5, r5, #24",
        "even",
        "asrs r5, r3, #24",
        "odd",
        "cmp r1, r2",
        "bne 1b",
        "mov r0, r8",
        "pop {{r1}}",
        "mov r8, r1",
        "ldr r2, [sp, #20]",
        "str r7, [r2]",
        "str r0, [r2, #4]",
        "pop {{r4-r7, pc}}",
        ".irp name, add_product, even, odd",
        ".purgem \\name",
        ".endr",
    )
}

#[cfg(feature = "add")]
pub use super::fast::add::add;
#[cfg(feature = "depthwise-conv2d")]
pub use super::fast::depthwise_conv2d::{Filters, unzip};
pub use super::fast::requantize;
pub use super::fast::{linear, max_of_four};
