//! Addition on Cortex-M4, M7 and M33.

use crate::kernels::fast::add::{Sum, sum_asm};

/// All values of a sum; requantised as in `pairs`.
///
/// Registers: r0 first, r1 second, r2 output, r3 count; r4 and r5 zero points, r6 left shift; r7 multiplier and r8 shift of the
/// second, r9 and r10 of the output, whose zero point is r12; r11, lr values.
///
/// # Safety
/// As [`Sum`] says: there are `count`, not 0, values of all three.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn sum(task: *mut Sum) {
    sum_asm!(
        cpu!(),
        requantize!(),
        ".macro value",
        "ldrsb r11, [r0], #1",
        "ldrsb lr, [r1], #1",
        "rsb r11, r4, r11, lsl #19",
        "subs lr, lr, r5",
        "lsl lr, lr, r6",
        "smmlar lr, lr, r7, lr",
        "add lr, lr, lr, asr #31",
        "asrs lr, lr, r8",
        "adc r11, r11, lr",
        "requantize r9, r10, r11",
        "strb r11, [r2], #1",
        ".endm",
        "push {{r4-r11, lr}}",
        "ldr r1, [r0, #{second}]",
        "ldr r2, [r0, #{output}]",
        "ldr r3, [r0, #{count}]",
        "ldr r4, [r0, #{first_zero}]",
        "ldr r5, [r0, #{second_zero}]",
        "ldr r6, [r0, #{left}]",
        "ldr r7, [r0, #{mantissa}]",
        "ldr r8, [r0, #{right}]",
        "ldr r9, [r0, #{output_mantissa}]",
        "ldr r10, [r0, #{output_right}]",
        "ldr r12, [r0, #{zero_point}]",
        "ldr r0, [r0, #{first}]",
        "lsls r7, r7, #1",
        "lsl r9, r9, #1",
        "lsls r11, r3, #31",
        "beq 1f",
        "value",
        "subs r3, #1",
        "beq 2f",
        "1:",
        "value",
        "value",
        "subs r3, #2",
        "bne 1b",
        "2:",
        "pop {{r4-r11, pc}}",
        ".purgem value",
        ".purgem requantize",
    )
}
