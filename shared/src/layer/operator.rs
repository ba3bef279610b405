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
