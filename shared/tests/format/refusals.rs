//! Every way in which a blob can be wrong has its own refusal, and the last valid value before it is accepted.

use super::example::{blob, parse, payload, table};
use secateur_shared::layer::{Conv2d, Linear};
use secateur_shared::quant::{ACCUMULATOR_MAX, Activation, ZeroPoint};
use secateur_shared::{Layer, Model, Refusal, Shape, Table, header};

const CONVOLUTION_BIAS_AT: usize = 0;
const CONVOLUTION_MANTISSA_AT: usize = 4;
const CONVOLUTION_EXPONENT_AT: usize = 12;
const LINEAR_AT: usize = 16;

fn check(bytes: &[u8], expected: Result<(), Refusal>) {
    parse(bytes, |model| assert_eq!(model.map(|_| ()), expected));
}

/// The example with its table changed.
fn check_table(change: impl Fn(&mut Table), expected: Result<(), Refusal>) {
    let mut table = table();
    change(&mut table);
    check(&blob(&table, &payload()), expected);
}

/// The example with these bytes at this offset of its payload.
fn check_payload(at: usize, bytes: &[u8], expected: Result<(), Refusal>) {
    let mut payload = payload();
    payload[at..at + bytes.len()].copy_from_slice(bytes);
    check(&blob(&table(), &payload), expected);
}

#[test]
fn the_example_is_accepted() {
    check(&blob(&table(), &payload()), Ok(()));
}

#[test]
fn a_blob_cut_off_anywhere() {
    let blob = blob(&table(), &payload());
    for length in 0..blob.len() {
        check(&blob[..length], Err(Refusal::CutOff));
    }
    let mut shorter_than_its_header = blob;
    shorter_than_its_header[8] = 15;
    check(&shorter_than_its_header, Err(Refusal::CutOff));
}

#[test]
fn another_header() {
    for (at, value, refusal) in [
        (0, b'X', Refusal::NoModel),
        (4, 2, Refusal::FormatVersion(2)),
        (5, 1, Refusal::FormatVersion(0x103)),
        (6, 3, Refusal::KernelAbi(3)),
        (12, 0, Refusal::Checksum),
        (40, 1, Refusal::Checksum),
    ] {
        let mut blob = blob(&table(), &payload());
        blob[at] = value;
        check(&blob, Err(refusal));
    }
    check(&[0xFF; 64], Err(Refusal::NoModel));
}

#[test]
fn a_blob_off_its_alignment() {
    let blob = blob(&table(), &payload());
    for shift in 1..16 {
        let mut words = vec![0_u128; blob.len() / 16 + 2];
        let moved = &mut bytemuck::cast_slice_mut(&mut words)[shift..shift + blob.len()];
        moved.copy_from_slice(&blob);
        assert_eq!(Model::parse(moved).map(|_| ()), Err(Refusal::Misaligned));
    }
}

#[test]
fn a_table_that_does_not_decode() {
    // Byte 27 is the number of layers, 28 the first one's operator.
    for (at, value) in [(27, 0), (27, 81), (28, 8), (28, 99)] {
        let mut blob = blob(&table(), &payload());
        blob[at] = value;
        header::seal(&mut blob).expect("has a header");
        check(&blob, Err(Refusal::Table));
    }
    let mut only_a_header = vec![0; 16];
    header::seal(&mut only_a_header).expect("has a header");
    check(&only_a_header, Err(Refusal::CutOff));
}

#[test]
fn impossible_sizes() {
    check_table(|table| table.input.shape.height = 0, Err(Refusal::Geometry(0)));
    let large = Shape { height: 5000, width: 5000, channels: 1 };
    check_table(|table| table.input.shape = large, Err(Refusal::Geometry(0)));
    for kernel_hw in [(0, 2), (2, 0), (9, 2)] {
        check_table(|table| convolution(table).window.kernel_hw = kernel_hw, Err(Refusal::Geometry(0)));
    }
    check_table(|table| convolution(table).window.stride_hw = (0, 1), Err(Refusal::Geometry(0)));
    // A window that would lie in the padding alone.
    check_table(|table| convolution(table).window.before_hw = (2, 0), Err(Refusal::Geometry(0)));
    check_table(|table| linear(table).outputs = 0, Err(Refusal::Geometry(1)));
    check_table(|table| table.nodes[1].from = 2, Err(Refusal::Geometry(1)));
}

#[test]
fn tensors_in_each_other_s_way() {
    // The convolution writes over its input, which its window still covers; the scratch is that of 4 windows, 40 B.
    check_table(|table| table.nodes[0].output_at = 0, Err(Refusal::Places));
    check_table(|table| table.nodes[0].output_at = 5, Err(Refusal::Places));
    check_table(|table| table.input.at = 2, Err(Refusal::Places));
    check_table(|table| table.nodes[0].scratch_at = 4, Err(Refusal::Places));
    check_table(|table| table.nodes[0].scratch_at = 10, Err(Refusal::Places));
    check_table(|table| table.nodes[1].output_at = 1 << 30, Err(Refusal::Places));
    check_table(|table| table.nodes[0].scratch_at = 100, Ok(()));
    // Read again after the convolution, the input must not be written over.
    check_table(|table| table.nodes[1].from = 1, Err(Refusal::Parameters(1)));
}

#[test]
fn parameters_out_of_place() {
    check_table(|table| linear(table).outputs = 3, Err(Refusal::Parameters(1)));
    check_table(|table| table.nodes.truncate(1), Err(Refusal::Parameters(0)));
    check(&blob(&table(), &payload()[..32]), Err(Refusal::Parameters(1)));
    check(&blob(&table(), &[payload(), vec![0; 4]].concat()), Err(Refusal::Parameters(1)));
    check(&blob(&table(), &[]), Err(Refusal::Parameters(0)));
}

#[test]
fn multipliers_out_of_bounds() {
    for mantissa in [1, (1 << 29) - 1, -1, i32::MIN] {
        check_payload(CONVOLUTION_MANTISSA_AT, &i32::to_le_bytes(mantissa), Err(Refusal::Quantization(0)));
    }
    for mantissa in [0, 1 << 29, 1 << 30, i32::MAX] {
        check_payload(CONVOLUTION_MANTISSA_AT, &i32::to_le_bytes(mantissa), Ok(()));
    }
    for exponent in [31, -32, i8::MAX, i8::MIN] {
        check_payload(CONVOLUTION_EXPONENT_AT, &i8::to_le_bytes(exponent), Err(Refusal::Quantization(0)));
    }
    for exponent in [-31, 0, 19] {
        check_payload(CONVOLUTION_EXPONENT_AT, &i8::to_le_bytes(exponent), Ok(()));
    }
}

#[test]
fn an_empty_activation_range() {
    check_table(|table| linear(table).activation = Activation { low: 4, high: 3 }, Err(Refusal::Quantization(1)));
    check_table(|table| linear(table).activation = Activation { low: 4, high: 4 }, Ok(()));
}

#[test]
fn accumulators_at_the_bound() {
    // The linear layer's input has zero point -128, so that |x - z| reaches 255 and 128 * 16 is folded in; its weight is 16.
    let largest = ACCUMULATOR_MAX - 16 * 255;
    let folded = |bias: i32| (bias + 128 * 16).to_le_bytes();
    for bias in [largest, -largest] {
        check_payload(LINEAR_AT, &folded(bias), Ok(()));
        check_payload(LINEAR_AT, &folded(bias + bias.signum()), Err(Refusal::Overflow(1)));
    }
    check_payload(CONVOLUTION_BIAS_AT, &i32::MIN.to_le_bytes(), Err(Refusal::Overflow(0)));
    // (100 + 10 * 255) << 19 fits, << 20 does not.
    check_payload(CONVOLUTION_EXPONENT_AT, &[20], Err(Refusal::Overflow(0)));
}

#[test]
fn an_accumulator_of_so_many_weights_that_its_shift_leaves_64_bits() {
    let input = Shape { height: 1024, width: 515, channels: 1 };
    let mut table = Table::new(input, ZeroPoint(-128));
    let (zero_point, activation) = (ZeroPoint(0), Activation::NONE);
    table.push(Layer::Linear(Linear { outputs: 1, zero_point, activation })).expect("fits");
    table.place().expect("fits");
    // 4 + 255 * (526,344 * 128 + 4) is 2^34: shifted by 30, nothing of it is left in 64 bits.
    let mut payload = [4_i32.to_le_bytes(), (1_i32 << 30).to_le_bytes()].concat();
    payload.push(30);
    payload.resize(9 + 526_344, 0x80);
    payload.push(4);
    payload.resize(table.end().expect("fits").1 as usize, 0);
    check(&blob(&table, &payload), Err(Refusal::Overflow(0)));
}

fn convolution(table: &mut Table) -> &mut Conv2d {
    match table.nodes.first_mut().map(|node| &mut node.layer) {
        Some(Layer::Conv2d(convolution)) => convolution,
        other => panic!("the example starts with a convolution, not {other:?}"),
    }
}

fn linear(table: &mut Table) -> &mut Linear {
    match table.nodes.last_mut().map(|node| &mut node.layer) {
        Some(Layer::Linear(linear)) => linear,
        other => panic!("the example ends with a linear layer, not {other:?}"),
    }
}
