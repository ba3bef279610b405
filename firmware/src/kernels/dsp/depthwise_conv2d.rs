//! Depthwise convolution on Cortex-M4, M7 and M33: a word of a strip is four columns of one channel, and after two SXTB16
//! two pairs of columns, each two apart.

use crate::kernels::depthwise_conv2d::Rows;
use crate::kernels::fast::depthwise_conv2d::Filter;
use crate::kernels::fast::depthwise_conv2d::filter_asm;
use crate::kernels::fast::with_offsets;

/// Of what `unzip` reads and of its step.
pub(crate) const ALIGNMENT: usize = 1;

/// The routine for a task.
///
/// # Safety
/// As [`Filter`] says.
pub(crate) unsafe fn filter_row(task: &mut Filter) {
    // SAFETY: the caller's.
    unsafe {
        match (task.kernel_rows, task.kernel_columns, task.stride) {
            (3, 3, 1) => filter_3x3_neighbors(task),
            (3, 3, _) => filter_3x3(task),
            _ => filter_any(task),
        }
    }
}

/// Four channels of rows of pixels, each to rows of bytes of its own.
///
/// Registers: r0 bytes, r1 a lane, lr three of them; r2 pixels, r3 a pixel, r4 to r10 words; r11 mask, r12 columns left. On the
/// stack: bytes, pixels, `rows`, rows left.
///
/// # Safety
/// There are `rows.rows`, not 0, times `rows.columns` pixels of four bytes; all bytes can be written.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn unzip(bytes: *mut i8, pixels: *const i8, rows: *const Rows) {
    with_offsets!(
        Rows { rows, columns, pixel, pixels, pitch, lane_bytes },
        cpu!(),
        // Of [a0 a1 a2 a3] and [b0 b1 b2 b3]: [a0 b0 a2 b2] and [a1 b1 a3 b3].
        ".macro zip a, b",
        "eor r10, \\b, \\a, lsr #8",
        "and r10, r10, r11",
        "eors \\b, \\b, r10",
        "eor \\a, \\a, r10, lsl #8",
        ".endm",
        "push {{r4-r11, lr}}",
        "ldr r3, [r2, #{rows}]",
        "push {{r0, r1, r2, r3}}",
        "mov r11, #0x00FF00FF",
        "0:",
        "pop {{r0, r2, r6}}",
        "ldr r4, [r6, #{pitch}]",
        "ldr r5, [r6, #{pixels}]",
        "add r4, r0",
        "add r5, r2",
        "push {{r4, r5, r6}}",
        "ldr r1, [r6, #{lane_bytes}]",
        "ldr r12, [r6, #{columns}]",
        "ldr r3, [r6, #{pixel}]",
        "add lr, r1, r1, lsl #1",
        "subs r12, #4",
        "blo 2f",
        "1:",
        "ldr r4, [r2]",
        "ldr r5, [r2, r3]",
        "add r2, r2, r3, lsl #1",
        "ldr r6, [r2]",
        "ldr r7, [r2, r3]",
        "add r2, r2, r3, lsl #1",
        "zip r4, r5",
        "zip r6, r7",
        "pkhbt r8, r4, r6, lsl #16",
        "pkhbt r9, r5, r7, lsl #16",
        "pkhtb r6, r6, r4, asr #16",
        "pkhtb r7, r7, r5, asr #16",
        "str r9, [r0, r1]",
        "str r6, [r0, r1, lsl #1]",
        "str r7, [r0, lr]",
        "str r8, [r0], #4",
        "subs r12, #4",
        "bhs 1b",
        "2:",
        "adds r12, #4",
        "beq 4f",
        "3:",
        "ldr r4, [r2]",
        "add r2, r3",
        "lsrs r5, r4, #8",
        "lsrs r6, r4, #16",
        "lsrs r7, r4, #24",
        "strb r5, [r0, r1]",
        "strb r6, [r0, r1, lsl #1]",
        "strb r7, [r0, lr]",
        "strb r4, [r0], #1",
        "subs r12, #1",
        "bne 3b",
        "4:",
        "ldr r0, [sp, #12]",
        "subs r0, #1",
        "str r0, [sp, #12]",
        "bne 0b",
        "add sp, #16",
        "pop {{r4-r11, pc}}",
        ".purgem zip",
    )
}

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
unsafe extern "C" fn filter_3x3_neighbors(task: *mut Filter) {
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
unsafe extern "C" fn filter_3x3(task: *mut Filter) {
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

/// Filters of any size, four neighboring outputs at once.
///
/// Registers: r0 strip, r1 weights, r2 columns left, r3 stride, r12 three of them, lr rows left; r4 to r7 sums; r8, r9
/// weights, r10, r11 inputs. On the stack: task, bias, weights, strip, columns left, output, pitch less the kernel's columns.
///
/// # Safety
/// As [`Filter`] says.
#[unsafe(naked)]
unsafe extern "C" fn filter_any(task: *mut Filter) {
    filter_asm!(
        Filter { kernel_rows, kernel_columns },
        cpu!(),
        ".macro word sum, address:vararg",
        "ldr r10, \\address",
        "sxtb16 r11, r10",
        "sxtb16 r10, r10, ror #8",
        "smlad \\sum, r11, r8, \\sum",
        "smlad \\sum, r10, r9, \\sum",
        ".endm",
        ".macro words",
        "sxtb16 r8, r10",
        "sxtb16 r9, r10, ror #8",
        "word r4, [r0]",
        "word r5, [r0, r3]",
        "word r6, [r0, r3, lsl #1]",
        "word r7, [r0, r12]",
        ".endm",
        "push {{r4-r11, lr}}",
        "sub sp, #28",
        "str r0, [sp]",
        "0:",
        "ldr r1, [r0, #{biases}]",
        "ldr r2, [r1], #4",
        "str r1, [r0, #{biases}]",
        "ldr r3, [r0, #{weights}]",
        "strd r2, r3, [sp, #4]",
        "ldr r1, [r0, #{strip}]",
        "ldr r2, [r0, #{columns}]",
        "strd r1, r2, [sp, #12]",
        "ldr r2, [r0, #{step}]",
        "add r1, r2",
        "str r1, [r0, #{strip}]",
        "ldr r3, [r0, #{output}]",
        "add r1, r3, #1",
        "str r1, [r0, #{output}]",
        "ldr r1, [r0, #{pitch}]",
        "ldr r2, [r0, #{kernel_columns}]",
        "subs r1, r1, r2",
        "str r3, [sp, #20]",
        "str r1, [sp, #24]",
        "1:",
        "ldr lr, [r0, #{kernel_rows}]",
        "ldr r3, [r0, #{stride}]",
        "ldrd r4, r1, [sp, #4]",
        "ldr r0, [sp, #12]",
        "add r12, r3, r3, lsl #1",
        "mov r5, r4",
        "mov r6, r4",
        "mov r7, r4",
        "2:",
        "ldr r2, [sp]",
        "ldr r2, [r2, #{kernel_columns}]",
        "subs r2, #4",
        "blo 4f",
        "3:",
        "ldr r10, [r1], #4",
        "words",
        "adds r0, #4",
        "subs r2, #4",
        "bhs 3b",
        "4:",
        "adds r2, #4",
        "beq 7f",
        "cmp r2, #3",
        "bne 6f",
        "ldrb r8, [r1, #2]",
        "ldrh r10, [r1], #3",
        "orr r10, r10, r8, lsl #16",
        "words",
        "adds r0, #3",
        "b 7f",
        "6:",
        "ldrsb r8, [r1], #1",
        "ldrsb r9, [r0]",
        "ldrsb r10, [r0, r3]",
        "ldrsb r11, [r0, r3, lsl #1]",
        "smlabb r4, r9, r8, r4",
        "ldrsb r9, [r0, r12]",
        "smlabb r5, r10, r8, r5",
        "smlabb r6, r11, r8, r6",
        "smlabb r7, r9, r8, r7",
        "adds r0, #1",
        "subs r2, #1",
        "bne 6b",
        "7:",
        "ldr r8, [sp, #24]",
        "add r0, r8",
        "subs lr, #1",
        "bne 2b",
        // The next output's weights are behind the last row's.
        "ldr r2, [sp]",
        "str r1, [r2, #{weights}]",
        "ldr r0, [r2, #{mantissas}]",
        "ldr r8, [r0]",
        "ldr r0, [r2, #{exponents}]",
        "ldrsb r9, [r0]",
        "ldr r12, [r2, #{zero_point}]",
        "lsl r8, r8, #1",
        "rsb r9, r9, #0",
        requantize!(),
        "requantize r8, r9, r4, r5, r6, r7",
        "ldrd r0, r8, [sp, #12]",
        "ldr r1, [sp, #20]",
        "ldr r9, [r2, #{pixel}]",
        "add r0, r0, r3, lsl #2",
        "strb r4, [r1]",
        "cmp r8, #2",
        "blo 8f",
        "strb r5, [r1, r9]",
        "beq 8f",
        "add r1, r1, r9, lsl #1",
        "strb r6, [r1]",
        "subs r8, #4",
        "blo 8f",
        "strb r7, [r1, r9]",
        "add r1, r1, r9, lsl #1",
        "strd r0, r8, [sp, #12]",
        "str r1, [sp, #20]",
        "mov r0, r2",
        "bne 1b",
        "8:",
        "mov r0, r2",
        "ldr r1, [r0, #{mantissas}]",
        "adds r1, #4",
        "str r1, [r0, #{mantissas}]",
        "ldr r1, [r0, #{exponents}]",
        "adds r1, #1",
        "str r1, [r0, #{exponents}]",
        "ldr r1, [r0, #{count}]",
        "subs r1, #1",
        "str r1, [r0, #{count}]",
        "bne 0b",
        "add sp, #28",
        "pop {{r4-r11, pc}}",
        ".purgem word",
        ".purgem words",
        ".purgem requantize",
    )
}
