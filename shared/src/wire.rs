//! The talk between desk and chip: numbered messages with a CRC-32, COBS-framed, over one byte pipe. The desk asks, the chip
//! answers under the same number; PROTOCOL.md is the written form of this page.
//!
//! Every request can be repeated without harm, so what was lost or damaged is sent again; a request that is older than the
//! last one is not served, and an answer of another number is not read: nothing late is taken for something new.

mod frame;
mod message;
mod talk;

pub use frame::{Inbox, decode_request, decode_response, encode_request, encode_response};
pub(crate) use message::state;
pub use message::{REFUSAL_BYTES, Request, Response};
pub use talk::{Admission, Conversation, Gate, Heard, Number};

use crate::header::crc32;
use crate::refusal::Refusal;

/// Bumped whenever a message changes.
pub const PROTOCOL_VERSION: u16 = 3;
/// The longest frame, COBS overhead and the closing zero included.
pub const FRAME_BYTES: usize = 256;
/// The most image, model, output or profile bytes in one message.
pub const CHUNK_BYTES: usize = 192;
/// Layers in one [`Response::Profile`].
pub const PROFILED_LAYERS: usize = CHUNK_BYTES / size_of::<LayerFigures>();

/// The chip's introduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello<'a> {
    /// [`PROTOCOL_VERSION`] of the chip's build: the first field in every version.
    pub protocol: u16,
    /// The blob format that it reads.
    pub format: u16,
    /// The kernel ABI of its weights.
    pub kernel_abi: u16,
    /// The longest frame that it takes.
    pub frame_bytes: u16,
    /// The operators that it can run: bit n is the one of number n in [`crate::layer::OPERATORS`].
    pub operators: u16,
    /// The clock that really runs.
    pub clock_hz: u32,
    /// The RAM that tensors may take.
    pub arena_bytes: u32,
    /// The RAM that a model sent over the wire and its tensors may take; 0 where there is none left.
    pub free_bytes: u32,
    /// Where in flash it looks for its model.
    pub model_address: u32,
    /// The CRC-32 of the model, or why it is refused.
    pub model: Result<u32, Refusal>,
    /// The board's name.
    pub board: &'a str,
    /// The chip, as probe-rs names it.
    pub chip: &'a str,
    /// The firmware's version.
    pub version: &'a str,
}

/// The chip's memory, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The deepest that the stack ever was.
    pub stack_high_water_bytes: u32,
    /// What was kept for it.
    pub stack_reserve_bytes: u32,
    /// What the network's tensors take; 0 without one.
    pub arena_used_bytes: u32,
    /// What tensors may take.
    pub arena_bytes: u32,
    /// Variables.
    pub static_ram_bytes: u32,
}

/// What running one layer gave, as bytes: it is read where a frame has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct LayerFigures {
    cycles: [u8; 4],
    checksum: [u8; 4],
}

impl LayerFigures {
    /// Of a layer that took so many cycles for this output.
    pub fn new(cycles: u32, output: &[i8]) -> Self {
        let checksum = crc32(bytemuck::cast_slice(output));
        Self { cycles: cycles.to_le_bytes(), checksum: checksum.to_le_bytes() }
    }

    /// By the core's counter; 0 where it has none.
    pub fn cycles(self) -> u32 {
        u32::from_le_bytes(self.cycles)
    }

    /// The CRC-32 of the output's bytes.
    pub fn checksum(self) -> u32 {
        u32::from_le_bytes(self.checksum)
    }
}

/// Why a frame was not made or not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The message is longer than a frame.
    TooLong,
    /// COBS, CRC or the fields say that bytes are wrong.
    Damaged,
}
