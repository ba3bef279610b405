//! The inner loops of Cortex-M0 and M0+, which have a 32-bit multiplication and eight registers that do arithmetic.
//!
//! Two pixels' inputs share a word, x + 2^16 y, so that one multiplication makes two products. A word takes the sum of two
//! positions: their low halves, s in -32512..=32768, are carried into the upper half by adding 2^15 - 1 - 2^16, which leaves
//! t - 1 there, exactly. The words' sum modulo 2^32 and the upper halves' sum give both pixels' sums. Twin: `portable`.

use super::outputs::Outputs;
use core::arch::naked_asm;
use secateur_shared::quant::{Activation, Multiplier, ZeroPoint};

/// Output pixels that a patch has windows of.
pub const PIXELS: usize = 2;

/// Added to a word before its upper half is taken.
const CARRY: i32 = 0x7FFF - 0x1_0000;

/// The inputs under the windows of [`PIXELS`] output pixels, a word a position, and what is computed of them.
pub struct Patch<'s> {
    words: &'s mut [i32],
    outputs: Outputs<'s>,
}

impl<'s> Patch<'s> {
    /// A patch for these outputs, and what is left of the scratch; `None` where it is too short or not aligned to 4.
    pub fn new(scratch: &'s mut [i8], outputs: Outputs<'s>) -> Option<(Self, &'s mut [i8])> {
        let (words, rest) = scratch.split_at_mut_checked(4 * outputs.parameters.per_output)?;
        Some((Self { words: bytemuck::try_cast_slice_mut(words).ok()?, outputs }, rest))
    }

    /// Takes runs of equal length, one a pixel, in at a position.
    #[inline(always)]
    pub fn gather(&mut self, at: usize, [first, second]: [&[i8]; PIXELS]) {
        let words = self.words.get_mut(at..at + first.len());
        if let Some(words) = words.filter(|words| !words.is_empty() && second.len() == words.len()) {
            // SAFETY: all three have this length, which is not 0.
            unsafe { join(words.as_mut_ptr(), first.as_ptr(), second.as_ptr(), words.len()) }
        }
    }

    /// Every output of the pixels.
    #[inline(always)]
    pub fn product(&self, pixels: &mut [i8]) {
        let mut output = 0;
        while let Some(weights) = self.outputs.parameters.pair(output / 2) {
            let steps = weights.words.len() / 4;
            let mut sums = [[0; PIXELS]; 2];
            if steps > 0 && 2 * steps <= self.words.len() {
                // SAFETY: `steps` is not 0, and there are as many words of weights, aligned by the format, and twice as
                // many of inputs.
                unsafe { pair(self.words.as_ptr(), weights.words.as_ptr().cast(), steps, &mut sums) }
            }
            for (lane, sums) in sums.iter_mut().enumerate() {
                if let (Some(weight), Some(word)) = (weights.last.get(lane), self.words.last()) {
                    add(sums, *word, *weight);
                }
                self.outputs.store(output + lane, *sums, pixels);
            }
            output += 2;
        }
        if let Some(weights) = self.outputs.parameters.single() {
            let mut sums = [0; PIXELS];
            self.words.iter().zip(weights).for_each(|(word, weight)| add(&mut sums, *word, *weight));
            self.outputs.store(output, sums, pixels);
        }
    }
}

/// Adds a weight's products with both pixels of a word.
#[inline(always)]
fn add(sums: &mut [i32; PIXELS], word: i32, weight: i8) {
    let first = i32::from(word as i16);
    let second = word.wrapping_sub(first) >> 16;
    sums[0] = sums[0].wrapping_add(first * i32::from(weight));
    sums[1] = sums[1].wrapping_add(second * i32::from(weight));
}

/// words[i] = first[i] + 2^16 second[i].
///
/// # Safety
/// All three have this length, which is not 0.
#[unsafe(naked)]
unsafe extern "C" fn join(words: *mut i32, first: *const i8, second: *const i8, length: usize) {
    naked_asm!(
        ".macro value",
        "ldrsb r4, [r1, r3]",
        "ldrsb r5, [r2, r3]",
        "lsls r5, r5, #16",
        "adds r4, r4, r5",
        "stmia r0!, {{r4}}",
        "adds r3, r3, #1",
        ".endm",
        "push {{r4, r5, lr}}",
        "adds r1, r1, r3",
        "adds r2, r2, r3",
        "rsbs r3, r3, #0",
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
        "pop {{r4, r5, pc}}",
        ".purgem value",
    )
}

/// sums[lane][pixel] = sum x w over `2 * steps` positions.
///
/// Registers: r0 patch, r1 weights, r7 the patch's end; r2, r3 inputs, r4 weights, r5, r6 products; r8, r9 the first output's
/// sum of words and of upper halves, r10, r11 the second's; r12 the carry.
///
/// # Safety
/// `steps` is not 0; the patch has `2 * steps` words, `weights` has `steps`, aligned to 4; four words of `sums` can be written.
#[unsafe(naked)]
unsafe extern "C" fn pair(patch: *const i32, weights: *const i32, steps: usize, sums: *mut [[i32; PIXELS]; 2]) {
    naked_asm!(
        ".macro step",
        "ldmia r0!, {{r2, r3}}",
        "ldmia r1!, {{r4}}",
        "sxtb r5, r4",
        "muls r5, r2, r5",
        "lsls r6, r4, #8",
        "asrs r6, r6, #24",
        "muls r6, r3, r6",
        "adds r5, r5, r6",
        "add r5, r12",
        "add r8, r5",
        "asrs r5, r5, #16",
        "add r9, r5",
        "lsls r5, r4, #16",
        "asrs r5, r5, #24",
        "muls r5, r2, r5",
        "asrs r4, r4, #24",
        "muls r4, r3, r4",
        "adds r5, r5, r4",
        "add r5, r12",
        "add r10, r5",
        "asrs r5, r5, #16",
        "add r11, r5",
        ".endm",
        "push {{r4-r7, lr}}",
        "mov r4, r8",
        "mov r5, r9",
        "mov r6, r10",
        "mov r7, r11",
        "push {{r2-r7}}",
        "ldr r4, 5f",
        "mov r12, r4",
        "movs r4, #0",
        "mov r8, r4",
        "mov r9, r4",
        "mov r10, r4",
        "mov r11, r4",
        "lsls r7, r2, #3",
        "adds r7, r7, r0",
        "lsls r4, r2, #30",
        "beq 2f",
        // One to three steps, so that fours are left.
        "lsrs r4, r4, #30",
        "lsls r4, r4, #3",
        "adds r4, r4, r0",
        "mov lr, r4",
        "1:",
        "step",
        "cmp r0, lr",
        "bne 1b",
        "cmp r0, r7",
        "beq 3f",
        "2:",
        "step",
        "step",
        "step",
        "step",
        "cmp r0, r7",
        "bne 2b",
        "3:",
        // Of n words: upper halves' sum + n, words' sum - 2^16 (upper halves' sum) - n (2^15 - 1).
        "pop {{r2, r3}}",
        "lsls r4, r2, #15",
        "subs r4, r4, r2",
        "mov r0, r9",
        "adds r1, r0, r2",
        "lsls r0, r0, #16",
        "mov r5, r8",
        "subs r0, r5, r0",
        "subs r0, r0, r4",
        "stmia r3!, {{r0, r1}}",
        "mov r0, r11",
        "adds r1, r0, r2",
        "lsls r0, r0, #16",
        "mov r5, r10",
        "subs r0, r5, r0",
        "subs r0, r0, r4",
        "stmia r3!, {{r0, r1}}",
        "pop {{r4-r7}}",
        "mov r8, r4",
        "mov r9, r5",
        "mov r10, r6",
        "mov r11, r7",
        "pop {{r4-r7, pc}}",
        ".p2align 2",
        "5:",
        ".word {carry}",
        ".purgem step",
        carry = const CARRY,
    )
}

/// As [`Multiplier::requantize`], without a 64-bit multiplication.
#[inline(always)]
pub fn requantize(multiplier: Multiplier, sum: i32, zero_point: ZeroPoint, activation: Activation) -> i8 {
    let left = multiplier.exponent.max(0) as u32;
    let right = (-i32::from(multiplier.exponent)).max(0) as u32;
    let high = doubling_high_multiply(sum.wrapping_shl(left), multiplier.mantissa);
    let high = match right {
        0 => high,
        // The last bit shifted out rounds half away from zero, after 1 is taken from what is negative.
        _ => {
            let shifted = (high + (high >> 31)) >> (right - 1);
            (shifted >> 1) + (shifted & 1)
        }
    };
    let value = high.wrapping_add(i32::from(zero_point.0));
    value.clamp(activation.low.into(), activation.high.into()) as i8
}

/// (accumulator * mantissa + 2^30) >> 31 by four products of halves; the mantissa is not negative.
#[inline(always)]
fn doubling_high_multiply(accumulator: i32, mantissa: i32) -> i32 {
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

pub use super::portable::{linear, max};
