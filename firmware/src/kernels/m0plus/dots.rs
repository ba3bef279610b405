//! A fully connected layer's sums.

use core::arch::naked_asm;

/// Outputs that [`dots`] computes at once.
pub(crate) const DOTS: usize = 2;

/// sums[lane] = sum x w over `4 * quads` positions, of a pair of outputs; `apart` is for two.
///
/// Registers: r0 input, r1 weights, r2 their end; r3 inputs, r4 weights, r5, r6 one of each; r7, r8 sums.
///
/// # Safety
/// `input` has `quads`, not 0, words and `weights` twice as many, aligned to 4.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn dots(
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
