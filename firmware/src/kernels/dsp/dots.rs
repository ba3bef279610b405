//! A fully connected layer's sums.

use core::arch::naked_asm;

/// Outputs that [`dots`] computes at once.
pub(crate) const DOTS: usize = 4;

/// sums[lane] = sum x w over `4 * quads` positions, of two pairs of outputs whose weights lie `apart` bytes from each other.
///
/// Registers: r0 input, r1, r2 the pairs' weights, r3 quads; r4 to r7 sums; r8, r9 inputs; r10 to r12, lr weights, and what inputs are made of.
///
/// # Safety
/// `input` has `quads`, not 0, words and each pair's weights twice as many.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn dots(
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
