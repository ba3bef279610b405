//! The wire: every message arrives as it was sent or not at all.

mod damage;
mod messages;
mod pinned;

use messages::parts;
use proptest::prelude::*;
use secateur_shared::wire::{self, CHUNK_BYTES, FRAME_BYTES, FrameError, Inbox, Request, Response};

/// The frame of a message, its closing zero included.
fn frame(message: &impl serde::Serialize) -> Vec<u8> {
    wire::encode(message, &mut [0; FRAME_BYTES]).expect("fits a frame").to_vec()
}

proptest! {
    #[test]
    fn a_request_comes_back(parts in parts()) {
        for request in parts.requests() {
            let mut frame = frame(&request);
            prop_assert_eq!(frame.iter().position(|byte| *byte == 0), Some(frame.len() - 1));
            frame.pop();
            prop_assert_eq!(wire::decode(&mut frame), Ok(request));
        }
    }

    #[test]
    fn a_response_comes_back(parts in parts()) {
        for response in parts.responses() {
            let mut frame = frame(&response);
            prop_assert_eq!(frame.iter().position(|byte| *byte == 0), Some(frame.len() - 1));
            frame.pop();
            prop_assert_eq!(wire::decode(&mut frame), Ok(response));
        }
    }

    #[test]
    fn an_inbox_gives_out_one_frame_after_the_other(parts in parts()) {
        let requests = parts.requests();
        let bytes: Vec<u8> = requests.iter().flat_map(frame).collect();
        let mut inbox = Inbox::default();
        let mut found = 0;
        for byte in bytes {
            let Some(frame) = inbox.push(byte) else { continue };
            prop_assert_eq!(wire::decode(frame), Ok(requests[found].clone()));
            found += 1;
        }
        prop_assert_eq!(found, requests.len());
    }
}

#[test]
fn the_longest_messages_fit_a_frame() {
    let values = [0; CHUNK_BYTES];
    frame(&Request::Pixels { offset: u32::MAX, values: &values });
    frame(&Response::Logits { class: u16::MAX, logits: &values });
}

#[test]
fn a_message_longer_than_a_frame_is_refused() {
    let values = [7; FRAME_BYTES];
    let longest = (0..FRAME_BYTES).take_while(|&length| {
        wire::encode(&Request::Pixels { offset: 0, values: &values[..length] }, &mut [0; FRAME_BYTES]).is_ok()
    });
    // Kind, offset and length take 4 bytes, the CRC 4, COBS 1 and the closing zero 1, up to 254 bytes before COBS.
    assert_eq!(longest.last(), Some(FRAME_BYTES - 10));
    let request = Request::Pixels { offset: 0, values: &values };
    assert_eq!(wire::encode(&request, &mut [0; FRAME_BYTES]), Err(FrameError::TooLong));
}
