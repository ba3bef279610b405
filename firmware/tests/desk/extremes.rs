//! Tables and parameters of extreme values, under a right header.

use crate::blob::{Field, blob, noise, payload, run};
use proptest::collection::vec;
use proptest::prelude::*;
use secateur_shared::layer::LAYERS_MAX;
use secateur_shared::packing;
use secateur_shared::quant::{ACCUMULATOR_MAX, Activation, Multiplier, ZeroPoint};
use secateur_shared::{Conv2d, Layer, Linear, MaxPool2d, Padding, Refusal, Shape, Table};

fn size() -> impl Strategy<Value = u16> {
    prop_oneof![40 => 1..8_u16, 1 => Just(0), 1 => Just(u16::MAX), 4 => any::<u16>()]
}

fn window() -> impl Strategy<Value = u8> {
    prop_oneof![40 => 1..6_u8, 1 => Just(0), 3 => Just(u8::MAX), 3 => any::<u8>()]
}

/// Anywhere, or (see [`placed`]) where the format puts it.
fn offset() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), Just(u32::MAX), 0..200_u32, any::<u32>()]
}

fn layer() -> impl Strategy<Value = Layer> {
    let activation = (-128..32_i8, -32..=127_i8).prop_map(|(low, high)| Activation { low, high });
    let values = (any::<i8>().prop_map(ZeroPoint), activation);
    let padding = prop_oneof![Just(Padding::Same), Just(Padding::Valid)];
    (0..3, size(), (window(), window(), window(), padding), values, offset()).prop_map(
        |(kind, outputs, (rows, columns, stride, padding), (zero_point, activation), parameters_at)| match kind {
            0 => Layer::MaxPool2d(MaxPool2d { window: rows, stride }),
            1 => Layer::Linear(Linear { outputs, zero_point, activation, parameters_at }),
            _ => {
                let kernel_hw = (rows, columns);
                Layer::Conv2d(Conv2d { outputs, kernel_hw, stride, padding, zero_point, activation, parameters_at })
            }
        },
    )
}

fn tables() -> impl Strategy<Value = Table> {
    let shape = (size(), size(), size()).prop_map(|(height, width, channels)| Shape { height, width, channels });
    let layers = prop_oneof![3 => vec(layer(), 0..4), 1 => vec(layer(), 0..=LAYERS_MAX)];
    (shape, any::<i8>(), layers).prop_map(|(input, zero_point, layers)| Table {
        input,
        input_zero_point: ZeroPoint(zero_point),
        layers: layers.into_iter().collect(),
    })
}

/// The table with its offsets as the format wants them, the layers that cannot take their input left out.
fn placed(table: &Table) -> Table {
    let mut placed = Table::new(table.input, table.input_zero_point);
    for layer in &table.layers {
        let _ = placed.push(*layer);
    }
    placed
}

/// A value at or near a bound.
fn extreme(field: Field, noise: u32) -> i32 {
    let one_of = |values: [i32; 4]| values[noise as usize % 4];
    match field {
        Field::Bias => one_of([0, ACCUMULATOR_MAX, -ACCUMULATOR_MAX, noise as i32 >> 4]),
        Field::Mantissa => one_of([0, 1 << 30, i32::MAX, (noise >> 2 | 1 << 30) as i32]),
        Field::Exponent => one_of([-31, 0, 0, (noise >> 8) as i32 % 31]),
        Field::Weight => one_of([0, 0, -128, 127]),
    }
}

/// Payloads longer than this are left away: the table is then refused for it.
const PAYLOAD_MAX: u32 = 1 << 16;

fn payload_or_none(table: &Table, mut draw: impl FnMut(Field) -> i32) -> Vec<u8> {
    match table.end() {
        Ok((_, bytes)) if bytes <= PAYLOAD_MAX => payload(table, &mut draw),
        _ => Vec::new(),
    }
}

/// The first layer with an output whose (|bias| + sum |w| * |x - z|) * 2^e+ is out of bounds, in integers that nothing
/// overflows, read off the payload's bytes.
fn first_overflow(table: &Table, payload: &[u8]) -> Option<u8> {
    let mut zero_point = table.input_zero_point;
    let steps = table.steps().map(|step| step.expect("fits"));
    let mut overflows = steps.map(|step| {
        let reach = (-128..=127).map(|x: i128| (x - i128::from(zero_point.0)).abs()).max().expect("not empty");
        let input = zero_point;
        let (outputs, at) = match step.layer {
            Layer::Conv2d(conv) => (usize::from(conv.outputs), conv.parameters_at as usize),
            Layer::Linear(linear) => (usize::from(linear.outputs), linear.parameters_at as usize),
            Layer::MaxPool2d(_) => return false,
        };
        zero_point = step.layer.zero_point(input);
        let weights = step.layer.weights_per_output(step.input) as usize;
        (0..outputs).any(|output| {
            let bias = &payload[at + 4 * output..][..4];
            let folded = i32::from_le_bytes([bias[0], bias[1], bias[2], bias[3]]);
            let exponent = (payload[at + (8 + weights) * outputs + output] as i8).max(0);
            let packed = &payload[at + 8 * outputs..][..outputs * weights];
            let at = |position| packing::index(outputs, weights, output, position);
            let weights: Vec<i128> = (0..weights).map(|position| i128::from(packed[at(position)] as i8)).collect();
            let bias = i128::from(folded) + i128::from(input.0) * weights.iter().sum::<i128>();
            let sum: i128 = weights.iter().map(|weight| weight.abs()).sum();
            (bias.abs() + sum * reach) << exponent > i128::from(i32::MAX) - 128
        })
    });
    overflows.position(|overflows| overflows).map(|index| index as u8)
}

proptest! {
    #[test]
    fn an_extreme_table_is_refused_or_runs(table in tables(), seed: u32) {
        let mut noise = noise(seed);
        let _ = run(&blob(&table, &payload_or_none(&table, |field| extreme(field, noise()))));
    }

    #[test]
    fn an_extreme_table_with_its_offsets_right_is_refused_or_runs(table in tables(), seed: u32) {
        let mut noise = noise(seed);
        let table = placed(&table);
        let _ = run(&blob(&table, &payload_or_none(&table, |field| crate::blob::valid(field, noise()))));
    }

    #[test]
    fn any_payload_is_refused_or_runs(table in crate::tables::tables(), seed: u32) {
        let mut noise = noise(seed);
        let _ = run(&blob(&table, &payload(&table, &mut |_| noise() as i32)));
    }

    #[test]
    fn extreme_parameters_run_where_no_accumulator_can_overflow_and_are_refused_elsewhere(
        table in crate::tables::tables(), seed: u32, rare in 1..64_u32,
    ) {
        let mut noise = noise(seed);
        let mut draw = |field| {
            let noise = (noise(), noise());
            if noise.0.is_multiple_of(rare) { extreme(field, noise.1) } else { crate::blob::valid(field, noise.1) }
        };
        let payload = payload(&table, &mut draw);
        let expected = first_overflow(&table, &payload).map_or(Ok(()), |layer| Err(Refusal::Overflow(layer)));
        prop_assert_eq!(run(&blob(&table, &payload)), expected);
    }
}

#[test]
fn a_multiplier_of_every_exponent_requantizes_the_largest_accumulator() {
    for exponent in Multiplier::EXPONENTS {
        let largest = ACCUMULATOR_MAX >> exponent.max(0);
        for (mantissa, accumulator) in
            [(1 << 30, largest), (i32::MAX, largest), (1 << 30, -largest), (i32::MAX, -largest)]
        {
            for zero_point in [i8::MIN, 0, i8::MAX] {
                let multiplier = Multiplier { mantissa, exponent };
                let exact = f64::from(accumulator) * f64::from(mantissa) * 2_f64.powi(i32::from(exponent) - 31);
                let expected = (exact + f64::from(zero_point)).clamp(-128.0, 127.0);
                let found = multiplier.requantize(accumulator, ZeroPoint(zero_point), Activation::NONE);
                assert!((f64::from(found) - expected).abs() <= 1.0, "{multiplier:?} {accumulator} {zero_point}");
            }
        }
    }
}
