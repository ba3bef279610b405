//! The planner: no two live tensors overlap, and every byte that it counts is a byte of the real blob, arena or flash.

#[path = "support/tables.rs"]
mod tables;

use proptest::collection::vec;
use proptest::prelude::*;
use secateur_shared::header::HEADER_BYTES;
use secateur_shared::memory::{self, Arena, BoardMemory, Footprint};
use secateur_shared::quant::{Activation, ZeroPoint};
use secateur_shared::{Layer, MaxPool2d, Model, Refusal, Shape, Table, header};
use tables::tables;

/// The tensors' lengths, the input's first.
fn tensors(table: &Table) -> Vec<u32> {
    let outputs = table.steps().map(|step| step.expect("fits").output.bytes().expect("not empty"));
    std::iter::once(table.input.bytes().expect("not empty")).chain(outputs).collect()
}

/// The blob of a table with these quantisation values everywhere and parameters of zeros, which are valid ones.
fn blob(table: &Table) -> Vec<u8> {
    let mut bytes = postcard::to_extend(table, vec![0; HEADER_BYTES]).expect("encodes");
    bytes.resize(bytes.len().next_multiple_of(16), 0);
    for step in table.steps().map(|step| step.expect("fits")) {
        let Some((_, outputs)) = step.layer.parameters() else { continue };
        let weights = step.layer.weights_per_output(step.input) as usize;
        let parameters = usize::from(outputs) * (4 + 4 + 1 + weights);
        bytes.resize(bytes.len() + parameters.next_multiple_of(4), 0);
    }
    header::seal(&mut bytes).expect("has a header");
    bytes
}

fn aligned(bytes: &[u8]) -> Vec<u128> {
    let mut words = vec![0; bytes.len().div_ceil(16)];
    bytemuck::cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
    words
}

/// The same shapes with these values.
fn revalued(table: &Table, value: i8) -> Table {
    let mut table = table.clone();
    table.input_zero_point = ZeroPoint(value);
    for layer in &mut table.layers {
        let (zero_point, activation) = match layer {
            Layer::Conv2d(conv) => (&mut conv.zero_point, &mut conv.activation),
            Layer::Linear(linear) => (&mut linear.zero_point, &mut linear.activation),
            Layer::MaxPool2d(_) => continue,
        };
        *zero_point = ZeroPoint(value);
        *activation = Activation { low: value, high: value };
    }
    table
}

proptest! {
    #[test]
    fn input_and_output_of_a_layer_never_overlap(table in tables()) {
        let arena = Arena::plan(&table).expect("fits");
        for pair in arena.places().windows(2) {
            let (from, to) = (pair[0], pair[1]);
            let apart = from.offset + from.bytes <= to.offset || to.offset + to.bytes <= from.offset;
            prop_assert!(apart, "{from:?} {to:?}");
        }
    }

    #[test]
    fn every_tensor_lies_in_the_arena_on_a_word(table in tables()) {
        let arena = Arena::plan(&table).expect("fits");
        let lengths: Vec<u32> = arena.places().iter().map(|place| place.bytes).collect();
        prop_assert_eq!(lengths, tensors(&table));
        for place in arena.places() {
            prop_assert!(place.offset % 4 == 0 && place.offset + place.bytes <= arena.bytes(), "{:?}", place);
        }
    }

    #[test]
    fn the_arena_is_the_largest_pair_of_neighbours_with_its_scratch(table in tables()) {
        let words: Vec<u32> = tensors(&table).iter().map(|bytes| bytes.div_ceil(4)).collect();
        let scratch = table.steps().map(|step| memory::scratch_bytes(&step.expect("fits")).div_ceil(4));
        let largest = words.windows(2).zip(scratch).map(|(pair, scratch)| pair[0] + pair[1] + scratch);
        let largest = largest.max().expect("a layer");
        prop_assert_eq!(Arena::plan(&table).expect("fits").bytes(), largest.div_ceil(4) * 16);
    }

    #[test]
    fn blob_bytes_are_the_real_ones_whatever_the_values(table in tables(), value in any::<i8>()) {
        for table in [revalued(&table, value), table] {
            let blob = blob(&table);
            prop_assert_eq!(memory::blob_bytes(&table), Ok(blob.len() as u32));
            let words = aligned(&blob);
            let model = Model::parse(bytemuck::cast_slice(&words)).expect("zeros are valid parameters");
            prop_assert_eq!(model.table(), &table);
        }
    }

    #[test]
    fn the_model_starts_on_the_first_sector_after_the_code(
        table in tables(), sectors in vec((1..5_u32, 1..9_u32), 1..4), code_bytes in 0..40_u32,
    ) {
        let board = BoardMemory { flash_bytes: 0, ram_bytes: 0, sectors: &sectors, stack_reserve_bytes: 512 };
        let sizes = sectors.iter().flat_map(|&(count, bytes)| std::iter::repeat_n(bytes, count as usize));
        let starts = sizes.scan(0, |end, bytes| Some(std::mem::replace(end, *end + bytes)));
        let expected = starts.into_iter().find(|start| *start >= code_bytes).ok_or(Refusal::CutOff);
        let footprint = Footprint { code_bytes, static_ram_bytes: 64 };
        let plan = memory::plan(&table, footprint, &board);
        prop_assert_eq!(plan.map(|plan| plan.code_bytes + plan.gap_bytes), expected);
        if let Ok(plan) = plan {
            prop_assert_eq!(plan.flash_bytes, plan.code_bytes + plan.gap_bytes + plan.blob_bytes);
            prop_assert_eq!(plan.ram_bytes, 64 + Arena::plan(&table).expect("fits").bytes() + 512);
        }
    }
}

#[test]
fn sectors_of_an_stm32f405() {
    let sectors = [(4, 0x4000), (1, 0x1_0000), (7, 0x2_0000)];
    let board = BoardMemory { flash_bytes: 0x10_0000, ram_bytes: 0, sectors: &sectors, stack_reserve_bytes: 0 };
    let cases = [
        (0, Some(0)),
        (1, Some(0x4000)),
        (0x4000, Some(0x4000)),
        (0x4001, Some(0x8000)),
        (0xC001, Some(0x1_0000)),
        (0x1_0001, Some(0x2_0000)),
        (0xC_0001, Some(0xE_0000)),
        (0xE_0001, None),
    ];
    for (code_end, start) in cases {
        assert_eq!(board.next_sector(code_end), start, "{code_end:#x}");
    }
}

#[test]
fn the_largest_tensors_do_not_overflow_the_plan() {
    let mut table = Table::new(Shape { height: 4096, width: 4096, channels: 1 }, ZeroPoint(0));
    table.push(Layer::MaxPool2d(MaxPool2d { window: 1, stride: 1 })).expect("fits");
    assert_eq!(Arena::plan(&table).map(|arena| arena.bytes()), Ok(1 << 25));
}

#[test]
fn an_input_without_layers_has_its_place() {
    let table = Table::new(Shape { height: 3, width: 3, channels: 1 }, ZeroPoint(0));
    let arena = Arena::plan(&table).expect("fits");
    assert_eq!((arena.bytes(), arena.places()[0].bytes), (16, 9));
}
