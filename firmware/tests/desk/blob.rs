//! Blobs built by hand, and a run of whatever they turn out to be.

use proptest::collection::vec;
use proptest::prelude::*;
use secateur_firmware::Engine;
use secateur_shared::header::{self, HEADER_BYTES};
use secateur_shared::layer::Step;
use secateur_shared::quant::Activation;
use secateur_shared::{Layer, Model, Refusal, Table};

/// Bytes that start on a multiple of 16, as a blob in flash does.
pub(crate) struct Aligned {
    words: Vec<u128>,
    length: usize,
}

impl Aligned {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut words = vec![0; bytes.len().div_ceil(16)];
        bytemuck::cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
        Self { words, length: bytes.len() }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.length]
    }
}

/// Header, table, padding, payload.
pub(crate) fn blob(table: &Table, payload: &[u8]) -> Vec<u8> {
    let mut bytes = postcard::to_extend(table, vec![0; HEADER_BYTES]).expect("encodes");
    bytes.resize(bytes.len().next_multiple_of(16), 0);
    bytes.extend(payload);
    header::seal(&mut bytes).expect("has a header");
    bytes
}

/// A payload of this table's length, its values drawn in turn: biases, mantissas, weights and exponents.
pub(crate) fn payload(table: &Table, draw: &mut impl FnMut(Field) -> i32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for step in table.steps().map_while(Result::ok) {
        let Some((outputs, per_output)) = step.parameters() else { continue };
        // Multipliers without weights have no bias.
        let bias = |drawn: i32| if per_output == 0 { 0 } else { drawn };
        bytes.extend((0..outputs).flat_map(|_| bias(draw(Field::Bias)).to_le_bytes()));
        bytes.extend((0..outputs).flat_map(|_| draw(Field::Mantissa).to_le_bytes()));
        bytes.extend((0..outputs * per_output).map(|_| draw(Field::Weight) as u8));
        // Sums and softmax have multipliers of one direction.
        let directed = |exponent: i32| match step.layer() {
            Layer::Add(_) => -exponent.abs().min(31),
            Layer::Softmax(_) => exponent.abs().min(30),
            _ => exponent,
        };
        bytes.extend((0..outputs).map(|_| directed(draw(Field::Exponent)) as u8));
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

/// What a value of the payload is.
#[derive(Clone, Copy)]
pub(crate) enum Field {
    Bias,
    Mantissa,
    Exponent,
    Weight,
}

/// Any value that this field may have in a small layer.
pub(crate) fn valid(field: Field, noise: u32) -> i32 {
    match field {
        Field::Bias => noise as i32 >> 12,
        Field::Mantissa => (noise >> 2 | 1 << 30) as i32,
        Field::Exponent => (noise % 35) as i32 - 31,
        Field::Weight => noise as i32 >> 24,
    }
}

/// A linear congruential generator: the values of a blob are too many for proptest to shrink one by one.
pub(crate) fn noise(seed: u32) -> impl FnMut() -> u32 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.rotate_left(16)
    }
}

/// The blob of a random network.
pub(crate) fn blobs() -> impl Strategy<Value = Vec<u8>> {
    (crate::tables::tables(), any::<u32>()).prop_map(|(table, seed)| {
        let mut noise = noise(seed);
        blob(&table, &payload(&table, &mut |field| valid(field, noise())))
    })
}

/// Distinct bits of a blob.
pub(crate) fn flip(blob: &[u8], bits: &[prop::sample::Index]) -> Vec<u8> {
    let mut blob = blob.to_vec();
    let bits: std::collections::BTreeSet<usize> = bits.iter().map(|bit| bit.index(8 * blob.len())).collect();
    for bit in bits {
        blob[bit / 8] ^= 1 << (bit % 8);
    }
    blob
}

/// One to eight bits.
pub(crate) fn bits() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    vec(any::<prop::sample::Index>(), 1..=8)
}

/// More than this is left to faster tests.
const STEPS_MAX: u64 = 1 << 18;

/// Parses bytes and runs what is accepted, on an arena of exactly the planned length, with every output in its range.
pub(crate) fn run(bytes: &[u8]) -> Result<(), Refusal> {
    let aligned = Aligned::new(bytes);
    let model = Model::parse(aligned.bytes())?;
    let steps: Vec<Step> = model.steps().map(|step| step.expect("was parsed")).collect();
    if steps.iter().map(work).sum::<u64>() > STEPS_MAX {
        return Ok(());
    }
    let needed_bytes = model.arena_bytes();
    too_small(model, needed_bytes);
    let mut arena = vec![-1; needed_bytes as usize];
    let mut engine = Engine::new(model, &mut arena).expect("the planned arena");
    engine.infer_observed(|index, output| {
        let Activation { low, high } = steps[index].layer().activation();
        assert_eq!(Some(output.len() as u32), steps[index].output.shape.bytes());
        assert!(output.iter().all(|value| (low..=high).contains(value)), "layer {index}");
    });
    Ok(())
}

fn too_small(model: Model, needed_bytes: u32) {
    let available_bytes = needed_bytes - 1;
    let refused = Engine::new(model, &mut vec![0; available_bytes as usize]).err();
    assert_eq!(refused, Some(Refusal::Arena { needed_bytes, available_bytes }));
}

/// Values read by a layer.
fn work(step: &Step) -> u64 {
    let pooled = match step.layer() {
        Layer::MaxPool2d(pool) | Layer::AveragePool2d(pool) => u64::from(pool.window.area()),
        _ => 1,
    };
    pooled * u64::from(step.output.shape.bytes().unwrap_or(0)) + step.macs()
}
