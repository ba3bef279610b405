//! The operators' numbers in a blob's table: their place in [`super::Layer`], and in [`super::OPERATORS`].
#![allow(missing_docs, reason = "see the layers of these names")]

pub const CONV2D: u8 = 0;
pub const MAX_POOL2D: u8 = 1;
pub const LINEAR: u8 = 2;
pub const DEPTHWISE_CONV2D: u8 = 3;
pub const AVERAGE_POOL2D: u8 = 4;
pub const ADD: u8 = 5;
pub const RESHAPE: u8 = 6;
pub const SOFTMAX: u8 = 7;

/// Those that this build can have: bit n is that of number n. A chip's build names its network's, and has no code for others.
pub const BUILT: u16 = bit(CONV2D, cfg!(feature = "conv2d"))
    | bit(MAX_POOL2D, cfg!(feature = "max-pool2d"))
    | bit(LINEAR, cfg!(feature = "linear"))
    | bit(DEPTHWISE_CONV2D, cfg!(feature = "depthwise-conv2d"))
    | bit(AVERAGE_POOL2D, cfg!(feature = "average-pool2d"))
    | bit(ADD, cfg!(feature = "add"))
    | bit(RESHAPE, cfg!(feature = "reshape"))
    | bit(SOFTMAX, cfg!(feature = "softmax"));

/// An operator's bit, where it is there.
pub const fn bit(operator: u8, is_there: bool) -> u16 {
    (is_there as u16) << operator
}
