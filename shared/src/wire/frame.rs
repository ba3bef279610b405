//! Frames: COBS(session | sequence | message | CRC-32) and a zero.

use super::{FRAME_BYTES, FrameError, Number, Request, Response};
use crate::header::crc32;

/// What COBS makes a frame of at the most: one byte in front and the zero behind.
const PLAIN_BYTES: usize = FRAME_BYTES - 2;

/// A message as it is made.
pub(super) struct Plain {
    bytes: [u8; PLAIN_BYTES],
    length: usize,
}

impl Plain {
    fn new(number: Number) -> Self {
        let mut plain = Self { bytes: [0; PLAIN_BYTES], length: 0 };
        plain.put_words(&[number.session]);
        plain.put(&number.sequence.to_le_bytes());
        plain
    }

    /// Puts bytes at the end; what does not fit makes the message too long.
    #[inline(never)]
    pub(super) fn put(&mut self, bytes: &[u8]) {
        let end = self.length.saturating_add(bytes.len());
        if let Some(place) = self.bytes.get_mut(self.length..end) {
            place.copy_from_slice(bytes);
        }
        self.length = end;
    }

    pub(super) fn put_words(&mut self, words: &[u32]) {
        for word in words {
            self.put(&word.to_le_bytes());
        }
    }

    fn frame<'f>(&mut self, frame: &'f mut [u8; FRAME_BYTES]) -> Result<&'f [u8], FrameError> {
        let crc = crc32(self.bytes.get(..self.length).ok_or(FrameError::TooLong)?);
        self.put_words(&[crc]);
        let length = cobs::encode(self.bytes.get(..self.length).ok_or(FrameError::TooLong)?, frame);
        frame[length] = 0;
        Ok(&frame[..=length])
    }
}

/// The frame of a request.
///
/// # Errors
/// [`FrameError::TooLong`].
pub fn encode_request<'f>(
    number: Number,
    request: &Request,
    frame: &'f mut [u8; FRAME_BYTES],
) -> Result<&'f [u8], FrameError> {
    let mut plain = Plain::new(number);
    request.put(&mut plain);
    plain.frame(frame)
}

/// The frame of a response.
///
/// # Errors
/// [`FrameError::TooLong`].
// Compiled here, as the next one, where a chip's profile asks for few bytes.
#[inline(never)]
pub fn encode_response<'f>(
    number: Number,
    response: &Response,
    frame: &'f mut [u8; FRAME_BYTES],
) -> Result<&'f [u8], FrameError> {
    let mut plain = Plain::new(number);
    response.put(&mut plain);
    plain.frame(frame)
}

/// The request in a frame without its closing zero, decoded in place.
///
/// # Errors
/// [`FrameError::Damaged`].
#[inline(never)]
pub fn decode_request(frame: &mut [u8]) -> Result<(Number, Request<'_>), FrameError> {
    let (number, message) = open(frame).ok_or(FrameError::Damaged)?;
    Ok((number, Request::take(message).ok_or(FrameError::Damaged)?))
}

/// The response in a frame without its closing zero, decoded in place.
///
/// # Errors
/// [`FrameError::Damaged`].
pub fn decode_response(frame: &mut [u8]) -> Result<(Number, Response<'_>), FrameError> {
    let (number, message) = open(frame).ok_or(FrameError::Damaged)?;
    Ok((number, Response::take(message).ok_or(FrameError::Damaged)?))
}

/// A frame's number and message, where its CRC is right.
fn open(frame: &mut [u8]) -> Option<(Number, &[u8])> {
    let length = cobs::decode_in_place(frame).ok()?;
    let (checked, crc) = frame.get(..length)?.split_last_chunk::<4>()?;
    if crc32(checked) != u32::from_le_bytes(*crc) {
        return None;
    }
    let (session, rest) = checked.split_first_chunk()?;
    let (sequence, message) = rest.split_first_chunk()?;
    Some((Number { session: u32::from_le_bytes(*session), sequence: u16::from_le_bytes(*sequence) }, message))
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
