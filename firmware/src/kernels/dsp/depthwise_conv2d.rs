//! Depthwise convolution on Cortex-M4, M7 and M33: a word of a strip is four columns of one channel, and after two SXTB16
//! two pairs of columns, each two apart.

use crate::kernels::depthwise_conv2d::Rows;
use crate::kernels::fast::depthwise_conv2d::Filter;
use crate::kernels::fast::with_offsets;

mod any;
mod three;

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
            (3, 3, 1) => three::filter_3x3_neighbors(task),
            (3, 3, _) => three::filter_3x3(task),
            _ => any::filter_any(task),
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
