//! The planner: the exact bytes of flash and RAM of a network on a board, a pure function of the table's shapes.

use crate::header::{ALIGNMENT, HEADER_BYTES};
use crate::layer::{Head, Record, Step, Table};
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
    /// How many bytes of hot weights start-up may copy to RAM.
    pub weights_in_ram_bytes: u32,
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
    /// The copy of hot weights, on a multiple of 16.
    pub weights_in_ram_bytes: u32,
    /// The tensors.
    pub arena_bytes: u32,
    /// What is kept for the stack.
    pub stack_reserve_bytes: u32,
    /// All of the above four.
    pub ram_bytes: u32,
}

/// The bytes of a network on a board. Whether they fit is the caller's question.
///
/// # Errors
/// [`Refusal::Geometry`] where a layer cannot take its input; [`Refusal::CutOff`] where the code alone fills the flash.
pub fn plan(table: &Table, footprint: Footprint, board: &BoardMemory) -> Result<MemoryPlan, Refusal> {
    let mut table = table.clone();
    table.place()?;
    let (blob_bytes, arena_bytes) = (blob_bytes(&table)?, table.arena_bytes()?);
    let weights_in_ram_bytes = hot_bytes(table.steps(), board.weights_in_ram_bytes).next_multiple_of(ALIGNMENT as u32);
    let model_at = board.next_sector(footprint.code_bytes).ok_or(Refusal::CutOff)?;
    Ok(MemoryPlan {
        code_bytes: footprint.code_bytes,
        gap_bytes: model_at - footprint.code_bytes,
        blob_bytes,
        flash_bytes: model_at.saturating_add(blob_bytes),
        static_ram_bytes: footprint.static_ram_bytes,
        weights_in_ram_bytes,
        arena_bytes,
        stack_reserve_bytes: board.stack_reserve_bytes,
        ram_bytes: footprint.static_ram_bytes + weights_in_ram_bytes + arena_bytes + board.stack_reserve_bytes,
    })
}

/// How much of the payload, from its start, is worth a copy in RAM: up to the last layer that reads its weights more than
/// once a run and whose parameters end within the limit.
pub fn hot_bytes(steps: impl Iterator<Item = Result<Step, Refusal>>, limit_bytes: u32) -> u32 {
    let within = steps.map_while(Result::ok).take_while(|step| step.parameters_end <= limit_bytes);
    within.filter(Step::reads_weights_again).last().map_or(0, |step| step.parameters_end)
}

/// Where the payload starts in the blob of a table of so many layers.
pub fn payload_at(layers: usize) -> usize {
    (HEADER_BYTES + size_of::<Head>() + layers * size_of::<Record>()).next_multiple_of(ALIGNMENT)
}

/// The length of the blob of this table.
///
/// # Errors
/// [`Refusal::Geometry`] where a layer cannot take its input, or the blob does not fit 32 bits.
pub fn blob_bytes(table: &Table) -> Result<u32, Refusal> {
    let (_, payload_bytes) = table.end()?;
    (payload_at(table.nodes.len()) as u32).checked_add(payload_bytes).ok_or(Refusal::CutOff)
}
