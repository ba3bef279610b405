//! Float network in, integer network out: the layer table, ranges by calibration, batch-norm folding, scales.

#[cfg(feature = "network")]
pub mod calibrate;
#[cfg(feature = "network")]
mod fold;
mod integer;
#[cfg(feature = "network")]
pub mod layout;

#[cfg(feature = "network")]
pub use fold::quantize;
pub use integer::{IntegerNetwork, LayerParameters};
