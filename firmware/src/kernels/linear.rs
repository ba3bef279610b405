//! Fully connected layer.

use super::inner;
use super::outputs::Outputs;
use crate::tensors::Tensors;

/// output = clamp(z_out + requantise(bias + sum x w)); the input flattened in HWC order.
pub fn linear(tensors: &mut Tensors, outputs: &Outputs) {
    if let Some((input, values)) = tensors.apart() {
        inner::linear(input, outputs, values);
    }
}
