//! The inner loops of Cortex-M4, M7 and M33: SMLAD multiplies two 16-bit pairs and adds both products.
//!
//! A word of a pair of outputs' weights, `[a0 b0 a1 b1]`, is two such pairs after two SXTB16. Inputs are widened to 16 bits
//! once a patch, so that both fit each other without being sorted again. Twin: `portable`.

use core::arch::{asm, naked_asm};
use secateur_shared::packing::Pair;

/// Output pixels that a patch has windows of: two outputs each make eight accumulators, which is what the registers hold.
pub const PIXELS: usize = 4;

/// The inputs under the windows of [`PIXELS`] output pixels: for each two positions a word a pixel, the first position in
/// its low half.
pub struct Patch<'s> {
    words: &'s mut [[[i16; 2]; PIXELS]],
    positions: usize,
}

impl<'s> Patch<'s> {
    /// A patch of so many positions, and what is left of the scratch; `None` where it is too short or not aligned to 4.
    pub fn new(scratch: &'s mut [i8], positions: usize) -> Option<(Self, &'s mut [i8])> {
        let rows = positions.div_ceil(2);
        let (words, rest) = scratch.split_at_mut_checked(rows * size_of::<[[i16; 2]; PIXELS]>())?;
        (words.as_ptr() as usize).is_multiple_of(4).then_some(())?;
        Some((Self { words: bytemuck::try_cast_slice_mut(words).ok()?, positions }, rest))
    }

    /// Takes runs of equal length, one a pixel, in at a position.
    #[inline(never)]
    pub fn gather(&mut self, at: usize, runs: [&[i8]; PIXELS]) {
        for (pixel, run) in runs.into_iter().enumerate() {
            if at + run.len() <= self.positions {
                let words = self.words.as_mut_ptr().cast::<[i16; 2]>();
                // SAFETY: `at + run.len()` positions of the patch, and thus every word that holds one, lie in `words`.
                unsafe { widen(words.add(pixel), at, run) }
            }
        }
    }

    /// sum x w of a pair of outputs, at each pixel.
    #[inline(always)]
    pub fn pair(&self, weights: &Pair) -> [[i32; PIXELS]; 2] {
        let mut sums = [[0; PIXELS]; 2];
        let steps = (weights.words.len() / 4).min(self.words.len());
        // SAFETY: there are `steps` words of weights and rows of the patch, whose words are aligned; the core loads words
        // of weights wherever they lie.
        unsafe { pair(self.words.as_ptr().cast(), weights.words.as_ptr(), steps, &mut sums) }
        if let ([a, b], Some(last)) = (weights.last, self.words.last()) {
            for (pixel, [x, _]) in last.iter().enumerate() {
                sums[0][pixel] += i32::from(*x) * i32::from(*a);
                sums[1][pixel] += i32::from(*x) * i32::from(*b);
            }
        }
        sums
    }

    /// sum x w of one output, at each pixel.
    pub fn single(&self, weights: &[i8]) -> [i32; PIXELS] {
        let mut sums = [0; PIXELS];
        for (pixels, weights) in self.words.iter().zip(weights.chunks(2)) {
            for (sum, xs) in sums.iter_mut().zip(pixels) {
                *sum = xs.iter().zip(weights).fold(*sum, |sum, (x, w)| sum + i32::from(*x) * i32::from(*w));
            }
        }
        sums
    }
}

/// Widens a run into every fourth word from `words` on, from a position on.
///
/// # Safety
/// The words of all its positions can be written.
#[inline(always)]
unsafe fn widen(words: *mut [i16; 2], at: usize, run: &[i8]) {
    let place = |position: usize| {
        // SAFETY: the caller's.
        unsafe { words.add(position / 2 * PIXELS).cast::<i16>().add(position % 2) }
    };
    let (head, run) = run.split_at_checked(at % 2).unwrap_or((run, &[]));
    let at = at + head.len();
    let (quads, tail) = run.as_chunks::<4>();
    for (index, value) in head.iter().enumerate() {
        // SAFETY: a position of the run.
        unsafe { place(at - head.len() + index).write(i16::from(*value)) }
    }
    let mut to = place(at).cast::<u32>();
    for quad in quads {
        let [first, second] = widened(u32::from_le_bytes(quad.map(i8::cast_unsigned)));
        // SAFETY: `at` is even: two whole words of the run's positions, which are aligned to 4.
        unsafe {
            to.write(first);
            to.add(PIXELS).write(second);
            to = to.add(2 * PIXELS);
        }
    }
    for (index, value) in tail.iter().enumerate() {
        // SAFETY: a position of the run.
        unsafe { place(at + 4 * quads.len() + index).write(i16::from(*value)) }
    }
}

/// Four bytes as 16-bit numbers: the first two, the last two.
#[inline(always)]
fn widened(quad: u32) -> [u32; 2] {
    let (first, second): (u32, u32);
    // SAFETY: arithmetic on registers.
    unsafe {
        asm!(
            "sxtb16 {even}, {quad}",
            "sxtb16 {odd}, {quad}, ror #8",
            "pkhbt {first}, {even}, {odd}, lsl #16",
            "pkhtb {second}, {odd}, {even}, asr #16",
            quad = in(reg) quad,
            even = out(reg) _,
            odd = out(reg) _,
            first = lateout(reg) first,
            second = lateout(reg) second,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    [first, second]
}

/// sums[lane][pixel] = sum x w over `2 * steps` positions.
///
/// Registers: r0 patch, r1 weights; r3-r6 the first output's sums, r7-r10 the second's; r2, r11 their weights; r12, lr inputs.
/// On the stack: what is left of `steps`, the address of `sums`.
///
/// # Safety
/// `patch` has `steps` rows of four words, aligned to 4, `weights` as many words; eight words of `sums` can be written.
#[unsafe(naked)]
unsafe extern "C" fn pair(patch: *const u32, weights: *const i8, steps: usize, sums: *mut [[i32; PIXELS]; 2]) {
    naked_asm!(
        ".macro row at",
        "ldr r11, [r1, #4 * \\at]",
        "ldr r12, [r0, #16 * \\at]",
        "ldr lr, [r0, #16 * \\at + 4]",
        "sxtb16 r2, r11",
        "sxtb16 r11, r11, ror #8",
        "smlad r3, r2, r12, r3",
        "smlad r7, r11, r12, r7",
        "smlad r4, r2, lr, r4",
        "smlad r8, r11, lr, r8",
        "ldr r12, [r0, #16 * \\at + 8]",
        "ldr lr, [r0, #16 * \\at + 12]",
        "smlad r5, r2, r12, r5",
        "smlad r9, r11, r12, r9",
        "smlad r6, r2, lr, r6",
        "smlad r10, r11, lr, r10",
        ".endm",
        "push {{r2-r11, lr}}",
        "movs r3, #0",
        "mov r4, r3",
        "mov r5, r3",
        "mov r6, r3",
        "mov r7, r3",
        "mov r8, r3",
        "mov r9, r3",
        "mov r10, r3",
        "subs r2, #8",
        "blo 2f",
        "1:",
        "str r2, [sp]",
        ".irp at, 0, 1, 2, 3, 4, 5, 6, 7",
        "row \\at",
        ".endr",
        "ldr r2, [sp]",
        "adds r0, #128",
        "adds r1, #32",
        "subs r2, #8",
        "bhs 1b",
        "2:",
        "adds r2, #8",
        "beq 4f",
        "3:",
        "str r2, [sp]",
        "row 0",
        "ldr r2, [sp]",
        "adds r0, #16",
        "adds r1, #4",
        "subs r2, #1",
        "bne 3b",
        "4:",
        "ldr r2, [sp, #4]",
        "stm r2, {{r3-r10}}",
        "pop {{r2-r11, pc}}",
        ".purgem row",
    )
}

/// sum x w of a pair of outputs.
pub fn linear_pair(input: &[i8], weights: &Pair) -> [i32; 2] {
    super::portable::linear_pair(input, weights)
}

pub use super::portable::linear_single;
pub use super::portable::max;
pub use super::portable::requantize;
