//! Float network and ranges to integer network. TFLite's scheme: Jacob et al. 2018 (arXiv 1712.05877), with one weight
//! scale per output channel.

use anyhow::{Context, Result};
use secateur_shared::quant::{Multiplier, ZeroPoint};

use super::calibrate::Ranges;
use super::integer::{IntegerNetwork, LayerParameters};
use super::layout;
use crate::network::{BatchNorm, Item, Layer, Network};

/// The largest weight: symmetric, so that -128 does not occur.
const WEIGHT_MAX: f64 = 127.0;
/// The largest |bias|: leaves three quarters of the accumulator to the weights.
const BIAS_MAX: f64 = (1 << 29) as f64;
/// The output zero point of ReLU: all 256 steps lie at or above 0.
const RELU_ZERO_POINT: ZeroPoint = ZeroPoint(i8::MIN);

/// A float layer with its batch norm folded in: y = W x + b.
struct Affine {
    /// `[output][position]`, in the engine's order.
    weights: Vec<f32>,
    bias: Vec<f32>,
}

/// Quantises a network with these ranges.
///
/// # Errors
/// A layer that the format or the engine's arithmetic cannot hold.
pub fn quantize(network: &Network, ranges: &Ranges) -> Result<IntegerNetwork> {
    let input_zero_point = ZeroPoint((i16::from(network.normalization.mean) - 128) as i8);
    let mut integer = IntegerNetwork::new(layout::shape(network.input)?, input_zero_point);
    let mut scale = 1.0 / f64::from(network.normalization.deviation);
    let maps = network.arch.maps(network.input)?;
    let mut tops = ranges.layers.iter();
    let mut items = network.arch.items().iter();
    for (index, (layer, map)) in network.layers.iter().zip(&maps).enumerate() {
        let plane = map.height * map.width;
        let Some(affine) = affine(layer, plane) else {
            integer.push(layout::layer(Item::Pool, RELU_ZERO_POINT)?, None)?;
            items.next();
            continue;
        };
        let (engine_layer, output_scale) = match items.next() {
            Some(item) => {
                let top = tops.next().context("one range per prunable layer")?;
                (layout::layer(*item, RELU_ZERO_POINT)?, top / 255.0)
            }
            None => {
                let (output_scale, zero_point) = asymmetric(ranges.logits);
                (layout::classifier(network.classes, zero_point)?, output_scale)
            }
        };
        let parameters = integers(&affine, scale, output_scale).with_context(|| format!("layer {index}"))?;
        integer.push(engine_layer, Some(parameters))?;
        scale = output_scale;
    }
    Ok(integer)
}

/// The layer as weights in the engine's order and a bias; `None` for a pool.
fn affine(layer: &Layer, plane: usize) -> Option<Affine> {
    match layer {
        Layer::Conv(conv) => Some(folded(&channels_last(&conv.weight_oihw, conv.inputs, 9), &conv.norm)),
        Layer::Pool => None,
        Layer::Hidden(hidden) => {
            Some(folded(&channels_last(&hidden.weight_oi, hidden.inputs / plane, plane), &hidden.norm))
        }
        Layer::Classifier(last) => Some(Affine {
            weights: channels_last(&last.weight_oi, last.inputs / plane, plane),
            bias: last.bias.clone(),
        }),
    }
}

/// `[output][channel][position]` to `[output][position][channel]`.
fn channels_last(weights: &[f32], channels: usize, positions: usize) -> Vec<f32> {
    let outputs = weights.chunks_exact(channels * positions);
    let reordered = outputs.flat_map(|output| {
        (0..positions)
            .flat_map(move |position| (0..channels).map(move |channel| output[channel * positions + position]))
    });
    reordered.collect()
}

/// With the batch norm folded in.
fn folded(weights: &[f32], norm: &BatchNorm) -> Affine {
    let (weights, bias) = norm.folded(weights);
    Affine { weights, bias }
}

/// int8 weights with one scale per output, int32 biases, and the multipliers s_in s_w / s_out.
fn integers(affine: &Affine, input_scale: f64, output_scale: f64) -> Result<LayerParameters> {
    let per_output = affine.weights.len() / affine.bias.len();
    let mut parameters = LayerParameters { bias: Vec::new(), multipliers: Vec::new(), weights: Vec::new() };
    for (row, bias) in affine.weights.chunks_exact(per_output).zip(&affine.bias) {
        let largest = row.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
        // A channel of next to no weight takes the scale that its bias needs.
        let least = (f64::from(bias.abs()) / BIAS_MAX / input_scale).max(f64::MIN_POSITIVE);
        let scale = (f64::from(largest) / WEIGHT_MAX).max(least);
        parameters.weights.extend(row.iter().map(|weight| (f64::from(*weight) / scale).round() as i8));
        parameters.bias.push((f64::from(*bias) / (input_scale * scale)).round() as i32);
        let multiplier = Multiplier::from_real(input_scale * scale / output_scale);
        parameters.multipliers.push(multiplier.context("a multiplier out of range: the network's scales diverged")?);
    }
    Ok(parameters)
}

/// Scale and zero point of a range that contains 0.
fn asymmetric((low, high): (f64, f64)) -> (f64, ZeroPoint) {
    let scale = (high - low) / 255.0;
    let zero_point = (-128.0 - low / scale).round().clamp(-128.0, 127.0);
    (scale, ZeroPoint(zero_point as i8))
}
