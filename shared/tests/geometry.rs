//! Shapes and windows, held to the definitions.

use proptest::prelude::*;
use secateur_shared::layer::{LAYERS_MAX, TENSOR_BYTES_MAX};
use secateur_shared::quant::ZeroPoint;
use secateur_shared::{Conv2d, Layer, Linear, MaxPool2d, Padding, Refusal, Shape, Table};

/// The number of windows that lie inside `input` elements, counted.
fn windows_inside(input: u32, kernel: u32, stride: u32) -> u32 {
    (0..input).step_by(stride as usize).filter(|start| start + kernel <= input).count() as u32
}

fn size() -> impl Strategy<Value = u16> {
    prop_oneof![0..4_u16, 0..300_u16, any::<u16>()]
}

proptest! {
    #[test]
    fn a_valid_fit_counts_the_windows_inside(input in 1..2000_u16, kernel in 1..=255_u8, stride in 1..=255_u8) {
        let expected = windows_inside(input.into(), kernel.into(), stride.into());
        let found = Padding::Valid.fit(input, kernel, stride);
        prop_assert_eq!(found, (expected > 0).then_some((expected as u16, 0)));
    }

    #[test]
    fn a_same_fit_pads_the_smaller_half_before(input in 1..=u16::MAX, kernel in 1..=255_u8, stride in 1..=255_u8) {
        let (output, before) = Padding::Same.fit(input, kernel, stride).expect("always fits");
        let (input, kernel, stride) = (i64::from(input), i64::from(kernel), i64::from(stride));
        prop_assert_eq!(i64::from(output), (input + stride - 1) / stride);
        let last_start = (i64::from(output) - 1) * stride;
        let total = (last_start + kernel - input).max(0);
        prop_assert_eq!(i64::from(before), total / 2);
    }

    #[test]
    fn every_window_meets_the_input(
        input in 1..=u16::MAX, kernel in 1..=255_u8, stride in 1..=255_u8,
        padding in prop_oneof![Just(Padding::Same), Just(Padding::Valid)],
    ) {
        let Some((output, before)) = padding.fit(input, kernel, stride) else { return Ok(()) };
        for position in [0, output / 2, output - 1] {
            let start = i64::from(position) * i64::from(stride) - i64::from(before);
            prop_assert!(start < i64::from(input) && start + i64::from(kernel) > 0);
        }
    }

    #[test]
    fn a_shape_has_bytes_where_it_is_neither_empty_nor_too_large(
        height in size(), width in size(), channels in size(),
    ) {
        let product = u64::from(height) * u64::from(width) * u64::from(channels);
        let expected = (1..=u64::from(TENSOR_BYTES_MAX)).contains(&product).then_some(product as u32);
        prop_assert_eq!(Shape { height, width, channels }.bytes(), expected);
    }
}

#[test]
fn nothing_fits_a_size_of_zero() {
    for padding in [Padding::Same, Padding::Valid] {
        for (input, kernel, stride) in [(0, 1, 1), (1, 0, 1), (1, 1, 0)] {
            assert_eq!(padding.fit(input, kernel, stride), None);
        }
    }
}

#[test]
fn a_table_places_the_parameters_one_after_the_other() {
    let mut table = Table::new(Shape { height: 4, width: 4, channels: 3 }, ZeroPoint(0));
    for layer in [conv2d(5), Layer::MaxPool2d(MaxPool2d { window: 2, stride: 2 }), linear(2), linear(1)] {
        table.push(layer).expect("fits");
    }
    let places: Vec<_> = table.layers.iter().filter_map(Layer::parameters).collect();
    // 5 * (9 + 27) bytes, then 2 * (9 + 20), then 1 * (9 + 2), each rounded up to a multiple of 4.
    assert_eq!(places, [(0, 5), (180, 2), (240, 1)]);
    assert_eq!(table.end(), Ok((Shape { height: 1, width: 1, channels: 1 }, 252)));
}

#[test]
fn a_table_counts_multiply_accumulates() {
    let mut table = Table::new(Shape { height: 4, width: 4, channels: 3 }, ZeroPoint(0));
    for layer in [conv2d(5), Layer::MaxPool2d(MaxPool2d { window: 2, stride: 2 }), linear(2)] {
        table.push(layer).expect("fits");
    }
    let macs: Vec<u64> =
        table.steps().map(|step| step.map(|step| step.layer.macs(step.input)).expect("fits")).collect();
    assert_eq!(macs, [4 * 4 * 5 * 27, 0, 2 * 20]);
}

#[test]
fn a_table_refuses_what_does_not_fit() {
    let mut table = Table::new(Shape { height: 4, width: 4, channels: 1 }, ZeroPoint(0));
    let too_wide = Layer::MaxPool2d(MaxPool2d { window: 5, stride: 1 });
    assert_eq!(table.push(too_wide), Err(Refusal::Geometry(0)));
    for _ in 0..LAYERS_MAX {
        table.push(linear(1)).expect("fits");
    }
    assert_eq!(table.push(linear(1)), Err(Refusal::Table));
}

fn conv2d(outputs: u16) -> Layer {
    let (zero_point, activation) = (ZeroPoint(0), secateur_shared::quant::Activation::NONE);
    let padding = Padding::Same;
    Layer::Conv2d(Conv2d { outputs, kernel_hw: (3, 3), stride: 1, padding, zero_point, activation, parameters_at: 9 })
}

fn linear(outputs: u16) -> Layer {
    let (zero_point, activation) = (ZeroPoint(0), secateur_shared::quant::Activation::NONE);
    Layer::Linear(Linear { outputs, zero_point, activation, parameters_at: 9 })
}
