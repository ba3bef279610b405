//! The inputs under some windows.

use super::PIXELS;
use crate::kernels::fast::{self, with_offsets};
use crate::kernels::outputs::{self, Fate, Outputs, slow_sum};
use crate::kernels::runs::Runs;
use core::arch::naked_asm;

/// The inputs under the windows of [`PIXELS`] output pixels, and what is computed of them. For each two positions there is a
/// word a pixel, the first position in its low half.
pub struct Patch<'s> {
    words: &'s mut [[[i16; 2]; PIXELS]],
    outputs: &'s Outputs<'s>,
    /// How the windows lie in the input.
    pub(crate) runs: Runs,
    slow_from: usize,
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
        let (kept, scratch) = outputs::kept(scratch, outputs, if is_pooled { PIXELS / 2 } else { 0 })?;
        let rows = outputs.parameters.per_output.div_ceil(2);
        let (words, rest) = scratch.split_at_mut_checked(rows * size_of::<[[i16; 2]; PIXELS]>())?;
        (words.as_ptr() as usize).is_multiple_of(4).then_some(())?;
        let words = bytemuck::try_cast_slice_mut(words).ok()?;
        Some((Self { words, outputs, runs, slow_from: fast::slow_from(outputs), kept }, rest))
    }

    /// Takes the runs, one a pixel, of so many of the kernel's rows in, from one of them on.
    #[inline(never)]
    pub fn gather(&mut self, first: usize, input: &[i8], rows: usize) {
        let runs = &self.runs;
        let (at, values) = (first * runs.length, rows * runs.length);
        let is_room =
            at + values <= self.outputs.parameters.per_output && input.len() + runs.pitch >= runs.end(PIXELS, rows);
        if values == 0 || !is_room {
            return;
        }
        let place = self.words.as_mut_ptr().wrapping_add(at / 2).cast::<i16>().wrapping_add(at % 2);
        // Windows of three columns, one apart: two of three columns are those of the pixel before.
        let is_shared = runs.length == 3 * runs.step && runs.step.is_multiple_of(4);
        // SAFETY: `input` has all four runs of each row, which are not empty, and the place room for them; where columns are
        // shared a run is a multiple of 4 long, and so is what lies before the place.
        unsafe {
            match is_shared {
                true => widen_shared(place, input.as_ptr(), rows, runs),
                false => widen(place, input.as_ptr(), rows, runs),
            }
        }
    }

    /// Does with every output's sums what is to become of them.
    #[inline(always)]
    pub fn product(&mut self, fate: Fate, pixels: &mut [i8]) {
        let Self { words, outputs, slow_from, kept, .. } = self;
        let single = |output| single(words, outputs, output);
        // SAFETY: the patch has a row for each two positions.
        unsafe { fast::product(words.as_ptr().cast(), outputs, *slow_from, single, (fate, kept), pixels) }
    }
}

/// An output's sums, of the pixels.
fn single(words: &[[[i16; 2]; PIXELS]], outputs: &Outputs, output: usize) -> [i32; PIXELS] {
    let (mut sums, mut from) = ([0; PIXELS], 0);
    let quads = outputs.parameters.per_output / 4;
    if let Some(weights) = fast::alone(outputs, output).filter(|_| quads > 0) {
        // SAFETY: there are `quads`, not 0, words of weights, and two rows of the patch for each.
        unsafe { dot_patch(words.as_ptr().cast(), weights.as_ptr(), quads, &mut sums) }
        from = 4 * quads;
    }
    for (pixel, sum) in sums.iter_mut().enumerate() {
        let rest = slow_sum(outputs, output, from, &|position| {
            let pairs = words.get(position / 2).and_then(|row| row.get(pixel));
            pairs.map_or(0, |pair| pair[position % 2].into())
        });
        *sum = rest.wrapping_add(*sum);
    }
    sums
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
