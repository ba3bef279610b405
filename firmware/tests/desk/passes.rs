//! Passes against the formulas: whatever lies in the arena beside the input, tensors over each other or not.

use crate::blob::{Aligned, blob, noise, payload, valid};
use proptest::prelude::*;
use secateur_firmware::Engine;
use secateur_shared::layer::{Padding, Step};
use secateur_shared::model::Parameters;
use secateur_shared::quant::ZeroPoint;
use secateur_shared::{Layer, Model, packing};

/// A layer's output by its formula, one value after the other.
fn formula(model: &Model, step: &Step, zero_point: ZeroPoint, input: &[i8]) -> Vec<i8> {
    let [(rows, columns), (channels, outputs)] =
        [(step.output.height, step.output.width), (step.input.channels, step.output.channels)];
    let places =
        (0..rows).flat_map(|row| (0..columns).flat_map(move |column| (0..outputs).map(move |c| (row, column, c))));
    let parameters = model.parameters(step);
    let at = |row: i32, column: i32, channel: u16| {
        let (height, width) = (i32::from(step.input.height), i32::from(step.input.width));
        let is_inside = (0..height).contains(&row) && (0..width).contains(&column);
        is_inside.then(|| input[((row * width + column) * i32::from(channels) + i32::from(channel)) as usize])
    };
    let value = |(row, column, output): (u16, u16, u16)| match step.layer {
        Layer::MaxPool2d(pool) => {
            let (top, left) = (i32::from(row) * i32::from(pool.stride), i32::from(column) * i32::from(pool.stride));
            let window = (0..i32::from(pool.window)).flat_map(|y| (0..i32::from(pool.window)).map(move |x| (y, x)));
            window.map(|(y, x)| at(top + y, left + x, output).expect("inside")).max().expect("a window")
        }
        Layer::Conv2d(conv) => {
            let (height, width) = conv.kernel_hw;
            let before = |size, kernel| Padding::fit(conv.padding, size, kernel, conv.stride).expect("fits").1;
            let top = i32::from(row) * i32::from(conv.stride) - i32::from(before(step.input.height, height));
            let left = i32::from(column) * i32::from(conv.stride) - i32::from(before(step.input.width, width));
            let parameters = parameters.as_ref().expect("has weights");
            let mut sum = 0;
            for position in 0..parameters.per_output {
                let (place, channel) = (position as i32 / i32::from(channels), position % usize::from(channels));
                let (y, x) = (place / i32::from(width), place % i32::from(width));
                let value = at(top + y, left + x, channel as u16).unwrap_or(zero_point.0);
                sum += i32::from(value) * weight(parameters, output, position);
            }
            let (bias, multiplier) = parameters.output(output.into());
            multiplier.requantize(bias.wrapping_add(sum), conv.zero_point, conv.activation)
        }
        Layer::Linear(linear) => {
            let parameters = parameters.as_ref().expect("has weights");
            let values = input.iter().enumerate();
            let sum: i32 = values.map(|(at, value)| i32::from(*value) * weight(parameters, output, at)).sum();
            let (bias, multiplier) = parameters.output(output.into());
            multiplier.requantize(bias.wrapping_add(sum), linear.zero_point, linear.activation)
        }
    };
    places.map(value).collect()
}

fn weight(parameters: &Parameters, output: u16, position: usize) -> i32 {
    let outputs = parameters.bias.len();
    i32::from(parameters.weights[packing::index(outputs, parameters.per_output, output.into(), position)])
}

/// Every layer's output by its formula.
fn formulas(model: &Model, input: &[i8]) -> Vec<Vec<i8>> {
    let (mut zero_point, mut values, mut outputs) = (model.table().input_zero_point, input.to_vec(), Vec::new());
    for step in model.table().steps().map(|step| step.expect("was parsed")) {
        values = formula(model, &step, zero_point, &values);
        zero_point = step.layer.zero_point(zero_point);
        outputs.push(values.clone());
    }
    outputs
}

proptest! {
    #[test]
    fn every_pass_is_its_layers_formulas_whatever_else_is_in_the_arena(table in crate::tables::tables(), seed in any::<u32>()) {
        let mut noise = noise(seed);
        let blob = Aligned::new(&blob(&table, &payload(&table, &mut |field| valid(field, noise()))));
        // Parameters drawn out of bounds are other tests' matter.
        let Ok(model) = Model::parse(blob.bytes()) else { return Ok(()) };
        let input: Vec<i8> = (0..table.input.bytes().expect("not empty")).map(|_| (noise() >> 24) as u8 as i8).collect();
        let expected = formulas(&model, &input);
        for poison in [-128, 85] {
            let mut arena = vec![poison; model.arena_bytes() as usize];
            let mut engine = Engine::new(model.clone(), &mut arena).expect("the planned arena");
            engine.input_hwc().copy_from_slice(&input);
            engine.infer_observed(|layer, output| assert_eq!(output, expected[layer], "layer {layer} of {table:?}"));
        }
    }
}
