//! Random tables whose layers fit each other.

use proptest::collection::vec;
use proptest::prelude::*;
use secateur_shared::quant::{Activation, ZeroPoint};
use secateur_shared::{Conv2d, Layer, Linear, MaxPool2d, Padding, Shape, Table};

/// A small input, those of a few random layers that can take the output before them, and a linear layer at the end.
pub(crate) fn tables() -> impl Strategy<Value = Table> {
    let shape = (1..=9_u16, 1..=9_u16, 1..=5_u16);
    (shape, any::<i8>(), vec(layer(), 0..8), linear()).prop_map(|(shape, zero_point, layers, last)| {
        let (height, width, channels) = shape;
        let mut table = Table::new(Shape { height, width, channels }, ZeroPoint(zero_point));
        for layer in layers {
            // A window larger than the map is left out.
            let _ = table.push(layer);
        }
        table.push(last).expect("a linear layer takes any input");
        table
    })
}

fn layer() -> impl Strategy<Value = Layer> {
    prop_oneof![3 => conv2d(), 2 => max_pool2d(), 1 => linear()]
}

fn conv2d() -> impl Strategy<Value = Layer> {
    let window = ((1..=4_u8, 1..=4_u8), 1..=3_u8, prop_oneof![Just(Padding::Same), Just(Padding::Valid)]);
    (1..=6_u16, window, output()).prop_map(|(outputs, window, (zero_point, activation))| {
        let (kernel_hw, stride, padding) = window;
        Layer::Conv2d(Conv2d { outputs, kernel_hw, stride, padding, zero_point, activation, parameters_at: 0 })
    })
}

fn max_pool2d() -> impl Strategy<Value = Layer> {
    (1..=3_u8, 1..=3_u8).prop_map(|(window, stride)| Layer::MaxPool2d(MaxPool2d { window, stride }))
}

fn linear() -> impl Strategy<Value = Layer> {
    (1..=6_u16, output()).prop_map(|(outputs, (zero_point, activation))| {
        Layer::Linear(Linear { outputs, zero_point, activation, parameters_at: 0 })
    })
}

/// Zero point and range of an output.
fn output() -> impl Strategy<Value = (ZeroPoint, Activation)> {
    any::<(i8, i8, i8)>().prop_map(|(zero_point, one, other)| {
        (ZeroPoint(zero_point), Activation { low: one.min(other), high: one.max(other) })
    })
}
