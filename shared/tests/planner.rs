//! The planner: nothing that is needed is written over, and every byte that it counts is a byte of the real blob, arena or
//! flash.

#[path = "support/tables.rs"]
mod tables;

use proptest::collection::vec;
use proptest::prelude::*;
use secateur_shared::header::HEADER_BYTES;
use secateur_shared::layer::{Add, Conv2d, Linear, Padding, Pool2d, Step, Tensor, Window};
use secateur_shared::memory::{self, BoardMemory, Footprint};
use secateur_shared::quant::{Activation, ZeroPoint};
use secateur_shared::{Layer, Model, Refusal, Shape, Table, header};
use tables::tables;

fn steps(table: &Table) -> Vec<Step> {
    table.steps().map(|step| step.expect("fits")).collect()
}

/// Who last wrote each byte of an arena: a tensor's number and the byte's in it.
type Written = Vec<Option<(usize, u32)>>;

fn write(arena: &mut Written, index: usize, tensor: &Tensor, bytes: std::ops::Range<u32>) {
    for byte in bytes {
        arena[(tensor.at + byte) as usize] = Some((index, byte));
    }
}

fn is_whole(arena: &Written, index: usize, tensor: &Tensor, from: u32) -> bool {
    (from..bytes(tensor)).all(|byte| arena[(tensor.at + byte) as usize] == Some((index, byte)))
}

fn bytes(tensor: &Tensor) -> u32 {
    tensor.shape.bytes().expect("not empty")
}

/// Makes a step's output row by row, after its scratch; whether all that it reads is there when it reads it.
fn run(arena: &mut Written, step: &Step) -> bool {
    for byte in 0..step.scratch_bytes() {
        arena[(step.scratch_at + byte) as usize] = None;
    }
    let inputs = [Some((step.input, step.input_index)), step.other()];
    let (rows, row) = (u32::from(step.output.shape.height), step.output.shape.row_bytes());
    // Value by value, or row by row.
    let is_elementwise = matches!(step.layer(), Layer::Add(_) | Layer::Reshape(_) | Layer::Softmax(_));
    let parts = if is_elementwise { bytes(&step.output) } else { rows };
    (0..parts).all(|part| {
        let first = |input: &Tensor| match step.first_row(part) {
            _ if is_elementwise => part,
            first => first.unwrap_or(0) * input.shape.row_bytes(),
        };
        let is_there = inputs.iter().flatten().all(|(input, index)| is_whole(arena, *index, input, first(input)));
        let written = if is_elementwise { part..part + 1 } else { part * row..(part + 1) * row };
        write(arena, step.index + 1, &step.output, written);
        // Rows that do not need all of it are read before they are written, in the engine: what is left must still be whole.
        let rest = |input: &Tensor| if is_elementwise { part + 1 } else { first(input) };
        is_there && inputs.iter().flatten().all(|(input, index)| is_whole(arena, *index, input, rest(input)))
    })
}

/// The blob of a table with parameters of zeros, which are valid ones.
fn blob(table: &Table) -> Vec<u8> {
    let mut bytes = postcard::to_extend(table, vec![0; HEADER_BYTES]).expect("encodes");
    bytes.resize(bytes.len().next_multiple_of(16), 0);
    for step in steps(table) {
        let (outputs, weights) = step.parameters().unwrap_or((0, 0));
        bytes.resize(bytes.len() + (outputs * (4 + 4 + 1 + weights)).next_multiple_of(4), 0);
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
    table.input.zero_point = ZeroPoint(value);
    for node in &mut table.nodes {
        if let Layer::Conv2d(Conv2d { zero_point, activation, .. })
        | Layer::Linear(Linear { zero_point, activation, .. }) = &mut node.layer
        {
            *zero_point = ZeroPoint(value);
            *activation = Activation { low: value, high: value };
        }
    }
    table
}

proptest! {
    #[test]
    fn every_byte_is_still_there_when_it_is_read(table in tables()) {
        let mut arena = vec![None; table.arena_bytes().expect("placed") as usize];
        write(&mut arena, 0, &table.input, 0..bytes(&table.input));
        for step in steps(&table) {
            prop_assert!(run(&mut arena, &step), "{:?}", step);
        }
    }

    #[test]
    fn every_tensor_lies_on_a_word(table in tables()) {
        for node in &table.nodes {
            prop_assert!(node.output_at % 4 == 0 && node.scratch_at % 4 == 0, "{:?}", node);
        }
    }

    #[test]
    fn the_arena_is_no_longer_than_all_tensors_and_no_shorter_than_its_longest_step(table in tables()) {
        let steps = steps(&table);
        let all = steps.iter().fold(table.input.padded_bytes(), |sum, step| sum + step.output.padded_bytes());
        let scratch = steps.iter().map(Step::scratch_bytes).max().expect("a layer");
        let most = (all + scratch).next_multiple_of(16);
        let least = steps.iter().map(Step::working_bytes).max().expect("a layer").next_multiple_of(16);
        let bytes = table.arena_bytes().expect("placed");
        prop_assert!((least..=most).contains(&bytes), "{bytes} of {least}..={most}");
    }

    #[test]
    fn a_tensor_moved_by_a_word_too_far_is_refused(table in tables(), node in any::<prop::sample::Index>()) {
        let mut table = table;
        let index = node.index(table.nodes.len());
        // Onto its input's last word: whatever the layer reads last is gone.
        let input = steps(&table)[index].input;
        let is_elementwise = matches!(table.nodes[index].layer, Layer::Add(_) | Layer::Reshape(_) | Layer::Softmax(_));
        table.nodes[index].output_at = input.end() - if is_elementwise { 0 } else { 4 } + 2;
        prop_assert_eq!(table.arena_bytes(), Err(Refusal::Places));
    }

    #[test]
    fn an_output_over_a_tensor_that_a_later_layer_reads_is_refused(
        table in tables(), node in any::<prop::sample::Index>(), tensor in any::<prop::sample::Index>(),
    ) {
        let mut table = table;
        let steps = steps(&table);
        let index = node.index(steps.len());
        let reads = |step: &Step, tensor: usize| {
            step.input_index == tensor || step.other().is_some_and(|(_, other)| other == tensor)
        };
        let is_read_later = |tensor: &usize| steps[index + 1..].iter().any(|step| reads(step, *tensor));
        let needed: Vec<usize> = (0..=index).filter(is_read_later).collect();
        if needed.is_empty() {
            return Ok(());
        }
        let over = needed[tensor.index(needed.len())];
        let at = if over == 0 { table.input.at } else { table.nodes[over - 1].output_at };
        let end = at + steps[index].output.padded_bytes();
        let node = &mut table.nodes[index];
        (node.output_at, node.scratch_at) = (at, node.scratch_at.max(end));
        prop_assert_eq!(table.arena_bytes(), Err(Refusal::Places));
    }

    #[test]
    fn blob_bytes_are_the_real_ones_whatever_the_values(table in tables(), value in any::<i8>()) {
        for table in [revalued(&table, value), table] {
            let blob = blob(&table);
            prop_assert_eq!(memory::blob_bytes(&table), Ok(blob.len() as u32));
            let words = aligned(&blob);
            let model = Model::parse(bytemuck::cast_slice(&words)).expect("zeros are valid parameters");
            prop_assert_eq!(model.table(), table);
        }
    }

    #[test]
    fn the_model_starts_on_the_first_sector_after_the_code(
        table in tables(), sectors in vec((1..5_u32, 1..9_u32), 1..4), code_bytes in 0..40_u32,
        weights_in_ram_bytes in 0..600_u32,
    ) {
        let board = BoardMemory { flash_bytes: 0, ram_bytes: 0, sectors: &sectors, stack_reserve_bytes: 512, weights_in_ram_bytes };
        let sizes = sectors.iter().flat_map(|&(count, bytes)| std::iter::repeat_n(bytes, count as usize));
        let starts = sizes.scan(0, |end, bytes| Some(std::mem::replace(end, *end + bytes)));
        let expected = starts.into_iter().find(|start| *start >= code_bytes).ok_or(Refusal::CutOff);
        let footprint = Footprint { code_bytes, static_ram_bytes: 64 };
        let plan = memory::plan(&table, footprint, &board);
        prop_assert_eq!(plan.map(|plan| plan.code_bytes + plan.gap_bytes), expected);
        if let Ok(plan) = plan {
            prop_assert_eq!(plan.flash_bytes, plan.code_bytes + plan.gap_bytes + plan.blob_bytes);
            let hot = memory::hot_bytes(table.steps(), weights_in_ram_bytes).next_multiple_of(16);
            prop_assert_eq!(plan.weights_in_ram_bytes, hot);
            prop_assert_eq!(plan.ram_bytes, 64 + hot + table.arena_bytes().expect("placed") + 512);
        }
    }
}

#[test]
fn sectors_of_an_stm32f405() {
    let sectors = [(4, 0x4000), (1, 0x1_0000), (7, 0x2_0000)];
    let board = BoardMemory {
        flash_bytes: 0x10_0000,
        ram_bytes: 0,
        sectors: &sectors,
        stack_reserve_bytes: 0,
        weights_in_ram_bytes: 0,
    };
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
    table.push(Layer::MaxPool2d(Pool2d { window: Window::tiles(1), activation: Activation::NONE })).expect("fits");
    table.place().expect("fits");
    assert_eq!(table.arena_bytes(), Ok((1 << 24) + 4096));
}

#[test]
fn an_input_without_layers_has_its_place() {
    let mut table = Table::new(Shape { height: 3, width: 3, channels: 1 }, ZeroPoint(0));
    table.place().expect("fits");
    assert_eq!(table.arena_bytes(), Ok(16));
}

fn conv(outputs: u16, window: Window) -> Layer {
    let (zero_point, activation) = (ZeroPoint(0), Activation::NONE);
    Layer::Conv2d(Conv2d { outputs, window, is_pooled: false, zero_point, activation })
}

/// 32x32x3, 16-16-P-32-32-P-64-64-P-10: the first map is 16,384 B, and nearly all that there is.
#[test]
fn a_small_vgg_runs_in_little_more_than_its_largest_map() {
    let mut table = Table::new(Shape { height: 32, width: 32, channels: 3 }, ZeroPoint(0));
    for outputs in [16, 32, 64] {
        table.push(conv(outputs, Window::around(3))).expect("fits");
        table.push(conv(outputs, Window::around(3))).expect("fits");
        table.push(Layer::MaxPool2d(Pool2d::HALVING)).expect("fits");
    }
    let (zero_point, activation) = (ZeroPoint(0), Activation::NONE);
    table.push(Layer::Linear(Linear { outputs: 10, zero_point, activation })).expect("fits");
    table.place().expect("fits");
    assert_eq!(table.arena_bytes(), Ok(18_016), "{:?}", table.nodes);
}

/// MLPerf Tiny's ResNet-8: 32x32x3, a convolution of 16, three residual stacks of 16, 32 and 64. In the first stack the
/// block's input and two maps of 16,384 B would be needed, were the second one not made over the first.
#[test]
fn a_small_resnet_keeps_one_map_beside_the_one_it_works_on() {
    let mut table = Table::new(Shape { height: 32, width: 32, channels: 3 }, ZeroPoint(0));
    let strided = |size: u16, kernel: u8| Padding::Same.window((size, size), (kernel, kernel), (2, 2)).expect("fits");
    let add = |other| Layer::Add(Add { other, zero_point: ZeroPoint(0), activation: Activation::NONE });
    table.push(conv(16, Window::around(3))).expect("fits");
    table.push(conv(16, Window::around(3))).expect("fits");
    table.push(conv(16, Window::around(3))).expect("fits");
    table.push(add(2)).expect("fits");
    for (size, outputs) in [(32, 32), (16, 64)] {
        table.push(conv(outputs, strided(size, 3))).expect("fits");
        table.push(conv(outputs, Window::around(3))).expect("fits");
        table.push_from(conv(outputs, strided(size, 1)), 2).expect("fits");
        table.push(add(1)).expect("fits");
    }
    table.place().expect("fits");
    let bytes = table.arena_bytes().expect("placed");
    assert!((2 * 16_384..2 * 16_384 + 4_096).contains(&bytes), "{bytes}: {:?}", table.nodes);
}
