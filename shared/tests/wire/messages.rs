//! Random messages.

use proptest::collection::vec;
use proptest::prelude::*;
use secateur_shared::Refusal;
use secateur_shared::wire::{CHUNK_BYTES, Hello, LayerFigures, Memory, Number, PROFILED_LAYERS, Request, Response};

/// What messages are made of.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) number: Number,
    words: [u32; 5],
    halves: [u16; 4],
    bytes: Vec<u8>,
    figures: Vec<LayerFigures>,
    texts: [String; 3],
    refusal: Refusal,
}

pub(crate) fn parts() -> impl Strategy<Value = Parts> {
    // Zeros are what framing is about.
    let byte = prop_oneof![Just(0), any::<u8>()];
    let number = any::<(u32, u16)>().prop_map(|(session, sequence)| Number { session, sequence });
    let figures = any::<(u32, i8)>().prop_map(|(cycles, value)| LayerFigures::new(cycles, &[value; 3]));
    let numbers = (number, any::<[u32; 5]>(), any::<[u16; 4]>());
    let texts = ["[a-z0-9]{0,32}", "[A-Z0-9]{0,24}", "[0-9.]{0,12}"];
    (numbers, vec(byte, 0..=CHUNK_BYTES), vec(figures, 0..=PROFILED_LAYERS), texts, refusal()).prop_map(
        |((number, words, halves), bytes, figures, texts, refusal)| Parts {
            number,
            words,
            halves,
            bytes,
            figures,
            texts,
            refusal,
        },
    )
}

/// Every refusal, in the order of its number on the wire.
pub(crate) fn refusals(layer: u8, version: u16, sizes: (u32, u32)) -> [Refusal; 18] {
    let (needed_bytes, available_bytes) = sizes;
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
        Refusal::Arena { needed_bytes, available_bytes },
        Refusal::Outputs,
        Refusal::Input,
        Refusal::Places,
        Refusal::Image,
        Refusal::Room { needed_bytes, available_bytes },
    ]
}

fn refusal() -> impl Strategy<Value = Refusal> {
    (any::<(u8, u16, (u32, u32))>(), 0..18_usize)
        .prop_map(|((layer, version, sizes), index)| refusals(layer, version, sizes)[index])
}

impl Parts {
    pub(crate) fn requests(&self) -> Vec<Request<'_>> {
        let ([offset, bytes, identity, ..], values) = (self.words, &self.bytes[..]);
        vec![
            Request::Hello,
            Request::Pixels { offset, values },
            Request::Infer,
            Request::Memory,
            Request::Profile { first: offset as u8 },
            Request::Load { offset, bytes: values },
            Request::Start { bytes, identity },
        ]
    }

    pub(crate) fn responses(&self) -> Vec<Response<'_>> {
        let ([one, two, three, four, five], [protocol, format, kernel_abi, frame_bytes]) = (self.words, self.halves);
        let [board, chip, version] = &self.texts;
        let hello = |model| {
            let (clock_hz, arena_bytes, free_bytes) = (one, two, three);
            Hello {
                protocol,
                format,
                kernel_abi,
                frame_bytes,
                operators: frame_bytes ^ protocol,
                clock_hz,
                arena_bytes,
                free_bytes,
                model_address: five,
                model,
                board,
                chip,
                version,
            }
        };
        vec![
            Response::Hello(hello(Ok(four))),
            Response::Hello(hello(Err(self.refusal))),
            Response::Stored,
            Response::Logits { cycles: one, logits: &self.bytes },
            Response::Memory(Memory {
                stack_high_water_bytes: one,
                stack_reserve_bytes: two,
                arena_used_bytes: three,
                arena_bytes: four,
                static_ram_bytes: five,
            }),
            Response::Refused(self.refusal),
            Response::Damaged,
            Response::Profile(&self.figures),
            Response::Stranger,
        ]
    }
}
