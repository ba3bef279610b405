//! Protocol version 2, byte for byte. A change here is a change of `PROTOCOL_VERSION`.

use super::messages::refusals;
use super::{NUMBER, answered, asked};
use secateur_shared::Refusal;
use secateur_shared::wire::{Hello, LayerFigures, Memory, PROTOCOL_VERSION, Request, Response};

/// A frame's message, without COBS, number and CRC.
fn message(mut frame: Vec<u8>) -> String {
    frame.pop();
    let length = cobs::decode_in_place(&mut frame).expect("is COBS");
    let plain = &frame[..length];
    assert_eq!(plain[..6], [4, 3, 2, 1, 5, 0], "the number");
    plain[6..plain.len() - 4].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn check_request(request: &Request, expected: &str) {
    assert_eq!(message(asked(NUMBER, request)), expected, "{request:?}");
}

fn check_response(response: &Response, expected: &str) {
    assert_eq!(message(answered(NUMBER, response)), expected, "{response:?}");
}

#[test]
fn the_version_that_is_pinned() {
    assert_eq!(PROTOCOL_VERSION, 3);
}

#[test]
fn requests() {
    check_request(&Request::Hello, "00");
    check_request(&Request::Pixels { offset: 192, values: &[0x80, 0, 0x7F] }, "01c000000080007f");
    check_request(&Request::Infer, "02");
    check_request(&Request::Memory, "03");
    check_request(&Request::Profile { first: 24 }, "0418");
    check_request(&Request::Load { offset: 258, bytes: &[1, 2] }, "05020100000102");
    check_request(&Request::Start { bytes: 116, identity: 0x03B7_22FC }, "0674000000fc22b703");
}

#[test]
fn hellos() {
    let runs = Hello {
        protocol: 3,
        format: 3,
        kernel_abi: 2,
        frame_bytes: 256,
        operators: 0x87,
        clock_hz: 16_000_000,
        arena_bytes: 0x1_2345,
        free_bytes: 0x100,
        model_address: 0x1000_6000,
        model: Ok(0x1385_D927),
        board: "pico",
        chip: "RP2040",
        version: "0.1.0",
    };
    let head = "00030003000200000187000024f400452301000001000000600010";
    let names = "047069636f0652503230343005302e312e30";
    check_response(&Response::Hello(runs), &format!("{head}ff27d9851300000000{names}"));
    let refuses = Hello { model: Err(Refusal::Checksum), ..runs };
    check_response(&Response::Hello(refuses), &format!("{head}040000000000000000{names}"));
}

#[test]
fn responses() {
    check_response(&Response::Stored, "01");
    check_response(&Response::Logits { cycles: 515, logits: &[0xED, 0, 0x2E] }, "0203020000ed002e");
    let memory = Memory {
        stack_high_water_bytes: 1,
        stack_reserve_bytes: 2,
        arena_used_bytes: 3,
        arena_bytes: 4,
        static_ram_bytes: 5,
    };
    check_response(&Response::Memory(memory), "030100000002000000030000000400000005000000");
    check_response(&Response::Refused(Refusal::Overflow(7)), "040a0700000000000000");
    let arena = Refusal::Arena { needed_bytes: 6144, available_bytes: 4096 };
    check_response(&Response::Refused(arena), "040c0018000000100000");
    check_response(&Response::Damaged, "05");
    // The CRC-32 of "123456789" is the published check value.
    let output: Vec<i8> = b"123456789".iter().map(|byte| byte.cast_signed()).collect();
    check_response(&Response::Profile(&[LayerFigures::new(0x0102_0304, &output)]), "06040302012639f4cb");
    check_response(&Response::Stranger, "07");
}

#[test]
fn refusals_keep_their_numbers() {
    for (number, refusal) in refusals(0, 0, (0, 0)).iter().enumerate() {
        assert_eq!(usize::from(refusal.to_bytes()[0]), number, "{refusal:?}");
        assert_eq!(Refusal::from_bytes(refusal.to_bytes()), Some(*refusal));
    }
    for unknown in [[18, 0, 0, 0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0, 0, 0, 0], [7, 0, 1, 0, 0, 0, 0, 0, 0]] {
        assert_eq!(Refusal::from_bytes(unknown), None);
    }
}
