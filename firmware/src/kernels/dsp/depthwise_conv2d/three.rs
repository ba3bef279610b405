//! Filters of 3 x 3.

use crate::kernels::fast::depthwise_conv2d::{Filter, filter_asm};

/// A filter of 3 x 3: its parameters, and the pointers moved on.
///
/// Registers then: r0 strip, r1 pitch; r4 to r6 the weights' outer columns in pairs, r7, r8 their middle ones; r9 multiplier,
/// r10 shift, r11 output. On the stack: bias, end of the strip, zero point, pixel, task.
macro_rules! begin_3x3 {
    () => {
        concat!(
            "push {{r4-r11, lr}}\n",
            "sub sp, #20\n",
            "ldr r1, [r0, #{zero_point}]\n",
            "ldr r2, [r0, #{pixel}]\n",
            "strd r1, r2, [sp, #8]\n",
            "str r0, [sp, #16]\n",
            "0:\n",
            "ldr r1, [r0, #{weights}]\n",
            "ldr r4, [r1]\n",
            "ldr r5, [r1, #3]\n",
            "ldr r6, [r1, #5]\n",
            "adds r1, #9\n",
            "str r1, [r0, #{weights}]\n",
            "lsrs r6, r6, #8\n",
            "sxtb16 r7, r4, ror #8\n",
            "sxtb16 r8, r5, ror #8\n",
            "pkhbt r7, r7, r8, lsl #16\n",
            "sxtb16 r8, r6, ror #8\n",
            "sxtb16 r4, r4\n",
            "sxtb16 r5, r5\n",
            "sxtb16 r6, r6\n",
            "ldr r1, [r0, #{biases}]\n",
            "ldr r2, [r1], #4\n",
            "str r1, [r0, #{biases}]\n",
            "str r2, [sp]\n",
            "ldr r1, [r0, #{mantissas}]\n",
            "ldr r9, [r1], #4\n",
            "str r1, [r0, #{mantissas}]\n",
            "ldr r1, [r0, #{exponents}]\n",
            "ldrsb r10, [r1], #1\n",
            "str r1, [r0, #{exponents}]\n",
            "ldr r11, [r0, #{output}]\n",
            "add r1, r11, #1\n",
            "str r1, [r0, #{output}]\n",
            "ldr r2, [r0, #{strip}]\n",
            "ldr r3, [r0, #{step}]\n",
            "add r3, r2\n",
            "str r3, [r0, #{strip}]\n",
            "ldr r1, [r0, #{columns}]\n",
            "ldr r3, [r0, #{stride}]\n",
            "mla r1, r1, r3, r2\n",
            "str r1, [sp, #4]\n",
            "ldr r1, [r0, #{pitch}]\n",
            "lsl r9, r9, #1\n",
            "rsb r10, r10, #0\n",
            "mov r0, r2"
        )
    };
}

/// The next filter, or the end.
macro_rules! end_3x3 {
    () => {
        concat!(
            "ldr r0, [sp, #16]\n",
            "ldr r1, [r0, #{count}]\n",
            "subs r1, #1\n",
            "str r1, [r0, #{count}]\n",
            "bne 0b\n",
            "add sp, #20\n",
            "pop {{r4-r11, pc}}"
        )
    };
}

/// Filters of 3 x 3, one column apart: two neighboring outputs share a word of each row, [x0 x1 x2 x3]. The first is made of
/// the pair x0, x2 and of x1, the second of the pair x1, x3 and of x2.
///
/// Registers beside those of `begin_3x3`: r2, r3 sums; r12, lr inputs.
///
/// # Safety
/// As [`Filter`] says, of kernels of 3 x 3 and stride 1.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn filter_3x3_neighbors(task: *mut Filter) {
    filter_asm!(
        Filter {},
        cpu!(),
        ".macro row outer, middle, half",
        "sxtb16 lr, r12, ror #8",
        "sxtb16 r12, r12",
        "smlad r2, r12, \\outer, r2",
        "smlad r3, lr, \\outer, r3",
        "smlab\\half r2, lr, \\middle, r2",
        "smlat\\half r3, r12, \\middle, r3",
        ".endm",
        begin_3x3!(),
        "1:",
        "ldr r2, [sp]",
        "ldr r12, [r0]",
        "mov r3, r2",
        "row r4, r7, b",
        "ldr r12, [r0, r1]",
        "row r5, r7, t",
        "ldr r12, [r0, r1, lsl #1]",
        "row r6, r8, b",
        "ldrd r12, lr, [sp, #8]",
        requantize!(),
        "requantize r9, r10, r2, r3",
        "adds r0, #2",
        "strb r2, [r11]",
        "ldr r2, [sp, #4]",
        "cmp r0, r2",
        "bhi 2f",
        "strb r3, [r11, lr]",
        "add r11, r11, lr, lsl #1",
        "blo 1b",
        "2:",
        end_3x3!(),
        ".purgem row",
        ".purgem requantize",
    )
}

/// Filters of 3 x 3, any columns apart.
///
/// Registers beside those of `begin_3x3`: r2 sum, r3 stride; r12, lr inputs.
///
/// # Safety
/// As [`Filter`] says, of kernels of 3 x 3.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn filter_3x3(task: *mut Filter) {
    filter_asm!(
        Filter {},
        cpu!(),
        ".macro row outer, middle, half",
        "sxtb16 lr, r12, ror #8",
        "sxtb16 r12, r12",
        "smlad r2, r12, \\outer, r2",
        "smlab\\half r2, lr, \\middle, r2",
        ".endm",
        requantize!(),
        begin_3x3!(),
        "1:",
        "ldr r2, [sp]",
        "ldr r12, [r0]",
        "row r4, r7, b",
        "ldr r12, [r0, r1]",
        "row r5, r7, t",
        "ldr r12, [r0, r1, lsl #1]",
        "row r6, r8, b",
        "ldrd r12, lr, [sp, #8]",
        "requantize r9, r10, r2",
        "ldr r12, [sp, #4]",
        "add r0, r3",
        "strb r2, [r11]",
        "add r11, lr",
        "cmp r0, r12",
        "blo 1b",
        end_3x3!(),
        ".purgem row",
        ".purgem requantize",
    )
}
