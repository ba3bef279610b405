//! Addition on Cortex-M0 and M0+.

use crate::kernels::fast::add::{Sum, sum_asm};

/// All values of a sum. The second's product d * 2^left * m, where d has 9 bits, is that of m's upper 20 bits and of its lower 11
/// ones, each in 32 bits; the output is requantised as in `pairs`.
///
/// Registers: r6 task, r7 minus the values left, from the tensors' ends; r8, r9 upper and lower bits of the second's multiplier,
/// r10 its zero point; r11 the first's zero point and 2^31; r12 multiplier and lr shift of the output; r0 to r3 values.
///
/// # Safety
/// As [`Sum`] says: there are `count`, not 0, values of all three.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn sum(task: *mut Sum) {
    sum_asm!(
        requantize!(),
        "push {{r4-r7, lr}}",
        "mov r4, r8",
        "mov r5, r9",
        "mov r6, r10",
        "mov r7, r11",
        "push {{r4-r7}}",
        "mov r6, r0",
        "ldr r0, [r6, #{output_mantissa}]",
        "mov r12, r0",
        "ldr r0, [r6, #{output_right}]",
        "mov lr, r0",
        // The mantissa's upper bits to r8, its lower 11 to r9.
        "ldr r0, [r6, #{mantissa}]",
        "lsrs r1, r0, #11",
        "mov r8, r1",
        "lsls r0, r0, #21",
        "lsrs r0, r0, #21",
        "mov r9, r0",
        "ldr r0, [r6, #{second_zero}]",
        "mov r10, r0",
        // Zero point of the first, with what makes an accumulator of their sum.
        "ldr r0, [r6, #{first_zero}]",
        "movs r1, #1",
        "lsls r1, r1, #31",
        "subs r1, r1, r0",
        "mov r11, r1",
        // From the values' end.
        "ldr r7, [r6, #{count}]",
        "ldr r0, [r6, #{first}]",
        "adds r0, r0, r7",
        "str r0, [r6, #{first}]",
        "ldr r0, [r6, #{second}]",
        "adds r0, r0, r7",
        "str r0, [r6, #{second}]",
        "ldr r0, [r6, #{output}]",
        "adds r0, r0, r7",
        "str r0, [r6, #{output}]",
        "rsbs r7, r7, #0",
        "1:",
        "ldr r0, [r6, #{second}]",
        "ldrsb r0, [r0, r7]",
        "mov r1, r10",
        "subs r0, r0, r1",
        "ldr r2, [r6, #{left}]",
        "subs r2, #20",
        "lsls r0, r2",
        "mov r1, r8",
        "muls r1, r0, r1",
        "mov r2, r9",
        "muls r2, r0, r2",
        "movs r3, #1",
        "lsls r3, r3, #10",
        "adds r2, r2, r3",
        "asrs r2, r2, #11",
        "adds r1, r1, r2",
        "asrs r2, r1, #31",
        "adds r1, r1, r2",
        "ldr r0, [r6, #{first}]",
        "ldrsb r0, [r0, r7]",
        "lsls r0, r0, #19",
        "add r0, r11",
        "ldr r2, [r6, #{right}]",
        "asrs r1, r2",
        "adcs r0, r1",
        "value r0",
        "ldr r0, [r6, #{output}]",
        "strb r3, [r0, r7]",
        "adds r7, #1",
        "bne 1b",
        "pop {{r4-r7}}",
        "mov r8, r4",
        "mov r9, r5",
        "mov r10, r6",
        "mov r11, r7",
        "pop {{r4-r7, pc}}",
        ".purgem value",
    )
}
