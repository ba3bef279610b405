//! What desk and chip say, and its bytes: little-endian, flat, without lengths where the frame's end says them.

use super::frame::Plain;
use super::{Hello, LayerFigures, Memory};
use crate::refusal::Refusal;

/// A [`Refusal`] on the wire: its number and two values.
pub const REFUSAL_BYTES: usize = 9;
/// In place of a refusal's number where there is none.
const RUNS: u8 = 0xFF;

/// What the desk asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// Who are you, and what do you run? Begins a session.
    Hello,
    /// A part of the next image, int8 in HWC order, at this offset of the input tensor.
    Pixels {
        /// In bytes.
        offset: u32,
        /// At most [`super::CHUNK_BYTES`].
        values: &'a [u8],
    },
    /// Run the network on the image.
    Infer,
    /// How much memory was used since the start?
    Memory,
    /// Run the network on the image and say what each layer took and gave.
    Profile {
        /// The first layer of the answer, which has at most [`super::PROFILED_LAYERS`].
        first: u8,
    },
    /// A part of a model for RAM, at this offset.
    Load {
        /// In bytes.
        offset: u32,
        /// At most [`super::CHUNK_BYTES`].
        bytes: &'a [u8],
    },
    /// Check the model in RAM and run it from there, until the next start of the chip.
    Start {
        /// Its length.
        bytes: u32,
        /// Its CRC-32.
        identity: u32,
    },
}

/// What the chip answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response<'a> {
    /// To [`Request::Hello`].
    Hello(Hello<'a>),
    /// To [`Request::Pixels`], [`Request::Load`] and [`Request::Start`]: done.
    Stored,
    /// To [`Request::Infer`].
    Logits {
        /// What the network took by the core's counter; 0 where it has none.
        cycles: u32,
        /// The last layer's int8 output.
        logits: &'a [u8],
    },
    /// To [`Request::Memory`].
    Memory(Memory),
    /// The network cannot run, or not on this.
    Refused(Refusal),
    /// The frame was damaged on its way: send it again.
    Damaged,
    /// To [`Request::Profile`].
    Profile(&'a [LayerFigures]),
    /// Another session, or none, since the chip started: say hello.
    Stranger,
}

/// The first `N` bytes, taken off.
fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

fn word(bytes: &mut &[u8]) -> Option<u32> {
    take(bytes).map(u32::from_le_bytes)
}

fn half(bytes: &mut &[u8]) -> Option<u16> {
    take(bytes).map(u16::from_le_bytes)
}

fn text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let [length] = take(bytes)?;
    let (text, rest) = bytes.split_at_checked(length.into())?;
    *bytes = rest;
    core::str::from_utf8(text).ok()
}

impl<'a> Request<'a> {
    pub(super) fn put(&self, plain: &mut Plain) {
        match *self {
            Request::Hello => plain.put(&[0]),
            Request::Pixels { offset, values } => part(plain, 1, offset, values),
            Request::Infer => plain.put(&[2]),
            Request::Memory => plain.put(&[3]),
            Request::Profile { first } => plain.put(&[4, first]),
            Request::Load { offset, bytes } => part(plain, 5, offset, bytes),
            Request::Start { bytes, identity } => {
                plain.put(&[6]);
                plain.put_words(&[bytes, identity]);
            }
        }
    }

    pub(super) fn take(mut bytes: &'a [u8]) -> Option<Self> {
        let [kind] = take(&mut bytes)?;
        let request = match kind {
            0 => Request::Hello,
            1 => return Some(Request::Pixels { offset: word(&mut bytes)?, values: bytes }),
            2 => Request::Infer,
            3 => Request::Memory,
            4 => Request::Profile { first: take::<1>(&mut bytes)?[0] },
            5 => return Some(Request::Load { offset: word(&mut bytes)?, bytes }),
            6 => Request::Start { bytes: word(&mut bytes)?, identity: word(&mut bytes)? },
            _ => return None,
        };
        bytes.is_empty().then_some(request)
    }
}

fn part(plain: &mut Plain, kind: u8, offset: u32, bytes: &[u8]) {
    plain.put(&[kind]);
    plain.put_words(&[offset]);
    plain.put(bytes);
}

impl<'a> Response<'a> {
    pub(super) fn put(&self, plain: &mut Plain) {
        match self {
            Response::Hello(hello) => put_hello(hello, plain),
            Response::Stored => plain.put(&[1]),
            Response::Logits { cycles, logits } => part(plain, 2, *cycles, logits),
            Response::Memory(memory) => {
                plain.put(&[3]);
                plain.put_words(&[
                    memory.stack_high_water_bytes,
                    memory.stack_reserve_bytes,
                    memory.arena_used_bytes,
                    memory.arena_bytes,
                    memory.static_ram_bytes,
                ]);
            }
            Response::Refused(refusal) => {
                plain.put(&[4]);
                plain.put(&refusal.to_bytes());
            }
            Response::Damaged => plain.put(&[5]),
            Response::Profile(figures) => {
                plain.put(&[6]);
                plain.put(bytemuck::cast_slice(figures));
            }
            Response::Stranger => plain.put(&[7]),
        }
    }

    pub(super) fn take(mut bytes: &'a [u8]) -> Option<Self> {
        let [kind] = take(&mut bytes)?;
        let response = match kind {
            0 => Response::Hello(take_hello(&mut bytes)?),
            1 => Response::Stored,
            2 => return Some(Response::Logits { cycles: word(&mut bytes)?, logits: bytes }),
            3 => Response::Memory(Memory {
                stack_high_water_bytes: word(&mut bytes)?,
                stack_reserve_bytes: word(&mut bytes)?,
                arena_used_bytes: word(&mut bytes)?,
                arena_bytes: word(&mut bytes)?,
                static_ram_bytes: word(&mut bytes)?,
            }),
            4 => Response::Refused(Refusal::from_bytes(take(&mut bytes)?)?),
            5 => Response::Damaged,
            6 => return bytemuck::try_cast_slice(bytes).ok().map(Response::Profile),
            7 => Response::Stranger,
            _ => return None,
        };
        bytes.is_empty().then_some(response)
    }
}

fn put_hello(hello: &Hello, plain: &mut Plain) {
    plain.put(&[0]);
    for half in [hello.protocol, hello.format, hello.kernel_abi, hello.frame_bytes, hello.operators] {
        plain.put(&half.to_le_bytes());
    }
    plain.put_words(&[hello.clock_hz, hello.arena_bytes, hello.free_bytes, hello.model_address]);
    plain.put(&match hello.model {
        Ok(identity) => state(RUNS, identity, 0),
        Err(refusal) => refusal.to_bytes(),
    });
    for text in [hello.board, hello.chip, hello.version] {
        plain.put(&[text.len() as u8]);
        plain.put(text.as_bytes());
    }
}

fn take_hello<'a>(bytes: &mut &'a [u8]) -> Option<Hello<'a>> {
    Some(Hello {
        protocol: half(bytes)?,
        format: half(bytes)?,
        kernel_abi: half(bytes)?,
        frame_bytes: half(bytes)?,
        operators: half(bytes)?,
        clock_hz: word(bytes)?,
        arena_bytes: word(bytes)?,
        free_bytes: word(bytes)?,
        model_address: word(bytes)?,
        model: match take::<REFUSAL_BYTES>(bytes)? {
            [RUNS, a, b, c, d, 0, 0, 0, 0] => Ok(u32::from_le_bytes([a, b, c, d])),
            refusal => Err(Refusal::from_bytes(refusal)?),
        },
        board: text(bytes)?,
        chip: text(bytes)?,
        version: text(bytes)?,
    })
}

/// A number and two values.
pub(crate) fn state(number: u8, first: u32, second: u32) -> [u8; REFUSAL_BYTES] {
    let ([a, b, c, d], [e, f, g, h]) = (first.to_le_bytes(), second.to_le_bytes());
    [number, a, b, c, d, e, f, g, h]
}
