//! The inner loops of Cortex-M4, M7 and M33: SMLAD multiplies two 16-bit pairs and adds both products.
//!
//! A word of a pair of outputs' weights, `[a0 b0 a1 b1]`, is two such pairs after two SXTB16. Inputs are widened to 16 bits
//! once a patch, so that both fit each other without being sorted again. Twin: `portable`.

use super::target::Target;
use core::arch::{asm, naked_asm};
use core::mem::offset_of;
use core::ptr;
use secateur_shared::packing::Pair;
use secateur_shared::quant::Multiplier;

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

    /// A pair of outputs, at each pixel.
    #[inline(always)]
    pub fn pair(&self, weights: &Pair, channels: [(i32, Multiplier); 2], target: &mut Target) {
        let is_right_shift = |(_, m): (i32, Multiplier)| m.exponent < 0 && m.mantissa > 0;
        let place = target.pairs().filter(|_| channels.into_iter().all(is_right_shift));
        let (output, pixels, step) = place.unwrap_or((ptr::null_mut(), 0, 0));
        let mut product = Product {
            biases: channels.map(|(bias, _)| bias),
            doubled_mantissas: channels.map(|(_, multiplier)| multiplier.mantissa << 1),
            shifts: channels.map(|(_, multiplier)| -i32::from(multiplier.exponent)),
            zero_point: target.zero_point().0.into(),
            last: weights.last.first().map_or(ptr::null(), ptr::from_ref),
            output,
            pixels,
            step,
            sums: [[0; PIXELS]; 2],
        };
        let steps = (weights.words.len() / 4).min(self.positions / 2);
        // SAFETY: there are `steps` words of weights and rows of the patch, whose words are aligned (the core loads words
        // of weights wherever they lie), and one more row where there is a last position; `Target` has the place.
        unsafe { pair(self.words.as_ptr().cast(), weights.words.as_ptr(), steps, &mut product) }
        if pixels == 0 {
            for (lane, (_, multiplier)) in channels.into_iter().enumerate() {
                target.store(lane, (0, multiplier), product.sums[lane]);
            }
        }
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

/// What [`pair`] adds to its sums and does with them.
#[repr(C)]
struct Product {
    biases: [i32; 2],
    /// Modulo 2^32, of mantissas that are not 0.
    doubled_mantissas: [i32; 2],
    /// To the right, 1 to 31.
    shifts: [i32; 2],
    zero_point: i32,
    /// The two weights at the last position where their number is odd.
    last: *const i8,
    /// Where the two outputs of the first pixel go.
    output: *mut i8,
    /// 1 to 4, or 0: then the sums, biases included, go to `sums`.
    pixels: usize,
    step: usize,
    sums: [[i32; PIXELS]; 2],
}

/// The outputs of four pixels, from `2 * steps` positions and the last odd one.
///
/// Requantisation: (acc * m + 2^30) >> 31 is the high word of 2^32 acc + acc * (2m - 2^32) + 2^31, which is SMMLAR's; the
/// division by 2^shift rounds half away from zero by the last bit shifted out, after 1 is taken from what is negative.
///
/// Registers: r0 patch, r1 weights; r3-r6 the first output's sums, r7-r10 the second's; r2, r11 their weights; r12, lr inputs.
/// On the stack: the steps that are left, `product`.
///
/// # Safety
/// `patch` has `steps` rows of four words, aligned to 4, and one more where `last` is not null; `weights` has `steps` words;
/// `pixels` pairs of bytes, `step` apart, can be written from `output` on.
#[unsafe(naked)]
unsafe extern "C" fn pair(patch: *const u32, weights: *const i8, steps: usize, product: *mut Product) {
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
        ".macro requantize sums:vararg",
        ".irp sum, \\sums",
        "smmlar \\sum, \\sum, r11, \\sum",
        "add \\sum, \\sum, \\sum, asr #31",
        "asrs \\sum, \\sum, lr",
        "adc \\sum, \\sum, r12",
        "ssat \\sum, #8, \\sum",
        ".endr",
        ".endm",
        "push {{r2-r11, lr}}",
        "ldrd r3, r7, [r3, #{biases}]",
        "mov r4, r3",
        "mov r5, r3",
        "mov r6, r3",
        "mov r8, r7",
        "mov r9, r7",
        "mov r10, r7",
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
        "ldr r1, [r2, #{last}]",
        "cbz r1, 5f",
        "ldrsb r11, [r1]",
        "ldrsb r1, [r1, #1]",
        "ldr r12, [r0]",
        "ldr lr, [r0, #4]",
        "smlabb r3, r11, r12, r3",
        "smlabb r7, r1, r12, r7",
        "smlabb r4, r11, lr, r4",
        "smlabb r8, r1, lr, r8",
        "ldr r12, [r0, #8]",
        "ldr lr, [r0, #12]",
        "smlabb r5, r11, r12, r5",
        "smlabb r9, r1, r12, r9",
        "smlabb r6, r11, lr, r6",
        "smlabb r10, r1, lr, r10",
        "5:",
        "ldr r1, [r2, #{pixels}]",
        "cmp r1, #0",
        "beq 6f",
        "ldr r12, [r2, #{zero_point}]",
        "ldrd r11, r0, [r2, #{doubled_mantissas}]",
        "ldr lr, [r2, #{shifts}]",
        "requantize r3, r4, r5, r6",
        "mov r11, r0",
        "ldr lr, [r2, #{shifts} + 4]",
        "requantize r7, r8, r9, r10",
        "ldr r0, [r2, #{output}]",
        "ldr r2, [r2, #{step}]",
        "bfi r3, r7, #8, #8",
        "strh r3, [r0]",
        "cmp r1, #2",
        "blo 7f",
        "bfi r4, r8, #8, #8",
        "strh r4, [r0, r2]",
        "beq 7f",
        "add r0, r0, r2, lsl #1",
        "bfi r5, r9, #8, #8",
        "strh r5, [r0]",
        "cmp r1, #3",
        "beq 7f",
        "bfi r6, r10, #8, #8",
        "strh r6, [r0, r2]",
        "b 7f",
        "6:",
        "add r2, r2, #{sums}",
        "stm r2, {{r3-r10}}",
        "7:",
        "pop {{r2-r11, pc}}",
        ".purgem row",
        ".purgem requantize",
        biases = const offset_of!(Product, biases),
        doubled_mantissas = const offset_of!(Product, doubled_mantissas),
        shifts = const offset_of!(Product, shifts),
        zero_point = const offset_of!(Product, zero_point),
        last = const offset_of!(Product, last),
        output = const offset_of!(Product, output),
        pixels = const offset_of!(Product, pixels),
        step = const offset_of!(Product, step),
        sums = const offset_of!(Product, sums),
    )
}

/// sum x w of a pair of outputs.
pub fn linear_pair(input: &[i8], weights: &Pair) -> [i32; 2] {
    super::portable::linear_pair(input, weights)
}

pub use super::portable::linear_single;
pub use super::portable::max;
pub use super::portable::requantize;
