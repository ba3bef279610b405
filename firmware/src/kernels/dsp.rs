//! The inner loops of Cortex-M4, M7 and M33: SMLAD multiplies two 16-bit pairs and adds both products.
//!
//! A word of a pair of outputs' weights, `[a0 b0 a1 b1]`, is two such pairs after two SXTB16. Inputs are widened to 16 bits
//! once a patch, so that both fit each other without being sorted again. Twin: `portable`.

/// Assembly outside of functions knows nothing of the compiler's `target-cpu`.
macro_rules! cpu {
    () => {
        concat!(".cpu ", env!("KERNELS_CPU"))
    };
}

/// Sums to outputs, given twice the mantissa and the shift, with the zero point in r12.
macro_rules! requantize {
    () => {
        concat!(
            ".macro requantize doubled, shift, sums:vararg\n",
            ".irp sum, \\sums\n",
            "smmlar \\sum, \\sum, \\doubled, \\sum\n",
            "add \\sum, \\sum, \\sum, asr #31\n",
            "asrs \\sum, \\sum, \\shift\n",
            "adc \\sum, \\sum, r12\n",
            "ssat \\sum, #8, \\sum\n",
            ".endr\n",
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

/// Output pixels that a patch has windows of: two outputs each make eight accumulators, which is what the registers hold.
pub const PIXELS: usize = 4;

#[cfg(feature = "add")]
pub use super::fast::add::add;
#[cfg(feature = "depthwise-conv2d")]
pub use super::fast::depthwise_conv2d::{Filters, unzip};
pub use super::fast::linear;
pub use super::fast::requantize;
pub(super) use dots::{DOTS, dots};
pub(super) use pairs::pairs;
pub use patch::Patch;
pub(super) use secateur_shared::quant::doubling_high_multiply;
