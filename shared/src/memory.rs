//! The planner: the exact bytes of flash and RAM of a network on a board, a pure function of the table's shapes.

use crate::header::{ALIGNMENT, HEADER_BYTES};
use crate::layer::{LAYERS_MAX, Layer, Step, Table};
use crate::refusal::Refusal;

/// What a board has and declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoardMemory<'b> {
    /// Flash, in bytes.
    pub flash_bytes: u32,
    /// RAM, in bytes.
    pub ram_bytes: u32,
    /// Runs of equal erase sectors from the start of flash: (count, bytes).
    pub sectors: &'b [(u32, u32)],
    /// What is kept for the stack.
    pub stack_reserve_bytes: u32,
}

impl BoardMemory<'_> {
    /// The start of the first erase sector at or after `end`, both from the start of flash.
    pub fn next_sector(&self, end: u32) -> Option<u32> {
        let runs = self.sectors.iter().flat_map(|&(count, bytes)| (0..count).map(move |_| bytes));
        let mut start = 0;
        for bytes in runs {
            if start >= end {
                return Some(start);
            }
            start += bytes;
        }
        None
    }
}

/// What the firmware occupies without a model: constants of a board, a profile and an operator set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// From the start of flash to the last loaded byte.
    pub code_bytes: u32,
    /// From the start of RAM to the arena: .data, .bss, and padding to a multiple of 16.
    pub static_ram_bytes: u32,
}

/// Where a network's bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryPlan {
    /// Code, constants and the load image of .data.
    pub code_bytes: u32,
    /// Between the code and the blob, which starts on an erase sector.
    pub gap_bytes: u32,
    /// The blob.
    pub blob_bytes: u32,
    /// All of the above.
    pub flash_bytes: u32,
    /// .data and .bss.
    pub static_ram_bytes: u32,
    /// The tensors.
    pub arena_bytes: u32,
    /// What is kept for the stack.
    pub stack_reserve_bytes: u32,
    /// All of the above three.
    pub ram_bytes: u32,
}

/// The bytes of a network on a board. Whether they fit is the caller's question.
///
/// # Errors
/// [`Refusal::Geometry`] where a layer cannot take its input; [`Refusal::CutOff`] where the code alone fills the flash.
pub fn plan(table: &Table, footprint: Footprint, board: &BoardMemory) -> Result<MemoryPlan, Refusal> {
    let blob_bytes = blob_bytes(table)?;
    let arena_bytes = Arena::plan(table)?.bytes();
    let model_at = board.next_sector(footprint.code_bytes).ok_or(Refusal::CutOff)?;
    Ok(MemoryPlan {
        code_bytes: footprint.code_bytes,
        gap_bytes: model_at - footprint.code_bytes,
        blob_bytes,
        flash_bytes: model_at.saturating_add(blob_bytes),
        static_ram_bytes: footprint.static_ram_bytes,
        arena_bytes,
        stack_reserve_bytes: board.stack_reserve_bytes,
        ram_bytes: footprint.static_ram_bytes + arena_bytes + board.stack_reserve_bytes,
    })
}

/// Where the payload starts in the blob of this table.
///
/// # Errors
/// [`Refusal::Table`] where the table does not encode.
pub fn payload_at(table: &Table) -> Result<u32, Refusal> {
    let size = postcard::ser_flavors::Size::default();
    let table_bytes = postcard::serialize_with_flavor(table, size).map_err(|_| Refusal::Table)?;
    Ok((HEADER_BYTES + table_bytes).next_multiple_of(ALIGNMENT) as u32)
}

/// The length of the blob of this table.
///
/// # Errors
/// [`Refusal::Geometry`] where a layer cannot take its input, or the blob does not fit 32 bits.
pub fn blob_bytes(table: &Table) -> Result<u32, Refusal> {
    let (_, payload_bytes) = table.end()?;
    payload_at(table)?.checked_add(payload_bytes).ok_or(Refusal::CutOff)
}

/// The tensors' places: even ones at the arena's low end, odd ones at its high end, so that a layer's input and output
/// never overlap and every other pair may. Between the two lies what the layer's kernel scratches on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arena {
    bytes: u32,
    /// Of tensor 0 (the input) to n (the last layer's output).
    places: heapless::Vec<Place, { LAYERS_MAX + 1 }>,
}

/// Where one tensor lies in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// First byte.
    pub offset: u32,
    /// Length.
    pub bytes: u32,
}

/// Tensors start on a multiple of this, so that kernels may load words.
pub const TENSOR_ALIGNMENT: u32 = 4;

impl Arena {
    /// Places every tensor.
    ///
    /// # Errors
    /// [`Refusal::Geometry`] where a layer cannot take its input.
    pub fn plan(table: &Table) -> Result<Self, Refusal> {
        let first = table.input.bytes().ok_or(Refusal::Geometry(0))?;
        let mut bytes = first;
        for step in table.steps() {
            bytes = bytes.max(working_bytes(&step?));
        }
        let bytes = bytes.checked_next_multiple_of(ALIGNMENT as u32).ok_or(Refusal::CutOff)?;
        let outputs = table.steps().map(|step| step.map(|step| step.output.bytes().unwrap_or(0)));
        let mut places = heapless::Vec::new();
        for (index, tensor) in core::iter::once(Ok(first)).chain(outputs).enumerate() {
            let tensor = tensor?;
            let high = bytes.saturating_sub(tensor.next_multiple_of(TENSOR_ALIGNMENT));
            let offset = if index.is_multiple_of(2) { 0 } else { high };
            places.push(Place { offset, bytes: tensor }).map_err(|_| Refusal::Table)?;
        }
        Ok(Self { bytes, places })
    }

    /// Length of the arena, a multiple of 16.
    pub fn bytes(&self) -> u32 {
        self.bytes
    }

    /// Tensor 0 is the input, tensor n the output of layer n - 1.
    pub fn places(&self) -> &[Place] {
        &self.places
    }
}

/// What a layer needs at once: its input, its output, and its scratch between them.
pub fn working_bytes(step: &Step) -> u32 {
    let tensor = |shape: crate::Shape| shape.bytes().unwrap_or(0).next_multiple_of(TENSOR_ALIGNMENT);
    (tensor(step.input) + tensor(step.output)).saturating_add(scratch_bytes(step))
}

/// Output pixels that a convolution computes at once, at most.
pub const PATCH_PIXELS: u32 = 4;

/// What a layer's kernel scratches on: for a convolution the windows of [`PATCH_PIXELS`] outputs as 16-bit numbers, and a
/// pixel of padding.
pub fn scratch_bytes(step: &Step) -> u32 {
    match step.layer {
        Layer::Conv2d(_) => {
            let positions = step.layer.weights_per_output(step.input).saturating_add(1) & !1;
            let padding = u32::from(step.input.channels).next_multiple_of(TENSOR_ALIGNMENT);
            positions.saturating_mul(2 * PATCH_PIXELS).saturating_add(padding)
        }
        Layer::MaxPool2d(_) | Layer::Linear(_) => 0,
    }
}
