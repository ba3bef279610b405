//! The inputs under some windows.

use super::PIXELS;
use crate::kernels::fast::{self, with_offsets};
use crate::kernels::outputs::{self, Fate, Outputs, slow_sum};
use crate::kernels::runs::Runs;
use core::arch::naked_asm;

/// The inputs under the windows of [`PIXELS`] output pixels, a word a position, and what is computed of them.
pub struct Patch<'s> {
    words: &'s mut [i32],
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
        let (words, rest) = scratch.split_at_mut_checked(4 * outputs.parameters.per_output)?;
        let words = bytemuck::try_cast_slice_mut(words).ok()?;
        Some((Self { words, outputs, runs, slow_from: fast::slow_from(outputs), kept }, rest))
    }

    /// Takes the runs, one a pixel, of so many of the kernel's rows in, from one of them on.
    #[inline(never)]
    pub fn gather(&mut self, first: usize, input: &[i8], rows: usize) {
        let runs = &self.runs;
        let (at, values) = (first * runs.length, rows * runs.length);
        let is_room = at + values <= self.words.len() && input.len() + runs.pitch >= runs.end(PIXELS, rows);
        if values > 0 && is_room {
            let place = self.words.as_mut_ptr().wrapping_add(at);
            // SAFETY: `input` has both runs of each row, which are not empty, and there are as many words.
            unsafe { join(place, input.as_ptr(), rows, runs) }
        }
    }

    /// Does with every output's sums what is to become of them.
    #[inline(always)]
    pub fn product(&mut self, fate: Fate, pixels: &mut [i8]) {
        let Self { words, outputs, slow_from, kept, .. } = self;
        let single = |output| single(words, outputs, output);
        // SAFETY: the patch has a word for each position.
        unsafe { fast::product(words.as_ptr().cast(), outputs, *slow_from, single, (fate, kept), pixels) }
    }
}

/// An output's sums, of the pixels.
fn single(words: &[i32], outputs: &Outputs, output: usize) -> [i32; PIXELS] {
    let (mut sums, mut from) = ([0; PIXELS], 0);
    let steps = outputs.parameters.per_output / 2;
    if let Some(weights) = fast::alone(outputs, output).filter(|_| steps > 0) {
        // SAFETY: there are `steps`, not 0, pairs of weights and of the patch's words.
        unsafe { dot_patch(words.as_ptr(), weights.as_ptr(), steps, &mut sums) }
        from = 2 * steps;
    }
    for (pixel, sum) in sums.iter_mut().enumerate() {
        let rest = slow_sum(outputs, output, from, &|position| {
            let word = words.get(position).copied().unwrap_or(0);
            // The second pixel's share was taken down by the first one's sign.
            let first = i32::from(word as i16);
            if pixel == 0 { first } else { word.wrapping_sub(first) >> 16 }
        });
        *sum = rest.wrapping_add(*sum);
    }
    sums
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
        "mov r9, r2",
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
        "add r8, r5",
        "add r5, r12",
        "asrs r5, r5, #16",
        "add r9, r5",
        "cmp r1, r7",
        "bne 1b",
        // As the macro `end` of `pairs`.
        "mov r0, r8",
        "mov r1, r9",
        "lsls r7, r1, #16",
        "subs r0, r0, r7",
        "pop {{r2, r3, r4, r5}}",
        "mov r8, r4",
        "mov r9, r5",
        "stmia r3!, {{r0, r1}}",
        "pop {{r4-r7, pc}}",
        ".p2align 2",
        "2:",
        ".word 0x7FFF - 0x10000",
    )
}

/// A word of the values at each position of two pixels' runs: the first one + 2^16 the second one.
///
/// First layers have a path of their own, one for 1 channel and one for 3: where windows are three columns wide and one apart,
/// no value of a row is loaded twice.
///
/// Registers of any other layer: r1, r2 where the runs end, r3 how far before it; r4, r5 values; r6 rows, r7 the length; on the
/// stack `runs`. Of those: r1 input; r2, r3, r7 one to three columns, r4, r5 values of two neighbouring ones; r12 from a row's
/// last channel to the next row, lr the end of the rows.
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
        ".macro column offset, low, high",
        "ldrsb \\high, [r1, \\offset]",
        "lsls r6, \\high, #16",
        "adds \\low, \\low, r6",
        ".endm",
        // A row's three words of a channel, which is the first one at r1.
        ".macro channel first, channels",
        "ldrb r4, [r1]",
        "sxtb r4, r4",
        "column r2, r4, r5",
        "str r4, [r0, #4 * \\first]",
        "column r3, r5, r4",
        "str r5, [r0, #4 * (\\first + \\channels)]",
        "column r7, r4, r5",
        "str r4, [r0, #4 * (\\first + 2 * \\channels)]",
        ".endm",
        ".macro next from, channels",
        "adds r0, #12 * \\channels",
        "add r1, r12",
        "cmp r1, lr",
        "bne \\from",
        "pop {{r3-r7, pc}}",
        ".endm",
        "push {{r3-r7, lr}}",
        "movs r6, r2",
        "ldr r7, [r3, #{length}]",
        "ldr r2, [r3, #{step}]",
        "lsls r4, r2, #1",
        "adds r5, r4, r2",
        "cmp r5, r7",
        "bne 5f",
        "cmp r2, #3",
        "bhi 5f",
        "lsls r5, r2, #31",
        "beq 5f",
        "ldr r3, [r3, #{pitch}]",
        "muls r6, r3, r6",
        "adds r6, r6, r1",
        "mov lr, r6",
        "subs r3, r3, r2",
        "adds r3, #1",
        "mov r12, r3",
        "mov r3, r4",
        "cmp r2, #1",
        "bne 4f",
        "3:",
        "channel 0, 1",
        "next 3b, 1",
        "4:",
        "channel 0, 3",
        "adds r1, #1",
        "channel 1, 3",
        "adds r1, #1",
        "channel 2, 3",
        "next 4b, 3",
        "5:",
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
        ".irp name, value, column, channel, next",
        ".purgem \\name",
        ".endr",
    )
}
