//! The talk between desk and chip: postcard messages with a CRC-32, COBS-framed, over one byte pipe. The desk asks, the
//! chip answers once; a frame that arrives damaged is answered with [`Response::Damaged`] and may be sent again, since
//! every request can be repeated without harm.

use crate::header::CRC;
use crate::refusal::Refusal;
use serde::{Deserialize, Serialize};

/// Bumped whenever a message changes.
pub const PROTOCOL_VERSION: u16 = 1;
/// The longest frame, COBS overhead and the closing zero included.
pub const FRAME_BYTES: usize = 256;
/// The most image bytes in one [`Request::Pixels`].
pub const CHUNK_BYTES: usize = 192;

/// What the desk asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request<'a> {
    /// Who are you, and what do you run?
    Hello,
    /// A part of the next image, int8 in HWC order, at this offset of the input tensor.
    Pixels {
        /// In bytes.
        offset: u32,
        /// At most [`CHUNK_BYTES`].
        values: &'a [u8],
    },
    /// Run the network on the image.
    Infer,
    /// How much stack was used since the start?
    Memory,
}

/// What the chip answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response<'a> {
    /// To [`Request::Hello`].
    Hello(Hello<'a>),
    /// To [`Request::Pixels`].
    Stored,
    /// To [`Request::Infer`].
    Logits {
        /// The index of the largest logit, the lowest of equals.
        class: u16,
        /// The last layer's int8 output.
        logits: &'a [u8],
    },
    /// To [`Request::Memory`].
    Memory(Memory),
    /// The network cannot run.
    Refused(Refusal),
    /// The frame was damaged on its way: send it again.
    Damaged,
}

/// The chip's introduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello<'a> {
    /// [`PROTOCOL_VERSION`] of the chip's build.
    pub protocol: u16,
    /// The board's name.
    pub board: &'a str,
    /// The clock that really runs.
    pub clock_hz: u32,
    /// The CRC-32 of the model in flash, or why it is refused.
    pub model: Result<u32, Refusal>,
}

/// The chip's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The deepest that the stack ever was, in bytes.
    pub stack_high_water_bytes: u32,
    /// What was kept for it.
    pub stack_reserve_bytes: u32,
}

/// Why a frame was not made or not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The message is longer than a frame.
    TooLong,
    /// COBS, CRC or postcard say that bytes are wrong.
    Damaged,
}

/// The frame of a message: COBS(postcard | CRC-32) and a zero.
///
/// # Errors
/// [`FrameError::TooLong`].
pub fn encode<'f, M: Serialize>(message: &M, frame: &'f mut [u8; FRAME_BYTES]) -> Result<&'f [u8], FrameError> {
    let mut plain = [0; FRAME_BYTES];
    let body = postcard::to_slice(message, &mut plain).map_err(|_| FrameError::TooLong)?.len();
    let crc = CRC.checksum(&plain[..body]).to_le_bytes();
    plain.get_mut(body..body + 4).ok_or(FrameError::TooLong)?.copy_from_slice(&crc);
    let longest = cobs::max_encoding_length(body + 4);
    if longest >= FRAME_BYTES {
        return Err(FrameError::TooLong);
    }
    let length = cobs::encode(&plain[..body + 4], frame);
    frame[length] = 0;
    Ok(&frame[..=length])
}

/// The message of a frame without its closing zero, decoded in place.
///
/// # Errors
/// [`FrameError::Damaged`].
pub fn decode<'f, M: Deserialize<'f>>(frame: &'f mut [u8]) -> Result<M, FrameError> {
    let length = cobs::decode_in_place(frame).map_err(|_| FrameError::Damaged)?;
    let (body, crc) = frame[..length].split_last_chunk::<4>().ok_or(FrameError::Damaged)?;
    if CRC.checksum(body) != u32::from_le_bytes(*crc) {
        return Err(FrameError::Damaged);
    }
    postcard::from_bytes(body).map_err(|_| FrameError::Damaged)
}

/// [`encode`] of a response, compiled here, where a chip's profile asks for few bytes.
///
/// # Errors
/// [`FrameError::TooLong`].
#[inline(never)]
pub fn encode_response<'f>(response: &Response, frame: &'f mut [u8; FRAME_BYTES]) -> Result<&'f [u8], FrameError> {
    encode(response, frame)
}

/// [`decode`] of a request, compiled here, where a chip's profile asks for few bytes.
///
/// # Errors
/// [`FrameError::Damaged`].
#[inline(never)]
pub fn decode_request(frame: &mut [u8]) -> Result<Request<'_>, FrameError> {
    decode(frame)
}

/// Bytes that came in, until a zero closes a frame. A frame that is too long is taken as empty.
#[derive(Debug)]
pub struct Inbox {
    bytes: [u8; FRAME_BYTES],
    length: usize,
}

impl Default for Inbox {
    fn default() -> Self {
        Self { bytes: [0; FRAME_BYTES], length: 0 }
    }
}

impl Inbox {
    /// Takes one byte; at the end of a frame, gives the frame out without its closing zero.
    pub fn push(&mut self, byte: u8) -> Option<&mut [u8]> {
        if byte != 0 {
            if let Some(slot) = self.bytes.get_mut(self.length) {
                *slot = byte;
            }
            self.length = self.length.saturating_add(1);
            return None;
        }
        let length = core::mem::take(&mut self.length);
        Some(self.bytes.get_mut(..length).unwrap_or_default())
    }
}
