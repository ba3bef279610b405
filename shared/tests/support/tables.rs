//! Random tables whose layers fit each other.

use proptest::collection::vec;
use proptest::prelude::*;
use secateur_shared::layer::{Add, Conv2d, DepthwiseConv2d, Linear, Pool2d, Reshape, Softmax, Window};
use secateur_shared::quant::{Activation, ZeroPoint};
use secateur_shared::{Layer, Shape, Table};

/// A small input, those of a few random layers that can take the output before them (or now and then an earlier one), and a
/// linear layer at the end.
pub(crate) fn tables() -> impl Strategy<Value = Table> {
    let shape = (1..=9_u16, 1..=9_u16, 1..=5_u16);
    let nodes = vec((layer(), prop_oneof![6 => Just(0_u8), 1 => 1..4_u8]), 0..8);
    (shape, any::<i8>(), nodes, linear()).prop_map(|(shape, zero_point, nodes, last)| {
        let (height, width, channels) = shape;
        let mut table = Table::new(Shape { height, width, channels }, ZeroPoint(zero_point));
        for (layer, from) in nodes {
            // A window larger than the map is left out, and a sum of tensors of different shapes.
            let _ = if from == 0 { table.push(layer) } else { table.push_from(layer, from) };
        }
        table.push(last).expect("a linear layer takes any input");
        table.place().expect("there is a place for everything");
        table
    })
}

fn layer() -> impl Strategy<Value = Layer> {
    prop_oneof![4 => conv2d(), 3 => pool2d(), 1 => linear(), 2 => depthwise(), 4 => add(), 1 => others()]
}

fn window() -> impl Strategy<Value = Window> {
    let padding = (0..=2_u8, 0..=2_u8);
    ((1..=4_u8, 1..=4_u8), (1..=3_u8, 1..=3_u8), padding.clone(), padding)
        .prop_map(|(kernel_hw, stride_hw, before_hw, after_hw)| Window { kernel_hw, stride_hw, before_hw, after_hw })
}

fn conv2d() -> impl Strategy<Value = Layer> {
    (1..=6_u16, window(), any::<bool>(), output()).prop_map(|(outputs, window, is_pooled, (zero_point, activation))| {
        Layer::Conv2d(Conv2d { outputs, window, is_pooled, zero_point, activation })
    })
}

fn depthwise() -> impl Strategy<Value = Layer> {
    (1..=3_u8, window(), output()).prop_map(|(multiplier, window, (zero_point, activation))| {
        Layer::DepthwiseConv2d(DepthwiseConv2d { multiplier, window, zero_point, activation })
    })
}

fn pool2d() -> impl Strategy<Value = Layer> {
    let halving = Just(Layer::MaxPool2d(Pool2d::HALVING));
    let any = (window(), output(), any::<bool>()).prop_map(|(window, (_, activation), is_mean)| {
        let pool = Pool2d { window, activation };
        if is_mean { Layer::AveragePool2d(pool) } else { Layer::MaxPool2d(pool) }
    });
    prop_oneof![halving, any]
}

fn linear() -> impl Strategy<Value = Layer> {
    (1..=6_u16, output())
        .prop_map(|(outputs, (zero_point, activation))| Layer::Linear(Linear { outputs, zero_point, activation }))
}

fn add() -> impl Strategy<Value = Layer> {
    (0..4_u8, output()).prop_map(|(other, (zero_point, activation))| Layer::Add(Add { other, zero_point, activation }))
}

/// Softmax, and a row of everything.
fn others() -> impl Strategy<Value = Layer> {
    let reshape =
        (1..=64_u16).prop_map(|channels| Layer::Reshape(Reshape { shape: Shape { height: 1, width: 1, channels } }));
    prop_oneof![Just(Layer::Softmax(Softmax {})), reshape]
}

/// Zero point and range of an output.
fn output() -> impl Strategy<Value = (ZeroPoint, Activation)> {
    any::<(i8, i8, i8)>().prop_map(|(zero_point, one, other)| {
        (ZeroPoint(zero_point), Activation { low: one.min(other), high: one.max(other) })
    })
}
