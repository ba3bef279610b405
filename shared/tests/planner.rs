//! The planner: no two live tensors overlap, and every byte that it counts is a byte of the real blob, arena or flash.

#[path = "support/tables.rs"]
mod tables;

use proptest::collection::vec;
use proptest::prelude::*;
use secateur_shared::arena::{Arena, Pass, Place};
use secateur_shared::header::HEADER_BYTES;
use secateur_shared::memory::{self, BoardMemory, Footprint};
use secateur_shared::quant::{Activation, ZeroPoint};
use secateur_shared::{Conv2d, Layer, Linear, MaxPool2d, Model, Padding, Refusal, Shape, Table, header};
use tables::tables;

/// The tensors' lengths, the input's first.
fn tensors(table: &Table) -> Vec<u32> {
    let outputs = passes(table).into_iter().map(|pass| pass.output.bytes().expect("not empty"));
    std::iter::once(table.input.bytes().expect("not empty")).chain(outputs).collect()
}

fn passes(table: &Table) -> Vec<Pass<'_>> {
    table.passes().map(|pass| pass.expect("fits")).collect()
}

/// Input and output of every pass in the table's plan.
fn places(table: &Table) -> Vec<[Place; 2]> {
    let places: Vec<Place> = Arena::plan(table).expect("fits").places(table).collect();
    places.windows(2).map(|pair| [pair[0], pair[1]]).collect()
}

/// Who last wrote each byte of an arena: a tensor's number and the byte's in it.
fn written(arena: &mut [Option<(usize, u32)>], tensor: usize, place: Place, bytes: std::ops::Range<u32>) {
    for byte in bytes {
        arena[(place.offset + byte) as usize] = Some((tensor, byte));
    }
}

/// The blob of a table with these quantisation values everywhere and parameters of zeros, which are valid ones.
fn blob(table: &Table) -> Vec<u8> {
    let arena = Arena::plan(table).expect("fits");
    let mut bytes = postcard::to_extend(&(table, arena), vec![0; HEADER_BYTES]).expect("encodes");
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
    fn every_byte_is_still_there_when_it_is_read(table in tables()) {
        let length = Arena::plan(&table).expect("fits").extent(&table).expect("valid").bytes;
        for (tensor, (pass, [from, to])) in passes(&table).iter().zip(places(&table)).enumerate() {
            let mut arena = vec![None; length as usize];
            written(&mut arena, tensor, from, 0..from.bytes);
            let scratch = from.end().max(to.end());
            prop_assert!(scratch + pass.scratch_bytes() <= length, "{pass:?}");
            let input_row = from.bytes / u32::from(pass.step.input.height);
            let output_row = to.bytes / u32::from(pass.output.height);
            for row in 0..u32::from(pass.output.height) {
                written(&mut arena, tensor + 1, to, row * output_row..(row + 1) * output_row);
                let first = pass.first_row(row).unwrap_or(0) * input_row;
                for byte in first..from.bytes {
                    prop_assert_eq!(arena[(from.offset + byte) as usize], Some((tensor, byte)), "{:?}", pass);
                }
            }
        }
    }

    #[test]
    fn every_tensor_lies_in_the_arena_on_a_word(table in tables()) {
        let arena = Arena::plan(&table).expect("fits");
        let places: Vec<Place> = arena.places(&table).collect();
        prop_assert_eq!(places.iter().map(|place| place.bytes).collect::<Vec<_>>(), tensors(&table));
        let length = arena.extent(&table).expect("valid").bytes;
        for place in places {
            prop_assert!(place.offset % 4 == 0 && place.offset + place.bytes <= length, "{:?}", place);
        }
    }

    #[test]
    fn the_arena_is_no_longer_than_with_tensors_apart_and_no_shorter_than_its_longest_pass(table in tables()) {
        let passes = passes(&table);
        let tensor = |shape: Shape| shape.bytes().expect("not empty").next_multiple_of(4);
        let apart = passes.iter().map(|pass| tensor(pass.step.input) + tensor(pass.output)).max().expect("a layer");
        let scratch = passes.iter().map(Pass::scratch_bytes).max().expect("a layer");
        let most = (apart + scratch).next_multiple_of(16);
        let least = passes.iter().map(Pass::working_bytes).max().expect("a layer").next_multiple_of(16);
        let bytes = Arena::plan(&table).expect("fits").extent(&table).expect("valid").bytes;
        prop_assert!((least..=most).contains(&bytes), "{bytes} of {least}..={most}");
    }

    #[test]
    fn places_moved_by_a_word_too_far_are_refused(table in tables(), tensor in any::<prop::sample::Index>()) {
        let arena = Arena::plan(&table).expect("fits");
        let mut offsets: Vec<u32> = arena.places(&table).map(|place| place.offset).collect();
        let index = tensor.index(offsets.len() - 1);
        // Onto its output's last word: whatever the pass reads last is gone.
        offsets[index + 1] = offsets[index] + 2;
        let encoded = postcard::to_extend(offsets.as_slice(), Vec::new()).expect("encodes");
        let moved: Arena = postcard::from_bytes(&encoded).expect("decodes");
        prop_assert_eq!(moved.extent(&table), Err(Refusal::Places));
    }

    #[test]
    fn blob_bytes_are_the_real_ones_whatever_the_values(table in tables(), value in any::<i8>()) {
        for table in [revalued(&table, value), table] {
            let blob = blob(&table);
            let arena = Arena::plan(&table).expect("fits");
            prop_assert_eq!(memory::blob_bytes(&table, &arena), Ok(blob.len() as u32));
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
            prop_assert_eq!(plan.ram_bytes, 64 + Arena::plan(&table).expect("fits").extent(&table).expect("valid").bytes + 512);
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
    assert_eq!(
        Arena::plan(&table).and_then(|arena| arena.extent(&table)).map(|extent| extent.bytes),
        Ok((1 << 24) + 4096)
    );
}

#[test]
fn an_input_without_layers_has_its_place() {
    let table = Table::new(Shape { height: 3, width: 3, channels: 1 }, ZeroPoint(0));
    let arena = Arena::plan(&table).expect("fits");
    assert_eq!(
        (arena.extent(&table).map(|extent| extent.bytes), arena.places(&table).next().map(|place| place.bytes)),
        (Ok(16), Some(9))
    );
}
/// 32x32x3, 16-16-P-32-32-P-64-64-P-10: the first map is 16,384 B, and nearly all that there is.
#[test]
fn a_small_vgg_runs_in_little_more_than_its_largest_map() {
    let mut table = Table::new(Shape { height: 32, width: 32, channels: 3 }, ZeroPoint(0));
    let (zero_point, activation) = (ZeroPoint(0), Activation::NONE);
    let window = ((3, 3), 1, Padding::Same);
    for outputs in [16, 32, 64] {
        for _ in 0..2 {
            let (kernel_hw, stride, padding) = window;
            let conv = Conv2d { outputs, kernel_hw, stride, padding, zero_point, activation, parameters_at: 0 };
            table.push(Layer::Conv2d(conv)).expect("fits");
        }
        table.push(Layer::MaxPool2d(MaxPool2d { window: 2, stride: 2 })).expect("fits");
    }
    table.push(Layer::Linear(Linear { outputs: 10, zero_point, activation, parameters_at: 0 })).expect("fits");
    let arena = Arena::plan(&table).expect("fits");
    let offsets: Vec<u32> = arena.places(&table).map(|place| place.offset).collect();
    assert_eq!(arena.extent(&table).map(|extent| extent.bytes), Ok(17_936), "{offsets:?}");
}
