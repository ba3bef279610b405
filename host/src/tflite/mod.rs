//! Networks of TensorFlow Lite: from a `.tflite` file of int8 values to a blob of the same outputs, to the bit.
//!
//! [`read`] turns the file into a [`Graph`], [`Plan`] finds what of it is to be run, [`lower`] turns that into the
//! engine's layers, and [`convert`] does all that and exports the blob.

mod convert;
mod graph;
mod lower;
mod names;
mod order;
mod quantization;
mod reader;
mod schema;
pub mod verb;

pub use convert::{Converted, convert};
pub use graph::{Fused, Graph, Operator, Options, Sliding, Tensor, Type};
pub use lower::{Lowered, Network, lower};
pub use order::Plan;
pub use schema::read;

#[cfg(test)]
mod tests;
