//! PROTOCOL.md's example is what the program says.

use super::{answered, asked};
use secateur_shared::header::{FORMAT_VERSION, KERNEL_ABI};
use secateur_shared::wire::{FRAME_BYTES, Hello, Number, PROTOCOL_VERSION, Request, Response};

#[test]
fn the_page_shows_these_bytes() {
    let page = include_str!("../../PROTOCOL.md");
    let block =
        page.split("```wire").nth(1).and_then(|rest| rest.split("```").next()).expect("the page has an example");
    let hex = |line: &str| {
        let bytes = line.split_whitespace().skip(1).map_while(|word| {
            let is_byte = word.len() == 2;
            is_byte.then(|| u8::from_str_radix(word, 16).ok()).flatten()
        });
        bytes.collect::<Vec<u8>>()
    };
    let of = |who| block.lines().filter(|line| line.starts_with(who)).flat_map(hex).collect::<Vec<u8>>();
    let number = Number { session: 0x0102_0304, sequence: 1 };
    let hello = Hello {
        protocol: PROTOCOL_VERSION,
        format: FORMAT_VERSION,
        kernel_abi: KERNEL_ABI,
        frame_bytes: FRAME_BYTES as u16,
        operators: 0xFF,
        clock_hz: 16_000_000,
        arena_bytes: 122_624,
        free_bytes: 105_040,
        model_address: 0x1000_7000,
        model: Ok(0x03B7_22FC),
        board: "pico",
        chip: "RP2040",
        version: "0.1.0",
    };
    assert_eq!(of("desk"), asked(number, &Request::Hello));
    assert_eq!(of("chip"), answered(number, &Response::Hello(hello)));
}
