//! Fully connected layer.

use super::dot;
use secateur_shared::layer::Linear;
use secateur_shared::model::Parameters;
use secateur_shared::quant::ZeroPoint;

/// output = clamp(z_out + requantise(bias + sum (x - z_in) w)); weights OI, over the flattened HWC input.
pub fn linear(input: &[i8], layer: &Linear, zero_point: ZeroPoint, parameters: &Parameters, output: &mut [i8]) {
    let offset = zero_point.input_offset();
    let rows = parameters.weights.chunks_exact(input.len());
    for (channel, (value, weights)) in output.iter_mut().zip(rows).enumerate() {
        let accumulator = parameters.bias[channel].wrapping_add(dot(input, weights, offset));
        let multiplier = parameters.multiplier(channel);
        *value = multiplier.requantize(accumulator, layer.zero_point, layer.activation);
    }
}
