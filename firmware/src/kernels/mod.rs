//! The operators, one file each, and under them the inner loops of each kind of core. Every kernel trusts its arguments:
//! `Model::parse` proved them.
//!
//! `build.rs` chooses the inner loops by the target, so that no build runs slow ones unnoticed: [`portable`] everywhere,
//! `dsp` on Cortex-M4, M7 and M33, `m0plus` on Cortex-M0 and M0+. All three give the same numbers.

#[cfg(feature = "add")]
pub mod add;
#[cfg(feature = "average-pool2d")]
pub mod average_pool2d;
#[cfg(feature = "conv2d")]
pub mod conv2d;
#[cfg(feature = "depthwise-conv2d")]
pub mod depthwise_conv2d;
#[cfg(kernels = "dsp")]
pub mod dsp;
#[cfg(any(kernels = "dsp", kernels = "m0plus"))]
mod fast;
#[cfg(feature = "linear")]
pub mod linear;
#[cfg(kernels = "m0plus")]
pub mod m0plus;
#[cfg(feature = "max-pool2d")]
pub mod max_pool2d;
mod outputs;
pub mod portable;
mod runs;
#[cfg(feature = "softmax")]
pub mod softmax;
#[cfg(any(feature = "max-pool2d", feature = "average-pool2d"))]
mod window;

#[cfg(feature = "add")]
pub use add::add;
#[cfg(feature = "average-pool2d")]
pub use average_pool2d::average_pool2d;
#[cfg(feature = "conv2d")]
pub use conv2d::conv2d;
#[cfg(feature = "depthwise-conv2d")]
pub use depthwise_conv2d::depthwise_conv2d;
#[cfg(feature = "linear")]
pub use linear::linear;
#[cfg(feature = "max-pool2d")]
pub use max_pool2d::max_pool2d;
pub use outputs::Outputs;
#[cfg(feature = "softmax")]
pub use softmax::softmax;

/// The inner loops of this build.
#[cfg(kernels = "dsp")]
use dsp as inner;
#[cfg(kernels = "m0plus")]
use m0plus as inner;
#[cfg(not(any(kernels = "dsp", kernels = "m0plus")))]
use portable as inner;

use secateur_shared::layer::operator;

/// The operators of this build: bit n is that of number n.
pub const BUILT: u16 = operator::bit(operator::CONV2D, cfg!(feature = "conv2d"))
    | operator::bit(operator::MAX_POOL2D, cfg!(feature = "max-pool2d"))
    | operator::bit(operator::LINEAR, cfg!(feature = "linear"))
    | operator::bit(operator::DEPTHWISE_CONV2D, cfg!(feature = "depthwise-conv2d"))
    | operator::bit(operator::AVERAGE_POOL2D, cfg!(feature = "average-pool2d"))
    | operator::bit(operator::ADD, cfg!(feature = "add"))
    | operator::bit(operator::RESHAPE, cfg!(feature = "reshape"))
    | operator::bit(operator::SOFTMAX, cfg!(feature = "softmax"));

const _: () = assert!(operator::BUILT == BUILT, "what `Model::parse` lets through is what `Engine` runs");
