//! Layers against their formulas: whatever lies in the arena beside the input, tensors over each other or not.

use crate::blob::{Aligned, blob, noise, payload, valid};
use proptest::prelude::*;
use secateur_firmware::Engine;
use secateur_shared::layer::{Step, Window};
use secateur_shared::model::Parameters;
use secateur_shared::{Layer, Model, Refusal, Shape, packing};

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

/// A layer's output by its formula, one value after the other.
fn formula(model: &Model, step: &Step, input: &[i8]) -> Vec<i8> {
    let map = Map { shape: step.input.shape, values: input };
    let output = step.output.shape;
    let places = (0..i32::from(output.height)).flat_map(|row| {
        (0..i32::from(output.width))
            .flat_map(move |column| (0..usize::from(output.channels)).map(move |c| (row, column, c)))
    });
    places.map(|(row, column, channel)| value(model, step, &map, (row, column), channel)).collect()
}

fn value(model: &Model, step: &Step, map: &Map, (row, column): (i32, i32), output: usize) -> i8 {
    match step.layer {
        Layer::MaxPool2d(pool) => {
            let largest = map.under(&pool.window, row, column, output).into_iter().flatten().max();
            pool.activation.clamp(largest.expect("meets the input").into())
        }
        Layer::Conv2d(conv) if conv.is_pooled => {
            let whole =
                Step { layer: Layer::Conv2d(secateur_shared::layer::Conv2d { is_pooled: false, ..conv }), ..*step };
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
        other => unreachable!("{} is not built in", other.operator()),
    }
}

/// The output of a layer with weights, by the values that they are for.
fn summed(model: &Model, step: &Step, output: usize, values: impl Iterator<Item = i8>) -> i8 {
    let parameters = model.parameters(step).expect("has weights");
    let products = values.enumerate().map(|(position, value)| i32::from(value) * weight(&parameters, output, position));
    let (bias, multiplier) = parameters.output(output);
    multiplier.requantize(bias.wrapping_add(products.sum()), step.output.zero_point, step.layer.activation())
}

fn weight(parameters: &Parameters, output: usize, position: usize) -> i32 {
    let outputs = parameters.bias.len();
    i32::from(parameters.weights[packing::index(outputs, parameters.per_output, output, position)])
}

/// Every tensor by its layer's formula, the input first.
fn formulas(model: &Model, input: &[i8]) -> Vec<Vec<i8>> {
    let mut tensors = vec![input.to_vec()];
    for step in model.steps().map(|step| step.expect("was parsed")) {
        tensors.push(formula(model, &step, &tensors[step.input_index]));
    }
    tensors
}

proptest! {
    #[test]
    fn every_layer_is_its_formula_whatever_else_is_in_the_arena(table in crate::tables::tables(), seed in any::<u32>()) {
        let mut noise = noise(seed);
        let blob = Aligned::new(&blob(&table, &payload(&table, &mut |field| valid(field, noise()))));
        // Parameters drawn out of bounds are other tests' matter.
        let Ok(model) = Model::parse(blob.bytes()) else { return Ok(()) };
        if let Err(Refusal::Operator(_)) = Engine::new(model, &mut vec![0; model.arena_bytes() as usize]) {
            return Ok(());
        }
        let bytes = model.input().shape.bytes().expect("not empty");
        let input: Vec<i8> = (0..bytes).map(|_| (noise() >> 24) as u8 as i8).collect();
        let expected = formulas(&model, &input);
        for poison in [-128, 85] {
            let mut arena = vec![poison; model.arena_bytes() as usize];
            let mut engine = Engine::new(model, &mut arena).expect("the planned arena");
            engine.input_hwc().copy_from_slice(&input);
            engine.infer_observed(|layer, output| assert_eq!(output, expected[layer + 1], "layer {layer} of {table:?}"));
        }
    }
}
