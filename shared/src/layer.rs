//! The layer table: what a network computes, without its weights. Every field that depends on the weights has a fixed
//! size, so that the table's length is known from the shapes alone, before anything is trained or quantised.

mod facts;
pub mod operator;
mod operators;
mod record;
mod table;
mod window;

pub use facts::Reach;
pub use operators::{Add, Conv2d, DepthwiseConv2d, Layer, Linear, OPERATORS, Pool2d, Reshape, Softmax};
pub use record::{Head, Record, Records};
pub(crate) use table::Graph;
pub use table::{Node, Step, Steps, Table, Tensor};
pub use window::{Padding, Window};

/// The largest number of layers in a table; MobileNet v2 has 65, VGG16 with two hidden fully connected layers 16.
pub const LAYERS_MAX: usize = 80;

/// The largest tensor, in bytes: keeps every product of sizes within 32 bits.
pub const TENSOR_BYTES_MAX: u32 = 1 << 24;

/// The size of one image's tensor, stored HWC, one byte a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, bytemuck::Zeroable)]
pub struct Shape {
    /// Rows.
    pub height: u16,
    /// Columns.
    pub width: u16,
    /// Channels, the fastest-running index.
    pub channels: u16,
}

impl Shape {
    /// Bytes of the tensor; `None` where it is empty or larger than [`TENSOR_BYTES_MAX`].
    pub fn bytes(self) -> Option<u32> {
        let bytes = times(u32::from(self.height) * u32::from(self.width), self.channels)?;
        (1..=TENSOR_BYTES_MAX).contains(&bytes).then_some(bytes)
    }

    /// Bytes of a tensor that has some, as [`Shape::bytes`] says; else a number without meaning.
    pub fn volume(self) -> u32 {
        self.row_bytes().wrapping_mul(self.height.into())
    }

    /// Bytes of a row.
    pub fn row_bytes(self) -> u32 {
        u32::from(self.width) * u32::from(self.channels)
    }
}

/// A product, `None` where it does not fit: without the 64 bits that a Cortex-M0+ calls a routine for.
pub(crate) fn times(number: u32, factor: u16) -> Option<u32> {
    let (upper, lower) = ((number >> 16) * u32::from(factor), (number & 0xFFFF) * u32::from(factor));
    if upper >> 16 == 0 { (upper << 16).checked_add(lower) } else { None }
}
