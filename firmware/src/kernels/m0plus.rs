//! The inner loops of Cortex-M0 and M0+, which have a 32-bit multiplication and eight registers that do arithmetic.
//!
//! Two pixels' inputs share a word, x + 2^16 y, so that one multiplication makes two products. A word takes the sum of two
//! positions: their low halves, s in -32512..=32768, are carried into the upper half by adding 2^15 - 1 - 2^16, which leaves
//! t - 1 there, exactly. The words' sum modulo 2^32 and the upper halves' sum give both pixels' sums. Twin: `portable`.

/// An accumulator with 2^31 added, to an output in r3; r6 task, r12 mantissa, lr shift; r0 to r5 are lost.
#[cfg(any(feature = "add", feature = "depthwise-conv2d"))]
macro_rules! requantize {
    () => {
        concat!(
            ".macro value accumulator\n",
            "mov r0, \\accumulator\n",
            "uxth r1, r0\n",
            "lsrs r0, r0, #16\n",
            "mov r4, r12\n",
            "uxth r2, r4\n",
            "lsrs r3, r4, #16\n",
            "movs r5, r1\n",
            "muls r5, r2, r5\n",
            "lsrs r5, r5, #16\n",
            "muls r1, r3, r1\n",
            "adds r1, r1, r5\n",
            "muls r2, r0, r2\n",
            "muls r3, r0, r3\n",
            "movs r5, #0\n",
            "adds r1, r1, r2\n",
            "adcs r5, r5\n",
            "lsls r5, r5, #17\n",
            "lsls r3, r3, #1\n",
            "adds r3, r3, r5\n",
            "lsrs r1, r1, #15\n",
            "adcs r3, r1\n",
            "subs r3, r3, r4\n",
            "asrs r5, r3, #31\n",
            "adds r3, r3, r5\n",
            "mov r5, lr\n",
            "ldr r2, [r6, #{zero_point}]\n",
            "adds r2, #128\n",
            "asrs r3, r5\n",
            "adcs r3, r2\n",
            "uxtb r2, r3\n",
            "cmp r2, r3\n",
            "beq 9f\n",
            "asrs r3, r3, #31\n",
            "mvns r3, r3\n",
            "9:\n",
            "subs r3, #128\n",
            ".endm"
        )
    };
}

#[cfg(feature = "add")]
pub(super) mod add;
#[cfg(feature = "depthwise-conv2d")]
pub(super) mod depthwise_conv2d;
mod dots;
mod pairs;
mod patch;

/// Output pixels that a patch has windows of.
pub const PIXELS: usize = 2;

/// (accumulator * mantissa + 2^30) >> 31 by four products of halves; the mantissa is not negative.
#[inline(always)]
pub(super) fn doubling_high_multiply(accumulator: i32, mantissa: i32) -> i32 {
    let (upper, lower) = (accumulator >> 16, accumulator as u32 & 0xFFFF);
    let (mantissa_upper, mantissa_lower) = (mantissa as u32 >> 16, mantissa as u32 & 0xFFFF);
    // Below 2^31 + 2^16, and above -2^31.
    let middle = lower * mantissa_upper + (lower * mantissa_lower >> 16);
    let other = upper * mantissa_lower as i32;
    // In units of 2^16: the product is top * 2^32 + low * 2^16 + bits that rounding does not see.
    let low = (middle & 0xFFFF) + (other as u32 & 0xFFFF);
    let top = upper * mantissa_upper as i32 + (middle >> 16) as i32 + (other >> 16) + (low >> 16) as i32;
    let rounded = ((low & 0xFFFF) >> 14) + 1;
    (top << 1) + (rounded >> 1) as i32
}

#[cfg(feature = "add")]
pub use super::fast::add::add;
#[cfg(feature = "depthwise-conv2d")]
pub use super::fast::depthwise_conv2d::{Filters, unzip};
pub use super::fast::linear;
pub use super::fast::requantize;
pub(super) use dots::{DOTS, dots};
pub(super) use pairs::pairs;
pub use patch::Patch;
