//! The inner loops of Cortex-M4, M7 and M33: SMLAD multiplies two 16-bit pairs and adds both products.
//!
//! A word of a pair of outputs' weights, `[a0 b0 a1 b1]`, is two such pairs after two SXTB16. Inputs are widened to 16 bits
//! once a patch, so that both fit each other without being sorted again. Twin: `portable`.

use super::fast::{self, Task, task_asm, with_offsets};
use super::outputs::{Outputs, slow_sum};
use super::runs::Runs;
use core::arch::naked_asm;

/// Assembly outside of functions knows nothing of the compiler's `target-cpu`.
macro_rules! cpu {
    () => {
        concat!(".cpu ", env!("KERNELS_CPU"))
    };
}

/// Sums to outputs, given twice the mantissa and the shift, with the zero point in r12.
macro_rules! requantize {
    () => {
        concat!(
            ".macro requantize doubled, shift, sums:vararg\n",
            ".irp sum, \\sums\n",
            "smmlar \\sum, \\sum, \\doubled, \\sum\n",
            "add \\sum, \\sum, \\sum, asr #31\n",
            "asrs \\sum, \\sum, \\shift\n",
            "adc \\sum, \\sum, r12\n",
            "ssat \\sum, #8, \\sum\n",
            ".endr\n",
            ".endm"
        )
    };
}

#[cfg(feature = "add")]
pub(super) mod add;
#[cfg(feature = "depthwise-conv2d")]
pub(super) mod depthwise_conv2d;

/// Output pixels that a patch has windows of: two outputs each make eight accumulators, which is what the registers hold.
pub const PIXELS: usize = 4;

/// The inputs under the windows of [`PIXELS`] output pixels, and what is computed of them. For each two positions there is a
/// word a pixel, the first position in its low half.
pub struct Patch<'s> {
    words: &'s mut [[[i16; 2]; PIXELS]],
    outputs: &'s Outputs<'s>,
    pub(super) runs: Runs,
    slow_from: usize,
}

impl<'s> Patch<'s> {
    /// A patch for these outputs, and what is left of the scratch; `None` where it is too short or not aligned to 4.
    pub fn new(scratch: &'s mut [i8], outputs: &'s Outputs<'s>, runs: Runs) -> Option<(Self, &'s mut [i8])> {
        let rows = outputs.parameters.per_output.div_ceil(2);
        let (words, rest) = scratch.split_at_mut_checked(rows * size_of::<[[i16; 2]; PIXELS]>())?;
        (words.as_ptr() as usize).is_multiple_of(4).then_some(())?;
        let words = bytemuck::try_cast_slice_mut(words).ok()?;
        Some((Self { words, outputs, runs, slow_from: fast::slow_from(outputs) }, rest))
    }

    /// Takes so many rows' runs, one a pixel, in at a position.
    #[inline(never)]
    pub fn gather(&mut self, at: usize, input: &[i8], rows: usize) {
        let runs = &self.runs;
        let values = rows * runs.length;
        let is_room =
            at + values <= self.outputs.parameters.per_output && input.len() + runs.pitch >= runs.end(PIXELS, rows);
        if values == 0 || !is_room {
            return;
        }
        let place = self.words.as_mut_ptr().wrapping_add(at / 2).cast::<i16>().wrapping_add(at % 2);
        // Windows of three columns, one apart: two of three columns are those of the pixel before.
        let is_shared = runs.length == 3 * runs.step && runs.step.is_multiple_of(4);
        // SAFETY: `input` has all four runs of each row, which are not empty, and the place room for them.
        unsafe {
            match is_shared {
                true => widen_shared(place, input.as_ptr(), rows, runs),
                false => widen(place, input.as_ptr(), rows, runs),
            }
        }
    }

    /// Every output of the pixels.
    #[inline(always)]
    pub fn product(&self, pixels: &mut [i8]) {
        let patch = self.words.as_ptr().cast();
        // SAFETY: the patch has a row for each two positions.
        unsafe {
            fast::product(patch, self.outputs, self.slow_from, |output, pixels| self.single(output, pixels), pixels)
        }
    }

    /// An output of the pixels.
    fn single(&self, output: usize, pixels: &mut [i8]) {
        let (mut sums, mut from) = ([0; PIXELS], 0);
        let quads = self.outputs.parameters.per_output / 4;
        if let Some(weights) = fast::alone(self.outputs, output).filter(|_| quads > 0) {
            // SAFETY: there are `quads`, not 0, words of weights, and two rows of the patch for each.
            unsafe { dot_patch(self.words.as_ptr().cast(), weights.as_ptr(), quads, &mut sums) }
            from = 4 * quads;
        }
        for (pixel, sum) in sums.iter_mut().enumerate() {
            let rest = slow_sum(self.outputs, output, from, &|position| {
                let pairs = self.words.get(position / 2).and_then(|row| row.get(pixel));
                pairs.map_or(0, |pair| pair[position % 2].into())
            });
            *sum = rest.wrapping_add(*sum);
        }
        self.outputs.store(output, &sums, pixels);
    }
}

/// sums[pixel] = sum x w of an output whose weights are not in a pair, over `4 * quads` positions.
///
/// # Safety
/// `patch` has `2 * quads` rows of four words, aligned to 4, and `quads` is not 0; `weights` has `quads` words.
#[unsafe(naked)]
unsafe extern "C" fn dot_patch(patch: *const u32, weights: *const i8, quads: usize, sums: *mut [i32; PIXELS]) {
    naked_asm!(
        cpu!(),
        "push {{r3-r11, lr}}",
        "movs r3, #0",
        "mov r4, r3",
        "mov r5, r3",
        "mov r6, r3",
        "1:",
        "ldr lr, [r1], #4",
        "sxtb16 r11, lr",
        "sxtb16 r12, lr, ror #8",
        "pkhbt lr, r11, r12, lsl #16",
        "pkhtb r12, r12, r11, asr #16",
        ".irp weights, lr, r12",
        "ldm r0!, {{r7, r8, r9, r10}}",
        "smlad r3, r7, \\weights, r3",
        "smlad r4, r8, \\weights, r4",
        "smlad r5, r9, \\weights, r5",
        "smlad r6, r10, \\weights, r6",
        ".endr",
        "subs r2, #1",
        "bne 1b",
        "ldr r0, [sp]",
        "stm r0, {{r3-r6}}",
        "pop {{r3-r11, pc}}",
    )
}

/// Widens four pixels' runs of bytes into 16-bit numbers from `place` on: a position of all four after the other, row after row.
///
/// Registers: r1, r4 to r6 where the pixels' next bytes are; r7 to r10 those of an even position, r11, r12, lr, r3 of an odd one.
/// On the stack: rows, `runs`.
///
/// # Safety
/// There are four runs of bytes in each of the rows, and the words of them all, aligned to 4, can be written; no run is empty,
/// and `rows` is not 0.
#[unsafe(naked)]
unsafe extern "C" fn widen(place: *mut i16, input: *const i8, rows: usize, runs: *const Runs) {
    with_offsets!(
        Runs { length, step, pitch },
        cpu!(),
        ".macro load a, b, c, d",
        "ldrsb \\a, [r1], #1",
        "ldrsb \\b, [r4], #1",
        "ldrsb \\c, [r5], #1",
        "ldrsb \\d, [r6], #1",
        ".endm",
        "push {{r2-r11, lr}}",
        "ldr r2, [r3, #{length}]",
        "ldr r3, [r3, #{step}]",
        "adds r4, r1, r3",
        "adds r5, r4, r3",
        "adds r6, r5, r3",
        "0:",
        "lsls r7, r0, #31", // the sign bit is bit 0, which is clear: bit 1 goes into the carry
        "bcc 1f",
        "load r7, r8, r9, r10",
        "strh r7, [r0]",
        "strh r8, [r0, #4]",
        "strh r9, [r0, #8]",
        "strh r10, [r0, #12]",
        "adds r0, #14",
        "subs r2, #1",
        "1:",
        "subs r2, #2",
        "blo 3f",
        "2:",
        "load r7, r8, r9, r10",
        "load r11, r12, lr, r3",
        "pkhbt r7, r7, r11, lsl #16",
        "pkhbt r8, r8, r12, lsl #16",
        "pkhbt r9, r9, lr, lsl #16",
        "pkhbt r10, r10, r3, lsl #16",
        "stm r0!, {{r7-r10}}",
        "subs r2, #2",
        "bhs 2b",
        "3:",
        "lsls r2, r2, #31",
        "beq 4f",
        "load r7, r8, r9, r10",
        "stm r0, {{r7-r10}}",
        "adds r0, #2",
        "4:",
        "ldrd r7, r3, [sp]",
        "ldr r2, [r3, #{length}]",
        "ldr r3, [r3, #{pitch}]",
        "subs r3, r3, r2",
        "add r1, r3",
        "add r4, r3",
        "add r5, r3",
        "add r6, r3",
        "subs r7, #1",
        "str r7, [sp]",
        "bne 0b",
        "pop {{r2-r11, pc}}",
        ".purgem load",
    )
}

/// As [`widen`], of four pixels' runs of three columns, one column apart: each column is widened once.
///
/// Registers: r0, r9, r10 where the window's first, second and third column of a pixel go, r9 and r10 one and two pixels ahead;
/// r5 to r7 the same on their way through a column; r2 a column's bytes, r11 rows. On the stack: `runs`.
///
/// # Safety
/// As [`widen`]'s; a run is three steps, which are a multiple of 4; `place` is a word's lower half.
#[unsafe(naked)]
unsafe extern "C" fn widen_shared(place: *mut i16, input: *const i8, rows: usize, runs: *const Runs) {
    with_offsets!(
        Runs { step, pitch },
        cpu!(),
        ".macro column first, second, third",
        "mov r8, r2",
        ".if \\first",
        "mov r5, r0",
        ".endif",
        ".if \\second",
        "sub r6, r9, #4",
        ".endif",
        ".if \\third",
        "sub r7, r10, #8",
        ".endif",
        "adds r0, #4",
        "add r9, #4",
        "add r10, #4",
        "1:",
        "ldr r3, [r1], #4",
        "sxtb16 r12, r3",
        "sxtb16 r3, r3, ror #8",
        "pkhbt r4, r12, r3, lsl #16",
        "pkhtb r3, r3, r12, asr #16",
        ".if \\first",
        "str r4, [r5], #16",
        "str r3, [r5], #16",
        ".endif",
        ".if \\second",
        "str r4, [r6], #16",
        "str r3, [r6], #16",
        ".endif",
        ".if \\third",
        "str r4, [r7], #16",
        "str r3, [r7], #16",
        ".endif",
        "subs r8, #4",
        "bne 1b",
        ".endm",
        "push {{r3-r11, lr}}",
        "mov r11, r2",
        "ldr r2, [r3, #{step}]",
        "0:",
        "add r9, r0, r2, lsl #3",
        "add r10, r9, r2, lsl #3",
        "column 1, 0, 0",
        "column 1, 1, 0",
        "mov lr, #2",
        "2:",
        "column 1, 1, 1",
        "subs lr, #1",
        "bne 2b",
        "column 0, 1, 1",
        "column 0, 0, 1",
        "add r0, r10, r2, lsl #3",
        "subs r0, #24",
        "ldr r3, [sp]",
        "ldr r3, [r3, #{pitch}]",
        "add r1, r3",
        "add r3, r2, r2, lsl #1",
        "sub r1, r1, r3, lsl #1",
        "subs r11, #1",
        "bne 0b",
        "pop {{r3-r11, pc}}",
        ".purgem column",
    )
}

/// All pairs of outputs of a patch's pixels.
///
/// Requantisation: (acc * m + 2^30) >> 31 is the high word of 2^32 acc + acc * (2m - 2^32) + 2^31, which is SMMLAR's; the
/// division by 2^shift rounds half away from zero by the last bit shifted out, after 1 is taken from what is negative. An output
/// whose multiplier is no shift to the right gets a wrong value.
///
/// Registers: r0 patch, r1 weights; r3-r6 the first output's sums, r7-r10 the second's; r2, r11 their weights; r12, lr inputs.
/// On the stack: the end of the weights, `task`.
///
/// # Safety
/// The task's parameters are those of `2 * pairs` outputs, in payload order; the patch has `steps` rows of four words, aligned to 4, and one more where there are `tails`; all outputs can be written.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn pairs(task: *mut Task) {
    task_asm!(
        cpu!(),
        ".macro row at, writeback",
        "ldr r11, [r1, #4 * \\at + 4]\\writeback",
        "ldr r12, [r0, #16 * \\at + 4]",
        "ldr lr, [r0, #16 * \\at + 8]",
        "sxtb16 r2, r11",
        "sxtb16 r11, r11, ror #8",
        "smlad r3, r2, r12, r3",
        "smlad r7, r11, r12, r7",
        "smlad r4, r2, lr, r4",
        "smlad r8, r11, lr, r8",
        "ldr r12, [r0, #16 * \\at + 12]",
        "ldr lr, [r0, #16 * \\at + 16]\\writeback",
        "smlad r5, r2, r12, r5",
        "smlad r9, r11, r12, r9",
        "smlad r6, r2, lr, r6",
        "smlad r10, r11, lr, r10",
        ".endm",
        requantize!(),
        "push {{r4-r11, lr}}",
        "sub sp, #8",
        "str r0, [sp, #4]",
        ".p2align 2",
        "0:",
        "ldr r1, [r0, #{weights}]",
        "ldr r2, [r0, #{steps}]",
        "ldr r12, [r0, #{patch}]",
        "ldr r11, [r0, #{biases}]",
        "ldm r11!, {{r3, r7}}",
        "str r11, [r0, #{biases}]",
        "mov r0, r12",
        "mov r4, r3",
        "mov r5, r3",
        "mov r6, r3",
        "mov r8, r7",
        "mov r9, r7",
        "mov r10, r7",
        // Both pointers lie a word before what is loaded next, so that the last row's loads can move them on.
        "subs r0, #4",
        "subs r1, #4",
        "cmp r2, #0",
        "beq 4f",
        "add r12, r1, r2, lsl #2",
        "str r12, [sp]",
        // Into the loop of eight rows at one from which on whole rounds are left: a row is 60 bytes.
        "rsb r2, r2, #0",
        "and r2, r2, #7",
        "sub r0, r0, r2, lsl #4",
        "sub r1, r1, r2, lsl #2",
        "rsb r2, r2, r2, lsl #4",
        "adr r11, 1f",
        "add r11, r11, r2, lsl #2",
        "mov pc, r11",
        ".p2align 2",
        "1:",
        ".irp at, 0, 1, 2, 3, 4, 5, 6",
        "row \\at",
        ".endr",
        "row 7, !",
        "ldr r2, [sp]",
        "cmp r1, r2",
        "bne 1b",
        "4:",
        "ldr r2, [sp, #4]",
        "adds r1, #4",
        "str r1, [r2, #{weights}]",
        "ldr r1, [r2, #{tails}]",
        "cbz r1, 5f",
        "ldrsb r11, [r1], #1",
        "ldrsb r12, [r1], #1",
        "str r1, [r2, #{tails}]",
        "ldr r1, [r0, #4]",
        "ldr lr, [r0, #8]",
        "smlabb r3, r11, r1, r3",
        "smlabb r7, r12, r1, r7",
        "smlabb r4, r11, lr, r4",
        "smlabb r8, r12, lr, r8",
        "ldr r1, [r0, #12]",
        "ldr lr, [r0, #16]",
        "smlabb r5, r11, r1, r5",
        "smlabb r9, r12, r1, r9",
        "smlabb r6, r11, lr, r6",
        "smlabb r10, r12, lr, r10",
        "5:",
        "ldr r12, [r2, #{exponents}]",
        "ldr r0, [r2, #{mantissas}]",
        "ldrsb lr, [r12], #1",
        "ldm r0!, {{r1, r11}}",
        "str r0, [r2, #{mantissas}]",
        "ldrsb r0, [r12], #1",
        "str r12, [r2, #{exponents}]",
        "ldr r12, [r2, #{zero_point}]",
        "lsls r1, r1, #1",
        "lsl r11, r11, #1",
        "rsb lr, lr, #0",
        "rsbs r0, r0, #0",
        "requantize r1, lr, r3, r4, r5, r6",
        "requantize r11, r0, r7, r8, r9, r10",
        "ldr r0, [r2, #{output}]",
        "ldr r1, [r2, #{pixels}]",
        "ldr r11, [r2, #{stride}]",
        "ldr r12, [r2, #{pairs}]",
        "bfi r3, r7, #8, #8",
        "bfi r4, r8, #8, #8",
        "strh r3, [r0], #2",
        "str r0, [r2, #{output}]",
        "subs r0, #2",
        "cmp r1, #2",
        "blo 6f",
        "strh r4, [r0, r11]",
        "beq 6f",
        "add r0, r0, r11, lsl #1",
        "bfi r5, r9, #8, #8",
        "bfi r6, r10, #8, #8",
        "strh r5, [r0]",
        "cmp r1, #3",
        "beq 6f",
        "strh r6, [r0, r11]",
        "6:",
        "mov r0, r2",
        "subs r12, #1",
        "str r12, [r2, #{pairs}]",
        "bne 0b",
        "add sp, #8",
        "pop {{r4-r11, pc}}",
        ".purgem row",
        ".purgem requantize",
    )
}

/// Outputs that [`dots`] computes at once.
pub const DOTS: usize = 4;

/// sums[lane] = sum x w over `4 * quads` positions, of two pairs of outputs whose weights lie `apart` bytes from each other.
///
/// Registers: r0 input, r1, r2 the pairs' weights, r3 quads; r4 to r7 sums; r8, r9 inputs; r10 to r12, lr weights, and what inputs are made of.
///
/// # Safety
/// `input` has `quads`, not 0, words and each pair's weights twice as many.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn dots(
    input: *const i8,
    weights: *const i8,
    apart: usize,
    quads: usize,
    sums: &mut [i32; DOTS],
) {
    naked_asm!(
        cpu!(),
        ".macro pair a, b",
        "sxtb16 r12, r10",
        "sxtb16 r10, r10, ror #8",
        "smlad \\a, r12, r8, \\a",
        "smlad \\b, r10, r8, \\b",
        "sxtb16 r12, r11",
        "sxtb16 r11, r11, ror #8",
        "smlad \\a, r12, r9, \\a",
        "smlad \\b, r11, r9, \\b",
        ".endm",
        ".macro quad",
        "ldr r12, [r0], #4",
        "ldr r10, [r1], #4",
        "ldr r11, [r1], #4",
        "sxtb16 lr, r12",
        "sxtb16 r12, r12, ror #8",
        "pkhbt r8, lr, r12, lsl #16",
        "pkhtb r9, r12, lr, asr #16",
        "pair r4, r5",
        "ldr r10, [r2], #4",
        "ldr r11, [r2], #4",
        "pair r6, r7",
        ".endm",
        "push {{r4-r11, lr}}",
        "add r2, r1",
        "movs r4, #0",
        "movs r5, #0",
        "movs r6, #0",
        "movs r7, #0",
        "adds r3, #1",
        "lsrs r3, r3, #1", // carries for an even number
        "bcc 2f",
        ".p2align 2",
        "1:",
        "quad",
        "2:",
        "quad",
        "subs r3, #1",
        "bne 1b",
        "ldr r0, [sp, #36]",
        "stm r0, {{r4-r7}}",
        "pop {{r4-r11, pc}}",
        ".purgem pair",
        ".purgem quad",
    )
}

/// pixel[c] = the maximum of upper[c], upper[channels + c], lower[c], lower[channels + c].
///
/// # Safety
/// `pixel` has `channels` bytes to write, both rows twice as many.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn max_of_rows(pixel: *mut i8, upper: *const i8, lower: *const i8, channels: usize) {
    naked_asm!(
        cpu!(),
        ".macro greater a, b",
        "ssub8 lr, \\a, \\b",
        "sel \\a, \\a, \\b",
        ".endm",
        "push {{r4-r7, lr}}",
        "add r4, r1, r3",
        "add r5, r2, r3",
        "subs r3, #4",
        "blo 2f",
        "1:",
        "ldr r6, [r1], #4",
        "ldr r7, [r4], #4",
        "ldr r12, [r2], #4",
        "greater r6, r7",
        "ldr r7, [r5], #4",
        "greater r12, r7",
        "greater r6, r12",
        "str r6, [r0], #4",
        "subs r3, #4",
        "bhs 1b",
        "2:",
        "adds r3, #4",
        "beq 4f",
        "3:",
        "ldrb r6, [r1], #1",
        "ldrb r7, [r4], #1",
        "ldrb r12, [r2], #1",
        "greater r6, r7",
        "ldrb r7, [r5], #1",
        "greater r12, r7",
        "greater r6, r12",
        "strb r6, [r0], #1",
        "subs r3, #1",
        "bne 3b",
        "4:",
        "pop {{r4-r7, pc}}",
        ".purgem greater",
    )
}

#[cfg(feature = "add")]
pub use super::fast::add::add;
#[cfg(feature = "depthwise-conv2d")]
pub use super::fast::depthwise_conv2d::{Filters, unzip};
pub use super::fast::requantize;
pub use super::fast::{linear, max_of_four};
pub(super) use secateur_shared::quant::doubling_high_multiply;
