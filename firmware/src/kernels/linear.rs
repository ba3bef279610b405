//! Fully connected layer.

use super::inner::{linear_pair, linear_single, requantize};
use secateur_shared::layer::Linear;
use secateur_shared::model::Parameters;
use secateur_shared::packing;

/// output = clamp(z_out + requantise(bias + sum x w)); the input flattened in HWC order.
pub fn linear(input: &[i8], layer: &Linear, parameters: &Parameters, output: &mut [i8]) {
    let outputs = usize::from(layer.outputs);
    for (index, values) in output.chunks_mut(2).enumerate() {
        let sums = match packing::pair(parameters.weights, outputs, parameters.per_output, index) {
            Some(pair) => linear_pair(input, &pair),
            None => {
                let weights = packing::single(parameters.weights, outputs, parameters.per_output);
                [linear_single(input, weights.unwrap_or_default()), 0]
            }
        };
        for (lane, (value, sum)) in values.iter_mut().zip(sums).enumerate() {
            let (bias, multiplier) = parameters.output(2 * index + lane);
            *value = requantize(multiplier, bias.wrapping_add(sum), layer.zero_point, layer.activation);
        }
    }
}
