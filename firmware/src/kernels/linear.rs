//! Fully connected layer.

use super::inner;
use super::outputs::Outputs;
use secateur_shared::layer::Linear;
use secateur_shared::model::Parameters;

/// output = clamp(z_out + requantise(bias + sum x w)); the input flattened in HWC order.
pub fn linear(input: &[i8], layer: &Linear, parameters: &Parameters, output: &mut [i8]) {
    let outputs = Outputs { parameters: *parameters, zero_point: layer.zero_point, activation: layer.activation };
    inner::linear(input, &outputs, output);
}
