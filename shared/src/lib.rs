//! What the desk and the chip must agree on: the blob's format, the layer table, the integer arithmetic, the memory
//! plan and the wire protocol. No allocation, no unsafe code, no input or output.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(any(test, feature = "std"))]
extern crate std;

#[cfg(target_endian = "big")]
compile_error!("the blob's payload is read in place and is little-endian");

pub mod arena;
pub mod header;
pub mod layer;
pub mod memory;
pub mod model;
pub mod packing;
pub mod quant;
pub mod refusal;
pub mod wire;

pub use layer::{Layer, Shape, Table};
pub use model::Model;
pub use refusal::Refusal;
