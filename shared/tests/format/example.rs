//! The network that FORMAT.md takes apart, built from its values.

use secateur_shared::header::{self, HEADER_BYTES};
use secateur_shared::layer::{Conv2d, Linear, Padding, Pool2d};
use secateur_shared::quant::{Activation, ZeroPoint};
use secateur_shared::{Layer, Model, Refusal, Shape, Table};

pub(crate) fn table() -> Table {
    let mut table = Table::new(Shape { height: 2, width: 2, channels: 1 }, ZeroPoint(-128));
    let zero_point = ZeroPoint(-128);
    let convolution = Conv2d {
        outputs: 1,
        window: Padding::Same.window((2, 2), (2, 2), (1, 1)).expect("fits"),
        is_pooled: false,
        zero_point,
        activation: Activation::relu(zero_point),
    };
    let linear = Linear { outputs: 2, zero_point: ZeroPoint(3), activation: Activation::NONE };
    table.push(Layer::Conv2d(convolution)).expect("fits");
    table.push(Layer::MaxPool2d(Pool2d::HALVING)).expect("fits");
    table.push(Layer::Linear(linear)).expect("fits");
    table.place().expect("fits");
    table
}

/// The biases 100, -5 and 7 with the zero points of the layers' inputs, -128, folded in.
pub(crate) fn payload() -> Vec<u8> {
    let mut payload = parameters(&[-156], &[(0x6000_0000, -2)], &[1, -2, 3, -4]);
    payload.extend(parameters(&[2043, -2041], &[(0x4000_0000, -5), (0x4000_0000, -6)], &[16, -16]));
    payload
}

/// One layer's part of the payload.
fn parameters(bias: &[i32], multipliers: &[(i32, i8)], weights: &[i8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = bias.iter().flat_map(|bias| bias.to_le_bytes()).collect();
    bytes.extend(multipliers.iter().flat_map(|(mantissa, _)| mantissa.to_le_bytes()));
    bytes.extend(weights.iter().map(|weight| weight.cast_unsigned()));
    bytes.extend(multipliers.iter().map(|(_, exponent)| exponent.cast_unsigned()));
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// Header, table, padding, payload.
pub(crate) fn blob(table: &Table, payload: &[u8]) -> Vec<u8> {
    let mut bytes = postcard::to_extend(table, vec![0; HEADER_BYTES]).expect("encodes");
    bytes.resize(bytes.len().next_multiple_of(16), 0);
    bytes.extend(payload);
    header::seal(&mut bytes).expect("has a header");
    bytes
}

/// Parses bytes that start on a multiple of 16, as a blob in flash does.
pub(crate) fn parse<T>(bytes: &[u8], read: impl Fn(Result<Model, Refusal>) -> T) -> T {
    let mut words = vec![0_u128; bytes.len().div_ceil(16)];
    let aligned = &mut bytemuck::cast_slice_mut(&mut words)[..bytes.len()];
    aligned.copy_from_slice(bytes);
    read(Model::parse(aligned))
}
