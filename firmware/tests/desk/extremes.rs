//! Tables and parameters of extreme values, under a right header.

use crate::blob::{Field, blob, noise, payload, run};
use proptest::collection::vec;
use proptest::prelude::*;
use secateur_shared::layer::{Conv2d, DepthwiseConv2d, LAYERS_MAX, Linear, Node, Pool2d, Window};
use secateur_shared::packing;
use secateur_shared::quant::{ACCUMULATOR_MAX, Activation, Multiplier, ZeroPoint};
use secateur_shared::{Layer, Refusal, Shape, Table};

fn size() -> impl Strategy<Value = u16> {
    prop_oneof![40 => 1..8_u16, 1 => Just(0), 1 => Just(u16::MAX), 4 => any::<u16>()]
}

fn window() -> impl Strategy<Value = u8> {
    prop_oneof![40 => 1..6_u8, 1 => Just(0), 3 => Just(u8::MAX), 3 => any::<u8>()]
}

fn layer() -> impl Strategy<Value = Layer> {
    let activation = (-128..32_i8, -32..=127_i8).prop_map(|(low, high)| Activation { low, high });
    let values = (any::<i8>().prop_map(ZeroPoint), activation);
    let padding = prop_oneof![3 => Just(0), 1 => any::<u8>()];
    let window =
        ((window(), window()), (window(), window()), (padding.clone(), padding.clone()), (padding.clone(), padding));
    (0..6, size(), any::<bool>(), window, values).prop_map(
        |(kind, outputs, is_pooled, (kernel_hw, stride_hw, before_hw, after_hw), (zero_point, activation))| {
            let window = Window { kernel_hw, stride_hw, before_hw, after_hw };
            match kind {
                0 => Layer::MaxPool2d(Pool2d { window, activation }),
                1 => Layer::AveragePool2d(Pool2d { window, activation }),
                2 => Layer::Linear(Linear { outputs, zero_point, activation }),
                3 => {
                    let multiplier = kernel_hw.0;
                    Layer::DepthwiseConv2d(DepthwiseConv2d { multiplier, window, zero_point, activation })
                }
                _ => Layer::Conv2d(Conv2d { outputs, window, is_pooled, zero_point, activation }),
            }
        },
    )
}

/// Layers anywhere, reading anything.
fn tables() -> impl Strategy<Value = Table> {
    let shape = (size(), size(), size()).prop_map(|(height, width, channels)| Shape { height, width, channels });
    let place = || prop_oneof![(0..100_u32).prop_map(|word| 4 * word), any::<u32>()];
    let from = prop_oneof![9 => Just(0), 1 => any::<u8>()];
    let node = (layer(), from, place(), place()).prop_map(|(layer, from, output_at, scratch_at)| Node {
        layer,
        from,
        output_at,
        scratch_at,
    });
    let count = prop_oneof![3 => 0..4_usize, 1 => 0..=LAYERS_MAX];
    let nodes = (vec(node, LAYERS_MAX), count).prop_map(|(mut nodes, count)| {
        nodes.truncate(count);
        nodes
    });
    (shape, any::<i8>(), nodes).prop_map(|(shape, zero_point, nodes)| {
        let mut table = Table::new(shape, ZeroPoint(zero_point));
        table.nodes.extend(nodes);
        table
    })
}

/// The table with its tensors placed, the layers that cannot take their input left out.
fn placed(table: &Table) -> Table {
    let mut placed = Table::new(table.input.shape, table.input.zero_point);
    for node in &table.nodes {
        let _ = placed.push_from(node.layer, node.from);
    }
    // An impossible input has no place.
    let _ = placed.place();
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
    let steps = table.steps().map(|step| step.expect("fits"));
    let mut overflows = steps.map(|step| {
        let input = i128::from(step.input.zero_point.0);
        let reach = (-128..=127).map(|x: i128| (x - input).abs()).max().expect("not empty");
        let Some((outputs, weights)) = step.parameters() else { return false };
        let at = step.parameters_at as usize;
        (0..outputs).any(|output| {
            let bias = &payload[at + 4 * output..][..4];
            let folded = i32::from_le_bytes([bias[0], bias[1], bias[2], bias[3]]);
            let exponent = (payload[at + (8 + weights) * outputs + output] as i8).max(0);
            let packed = &payload[at + 8 * outputs..][..outputs * weights];
            let at = |position| packing::index(outputs, weights, output, position);
            let weights: Vec<i128> = (0..weights).map(|position| i128::from(packed[at(position)] as i8)).collect();
            let bias = i128::from(folded) + input * weights.iter().sum::<i128>();
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
    fn an_extreme_table_with_its_places_right_is_refused_or_runs(table in tables(), seed: u32) {
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
