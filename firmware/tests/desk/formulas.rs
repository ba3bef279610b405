//! Layers against their formulas: whatever lies in the arena beside the input, tensors over each other or not.

use crate::blob::{Aligned, blob, noise, payload, valid};
use proptest::prelude::*;
use secateur_firmware::Engine;
use secateur_shared::layer::{Record, Step, Window};
use secateur_shared::quant::{Multiplier, ZeroPoint};
use secateur_shared::{Layer, Model, Shape};

/// A tensor's values.
struct Map<'v> {
    shape: Shape,
    values: &'v [i8],
}

impl Map<'_> {
    /// The value at a row and column, if they are inside.
    fn at(&self, row: i32, column: i32, channel: usize) -> Option<i8> {
        let (height, width) = (i32::from(self.shape.height), i32::from(self.shape.width));
        let is_inside = (0..height).contains(&row) && (0..width).contains(&column);
        is_inside.then(|| self.values[(row * width + column) as usize * usize::from(self.shape.channels) + channel])
    }

    /// What lies under a window, by rows and columns; padding is none.
    fn under(&self, window: &Window, row: i32, column: i32, channel: usize) -> Vec<Option<i8>> {
        let pairs = [window.kernel_hw, window.stride_hw, window.before_hw].map(|(y, x)| (i32::from(y), i32::from(x)));
        let [(height, width), stride, before] = pairs;
        let (top, left) = (row * stride.0 - before.0, column * stride.1 - before.1);
        (0..height).flat_map(|y| (0..width).map(move |x| self.at(top + y, left + x, channel))).collect()
    }
}

/// A layer's output by its formula, one value after the other, from all tensors so far.
fn formula(model: &Model, step: &Step, tensors: &[Vec<i8>]) -> Vec<i8> {
    let map = Map { shape: step.input.shape, values: &tensors[step.input_index] };
    match step.layer() {
        Layer::Reshape(_) => return map.values.to_vec(),
        Layer::Add(_) => {
            let (other, index) = step.other().expect("has two");
            let pairs = map.values.iter().zip(&tensors[index]);
            return pairs.map(|(one, two)| sum(model, step, [*one, *two], other.zero_point)).collect();
        }
        Layer::Softmax(_) => {
            let pixels = map.values.chunks(usize::from(map.shape.channels));
            return pixels.flat_map(|pixel| softmax(model, step, pixel)).collect();
        }
        _ => {}
    }
    let output = step.output.shape;
    let places = (0..i32::from(output.height)).flat_map(|row| {
        (0..i32::from(output.width))
            .flat_map(move |column| (0..usize::from(output.channels)).map(move |c| (row, column, c)))
    });
    places.map(|(row, column, channel)| value(model, step, &map, (row, column), channel)).collect()
}

fn value(model: &Model, step: &Step, map: &Map, (row, column): (i32, i32), output: usize) -> i8 {
    match step.layer() {
        Layer::MaxPool2d(pool) => {
            let largest = map.under(&pool.window, row, column, output).into_iter().flatten().max();
            pool.activation.clamp(largest.expect("meets the input").into())
        }
        Layer::Conv2d(conv) if conv.is_pooled => {
            let whole = Step { record: Record { extra: 0, ..step.record }, ..*step };
            let four = [(0, 0), (0, 1), (1, 0), (1, 1)];
            let four = four.map(|(y, x)| value(model, &whole, map, (2 * row + y, 2 * column + x), output));
            four.into_iter().max().expect("four")
        }
        Layer::Conv2d(conv) => {
            let channels = (0..usize::from(step.input.shape.channels)).map(|channel| {
                let under = map.under(&conv.window, row, column, channel);
                under.into_iter().map(|value| value.unwrap_or(step.input.zero_point.0)).collect::<Vec<i8>>()
            });
            let channels: Vec<Vec<i8>> = channels.collect();
            let area = conv.window.area() as usize;
            let values = (0..area).flat_map(|place| channels.iter().map(move |channel| channel[place]));
            summed(model, step, output, values)
        }
        Layer::Linear(_) => summed(model, step, output, map.values.iter().copied()),
        Layer::DepthwiseConv2d(conv) => {
            let under = map.under(&conv.window, row, column, output / usize::from(conv.multiplier));
            summed(model, step, output, under.into_iter().map(|value| value.unwrap_or(step.input.zero_point.0)))
        }
        Layer::AveragePool2d(pool) => {
            let under = map.under(&pool.window, row, column, output).into_iter().flatten().map(f64::from);
            let (sum, count) = under.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
            // Halves away from zero, as `round` has them.
            pool.activation.clamp((sum / count).round() as i32)
        }
        Layer::Add(_) | Layer::Reshape(_) | Layer::Softmax(_) => unreachable!("is no matter of places"),
    }
}

/// TFLite's sum: both differences shifted left by 20 and scaled, then their sum.
fn sum(model: &Model, step: &Step, values: [i8; 2], other: ZeroPoint) -> i8 {
    let parameters = model.parameters(step).expect("has multipliers");
    let zero_points = [step.input.zero_point, other];
    let scaled = [0, 1].map(|index| {
        let difference = i32::from(values[index]) - i32::from(zero_points[index].0);
        parameters.output(index).1.apply(difference << 20)
    });
    let (_, multiplier) = parameters.output(2);
    multiplier.requantize(scaled[0].wrapping_add(scaled[1]), step.output.zero_point, step.layer().activation())
}

/// In real numbers: the fixed-point one is held to it, here, and to TensorFlow Lite Micro's by the golden cases.
fn softmax(model: &Model, step: &Step, pixel: &[i8]) -> Vec<i8> {
    let Multiplier { mantissa, exponent } = model.parameters(step).expect("has a multiplier").output(0).1;
    let beta = f64::from(mantissa) * 2_f64.powi(i32::from(exponent) - 31 - 26);
    let largest = f64::from(*pixel.iter().max().expect("not empty"));
    let powers: Vec<f64> = pixel.iter().map(|value| (beta * (f64::from(*value) - largest)).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| (256.0 * power / sum - 128.0).round().min(127.0) as i8).collect()
}

/// The output of a layer with weights, by the values that they are for.
fn summed(model: &Model, step: &Step, output: usize, values: impl Iterator<Item = i8>) -> i8 {
    let parameters = model.parameters(step).expect("has weights");
    let weight = |position| parameters.weight(&parameters.row(output), position);
    let products = values.enumerate().map(|(position, value)| i32::from(value) * weight(position));
    let (bias, multiplier) = parameters.output(output);
    multiplier.requantize(bias.wrapping_add(products.sum()), step.output.zero_point, step.layer().activation())
}

/// Softmax's real numbers are rounded otherwise than its fixed-point ones.
fn are_alike(layer: &Layer, found: &[i8], expected: &[i8]) -> bool {
    let allowed = u8::from(matches!(layer, Layer::Softmax(_)));
    found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| a.abs_diff(*b) <= allowed)
}

proptest! {
    #[test]
    fn every_layer_is_its_formula_whatever_else_is_in_the_arena(table in crate::tables::tables(), seed in any::<u32>()) {
        let mut noise = noise(seed);
        let blob = Aligned::new(&blob(&table, &payload(&table, &mut |field| valid(field, noise()))));
        // Parameters drawn out of bounds are other tests' matter.
        let Ok(model) = Model::parse(blob.bytes()) else { return Ok(()) };
        let bytes = model.input().shape.bytes().expect("not empty");
        let input: Vec<i8> = (0..bytes).map(|_| (noise() >> 24) as u8 as i8).collect();
        let steps: Vec<Step> = model.steps().map(|step| step.expect("was parsed")).collect();
        for poison in [-128, 85] {
            let mut arena = vec![poison; model.arena_bytes() as usize];
            let mut engine = Engine::new(model, &mut arena).expect("the planned arena");
            engine.input_hwc().copy_from_slice(&input);
            let mut tensors = vec![input.clone()];
            engine.infer_observed(|layer, output| {
                let expected = formula(&model, &steps[layer], &tensors);
                let are_alike = are_alike(&steps[layer].layer(), output, &expected);
                assert!(are_alike, "layer {layer}: {output:?}, not {expected:?} of {table:?}");
                tensors.push(output.to_vec());
            });
        }
    }
}
