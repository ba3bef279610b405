//! Random messages.

use proptest::collection::vec;
use proptest::prelude::*;
use secateur_shared::Refusal;
use secateur_shared::wire::{CHUNK_BYTES, Hello, Memory, Request, Response};

/// What messages are made of.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    numbers: (u32, u32, u16),
    bytes: Vec<u8>,
    board: String,
    refusal: Refusal,
}

pub(crate) fn parts() -> impl Strategy<Value = Parts> {
    let numbers = any::<(u32, u32, u16)>();
    // Zeros are what framing is about.
    let byte = prop_oneof![Just(0), any::<u8>()];
    (numbers, vec(byte, 0..=CHUNK_BYTES), "[a-z0-9]{0,32}", refusal())
        .prop_map(|(numbers, bytes, board, refusal)| Parts { numbers, bytes, board, refusal })
}

/// Every refusal, in the order of its number on the wire.
pub(crate) fn refusals(layer: u8, version: u16, sizes: (u32, u32)) -> [Refusal; 16] {
    [
        Refusal::CutOff,
        Refusal::NoModel,
        Refusal::FormatVersion(version),
        Refusal::KernelAbi(version),
        Refusal::Checksum,
        Refusal::Misaligned,
        Refusal::Table,
        Refusal::Geometry(layer),
        Refusal::Parameters(layer),
        Refusal::Quantization(layer),
        Refusal::Overflow(layer),
        Refusal::Operator(layer),
        Refusal::Arena { needed_bytes: sizes.0, available_bytes: sizes.1 },
        Refusal::Outputs,
        Refusal::Input,
        Refusal::Places,
    ]
}

fn refusal() -> impl Strategy<Value = Refusal> {
    (any::<(u8, u16, (u32, u32))>(), 0..16_usize)
        .prop_map(|((layer, version, sizes), index)| refusals(layer, version, sizes)[index])
}

impl Parts {
    pub(crate) fn requests(&self) -> Vec<Request<'_>> {
        let (offset, values) = (self.numbers.0, &self.bytes[..]);
        vec![Request::Hello, Request::Pixels { offset, values }, Request::Infer, Request::Memory]
    }

    pub(crate) fn responses(&self) -> Vec<Response<'_>> {
        let (one, other, small) = self.numbers;
        let hello = |model| Hello { protocol: small, board: &self.board, clock_hz: one, model };
        vec![
            Response::Hello(hello(Ok(other))),
            Response::Hello(hello(Err(self.refusal))),
            Response::Stored,
            Response::Logits { class: small, logits: &self.bytes },
            Response::Memory(Memory { stack_high_water_bytes: one, stack_reserve_bytes: other }),
            Response::Refused(self.refusal),
            Response::Damaged,
        ]
    }
}
