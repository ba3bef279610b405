//! The maximum over 2 x 2 pixels.

use core::arch::naked_asm;

/// pixel[c] = the maximum of upper[c], upper[channels + c], lower[c], lower[channels + c].
///
/// # Safety
/// `pixel` has `channels` bytes to write, both rows twice as many.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn max_of_rows(pixel: *mut i8, upper: *const i8, lower: *const i8, channels: usize) {
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
