//! Shapes and windows, held to the definitions.

use proptest::prelude::*;
use secateur_shared::layer::{Conv2d, LAYERS_MAX, Linear, Padding, Pool2d, TENSOR_BYTES_MAX, Window};
use secateur_shared::quant::{Activation, ZeroPoint};
use secateur_shared::{Layer, Refusal, Shape, Table};

/// The number of windows that lie inside `input` elements, counted.
fn windows_inside(input: u32, kernel: u32, stride: u32) -> u32 {
    (0..input).step_by(stride as usize).filter(|start| start + kernel <= input).count() as u32
}

fn size() -> impl Strategy<Value = u16> {
    prop_oneof![0..4_u16, 0..300_u16, any::<u16>()]
}

proptest! {
    #[test]
    fn valid_windows_are_those_inside(input in 1..2000_u16, kernel in 1..=255_u8, stride in 1..=255_u8) {
        let expected = windows_inside(input.into(), kernel.into(), stride.into());
        let window = Padding::Valid.window((input, input), (kernel, 1), (stride, 1)).expect("sizes");
        let found = window.output_hw(line(input)).map(|(height, _)| u32::from(height));
        prop_assert_eq!(found, (expected > 0).then_some(expected));
    }

    #[test]
    fn same_windows_pad_the_smaller_half_before(input in 1..=u16::MAX, kernel in 1..=255_u8, stride in 1..=255_u8) {
        let window = Padding::Same.window((input, input), (kernel, 1), (stride, 1)).expect("sizes");
        let (output, _) = window.output_hw(line(input)).expect("always fits");
        prop_assert_eq!(output, input.div_ceil(stride.into()));
        let last_start = (i64::from(output) - 1) * i64::from(stride);
        let total = (last_start + i64::from(kernel) - i64::from(input)).max(0);
        prop_assert_eq!(i64::from(window.before_hw.0), total / 2);
        prop_assert_eq!(i64::from(window.after_hw.0), total - total / 2);
    }

    #[test]
    fn every_window_meets_the_input(
        input in 1..=2000_u16, kernel: u8, stride: u8, before: u8, after: u8,
    ) {
        let window = Window { kernel_hw: (kernel, 1), stride_hw: (stride, 1), before_hw: (before, 0), after_hw: (after, 0) };
        let Some((output, _)) = window.output_hw(line(input)) else { return Ok(()) };
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

/// One column of so many rows.
fn line(height: u16) -> Shape {
    Shape { height, width: 1, channels: 1 }
}

#[test]
fn nothing_fits_a_size_of_zero() {
    for padding in [Padding::Same, Padding::Valid] {
        for (input, kernel, stride) in [(0, 1, 1), (1, 0, 1), (1, 1, 0)] {
            assert_eq!(padding.window((input, 1), (kernel, 1), (stride, 1)), None);
        }
    }
    assert_eq!(Window::tiles(0).output_hw(line(1)), None);
    assert_eq!(Window::tiles(2).output_hw(Shape { width: 3, ..line(1) }), None);
}

#[test]
fn a_table_places_the_parameters_one_after_the_other() {
    let mut table = Table::new(Shape { height: 4, width: 4, channels: 3 }, ZeroPoint(0));
    for layer in [conv2d(5), Layer::MaxPool2d(Pool2d::HALVING), linear(2), linear(1)] {
        table.push(layer).expect("fits");
    }
    let places: Vec<_> = table.steps().map(|step| step.expect("fits").parameters_at).collect();
    // 5 * (9 + 27) bytes, then 2 * (9 + 20), then 1 * (9 + 2), each rounded up to a multiple of 4.
    assert_eq!(places, [0, 180, 240]);
    assert_eq!(table.end(), Ok((Shape { height: 1, width: 1, channels: 1 }, 252)));
}

#[test]
fn a_table_counts_multiply_accumulates() {
    let mut table = Table::new(Shape { height: 4, width: 4, channels: 3 }, ZeroPoint(0));
    for layer in [conv2d(5), Layer::MaxPool2d(Pool2d::HALVING), linear(2)] {
        table.push(layer).expect("fits");
    }
    let macs: Vec<u64> = table.steps().map(|step| step.expect("fits").macs()).collect();
    assert_eq!(macs, [4 * 4 * 5 * 27, 2 * 20]);
}

#[test]
fn a_pool_that_a_convolution_cannot_do_leaves_it_as_it_was() {
    let mut table = Table::new(Shape { height: 1, width: 4, channels: 3 }, ZeroPoint(0));
    table.push(conv2d(5)).expect("fits");
    let before = table.clone();
    assert_eq!(table.push(Layer::MaxPool2d(Pool2d::HALVING)), Err(Refusal::Geometry(0)));
    assert_eq!(table, before);
}

#[test]
fn a_table_refuses_what_does_not_fit() {
    let mut table = Table::new(Shape { height: 4, width: 4, channels: 1 }, ZeroPoint(0));
    let too_wide = Layer::MaxPool2d(Pool2d { window: Window::tiles(5), activation: Activation::NONE });
    assert_eq!(table.push(too_wide), Err(Refusal::Geometry(0)));
    for _ in 0..LAYERS_MAX {
        table.push(linear(1)).expect("fits");
    }
    assert_eq!(table.push(linear(1)), Err(Refusal::Table));
}

fn conv2d(outputs: u16) -> Layer {
    let (zero_point, activation) = (ZeroPoint(0), Activation::NONE);
    Layer::Conv2d(Conv2d { outputs, window: Window::around(3), is_pooled: false, zero_point, activation })
}

fn linear(outputs: u16) -> Layer {
    Layer::Linear(Linear { outputs, zero_point: ZeroPoint(0), activation: Activation::NONE })
}
