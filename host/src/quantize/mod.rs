//! Float network in, integer network out: batch-norm folding, scales, calibration.

mod integer;

pub use integer::{IntegerNetwork, LayerParameters};
