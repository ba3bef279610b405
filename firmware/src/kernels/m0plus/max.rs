//! The maximum over 2 x 2 pixels.

use core::arch::naked_asm;

/// pixel[c] = the maximum of upper[c], upper[channels + c], lower[c], lower[channels + c].
///
/// # Safety
/// `pixel` has `channels`, not 0, bytes to write, both rows twice as many.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn max_of_rows(pixel: *mut i8, upper: *const i8, lower: *const i8, channels: usize) {
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
