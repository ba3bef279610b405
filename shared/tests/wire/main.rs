//! The wire: every message arrives as it was sent or not at all, and every answer is its question's.

mod damage;
mod example;
mod faults;
mod messages;
mod pinned;
mod talk;

use messages::parts;
use proptest::prelude::*;
use secateur_shared::wire::{
    self, CHUNK_BYTES, FRAME_BYTES, FrameError, Inbox, LayerFigures, Number, PROFILED_LAYERS, Request, Response,
};

const NUMBER: Number = Number { session: 0x0102_0304, sequence: 5 };

/// The frame of a request, its closing zero included.
fn asked(number: Number, request: &Request) -> Vec<u8> {
    wire::encode_request(number, request, &mut [0; FRAME_BYTES]).expect("fits a frame").to_vec()
}

/// The frame of a response, its closing zero included.
fn answered(number: Number, response: &Response) -> Vec<u8> {
    wire::encode_response(number, response, &mut [0; FRAME_BYTES]).expect("fits a frame").to_vec()
}

proptest! {
    #[test]
    fn a_request_comes_back(parts in parts()) {
        for request in parts.requests() {
            let mut frame = asked(parts.number, &request);
            prop_assert_eq!(frame.iter().position(|byte| *byte == 0), Some(frame.len() - 1));
            frame.pop();
            prop_assert_eq!(wire::decode_request(&mut frame), Ok((parts.number, request)));
        }
    }

    #[test]
    fn a_response_comes_back(parts in parts()) {
        for response in parts.responses() {
            let mut frame = answered(parts.number, &response);
            prop_assert_eq!(frame.iter().position(|byte| *byte == 0), Some(frame.len() - 1));
            frame.pop();
            prop_assert_eq!(wire::decode_response(&mut frame), Ok((parts.number, response)));
        }
    }

    #[test]
    fn an_inbox_gives_out_one_frame_after_the_other(parts in parts()) {
        let requests = parts.requests();
        let bytes: Vec<u8> = requests.iter().flat_map(|request| asked(parts.number, request)).collect();
        let mut inbox = Inbox::default();
        let mut found = 0;
        for byte in bytes {
            let Some(frame) = inbox.push(byte) else { continue };
            prop_assert_eq!(wire::decode_request(frame), Ok((parts.number, requests[found])));
            found += 1;
        }
        prop_assert_eq!(found, requests.len());
    }
}

#[test]
fn the_longest_messages_fit_a_frame() {
    let values = [0; CHUNK_BYTES];
    asked(NUMBER, &Request::Pixels { offset: u32::MAX, values: &values });
    answered(NUMBER, &Response::Logits { cycles: u32::MAX, logits: &values });
    answered(NUMBER, &Response::Profile(&[LayerFigures::default(); PROFILED_LAYERS]));
}

#[test]
fn a_message_longer_than_a_frame_is_refused() {
    let values = [7; 2 * FRAME_BYTES];
    let request = |length| Request::Pixels { offset: 0, values: &values[..length] };
    let encoded = |length| wire::encode_request(NUMBER, &request(length), &mut [0; FRAME_BYTES]).map(<[u8]>::len);
    // Number, kind and offset take 11 bytes, the CRC 4, COBS 1 and the closing zero 1.
    assert_eq!(encoded(FRAME_BYTES - 17), Ok(FRAME_BYTES));
    for length in FRAME_BYTES - 16..values.len() {
        assert_eq!(encoded(length), Err(FrameError::TooLong));
    }
}
