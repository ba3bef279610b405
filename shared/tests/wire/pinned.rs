//! Protocol version 1, byte for byte. A change here is a change of `PROTOCOL_VERSION`.

use super::frame;
use super::messages::refusals;
use secateur_shared::Refusal;
use secateur_shared::wire::{Hello, Memory, PROTOCOL_VERSION, Request, Response};

fn check(message: &impl serde::Serialize, expected: &str) {
    let hex: String = frame(message).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, expected);
}

#[test]
fn the_version_that_is_pinned() {
    assert_eq!(PROTOCOL_VERSION, 1);
}

#[test]
fn requests() {
    check(&Request::Hello, "01058def02d200");
    check(&Request::Pixels { offset: 192, values: &[0x80, 0, 0x7F] }, "0601c0010380067f0d3ba92400");
    check(&Request::Infer, "0602a18e0c3c00");
    check(&Request::Memory, "060337be0b4b00");
}

#[test]
fn hellos() {
    let runs = Hello { protocol: 1, board: "netduinoplus2", clock_hz: 16_000_000, model: Ok(0x1385_D927) };
    check(&Response::Hello(runs), "0114010d6e65746475696e6f706c75733280c8d0070aa7b2979c01a383787100");
    let refuses = Hello { protocol: 1, board: "pico", clock_hz: 125_000_000, model: Err(Refusal::Checksum) };
    check(&Response::Hello(refuses), "011101047069636fc0b2cd3b01046edc9bc800");
}

#[test]
fn responses() {
    check(&Response::Stored, "06011bdf05a500");
    check(&Response::Logits { class: 2, logits: &[0xED, 0, 0x2E] }, "05020203ed062e1ab293e900");
    let memory = Memory { stack_high_water_bytes: 1200, stack_reserve_bytes: 4096 };
    check(&Response::Memory(memory), "0a03b00980205b40cc9300");
    check(&Response::Refused(Refusal::Overflow(7)), "08040a07e70cc39c00");
    let arena = Refusal::Arena { needed_bytes: 6144, available_bytes: 4096 };
    check(&Response::Refused(arena), "0b040c803080209ce57c2600");
    check(&Response::Damaged, "0605021b68a200");
}

#[test]
fn refusals_keep_their_numbers() {
    for (number, refusal) in refusals(0, 0, (0, 0)).iter().enumerate() {
        let bytes = postcard::to_extend(refusal, Vec::new()).expect("encodes");
        assert_eq!(usize::from(bytes[0]), number, "{refusal:?}");
    }
}
