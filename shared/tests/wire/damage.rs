//! What a line can do to frames.

use super::messages::parts;
use super::{NUMBER, answered, asked};
use proptest::collection::vec;
use proptest::prelude::*;
use secateur_shared::wire::{self, FRAME_BYTES, FrameError, Inbox, Request};

/// The frames in these bytes and a closing zero after them, the empty ones left out.
fn received(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut inbox = Inbox::default();
    let mut frames = Vec::new();
    for byte in bytes.iter().chain(&[0]) {
        frames.extend(inbox.push(*byte).map(|frame| frame.to_vec()));
    }
    frames.retain(|frame| !frame.is_empty());
    frames
}

/// What is read where one byte of a message's frame is another one on arrival.
fn read_with_damage(frame: &[u8], at: usize, flips: u8) -> Vec<Vec<u8>> {
    let mut frame = frame.to_vec();
    frame[at] ^= flips;
    received(&frame)
}

proptest! {
    #[test]
    fn a_damaged_request_is_no_other_request(parts in parts(), at in any::<prop::sample::Index>(), flips in 1..=u8::MAX) {
        for request in parts.requests() {
            let frame = asked(parts.number, &request);
            for mut frame in read_with_damage(&frame, at.index(frame.len()), flips) {
                let read = wire::decode_request(&mut frame);
                prop_assert!(read == Err(FrameError::Damaged) || read == Ok((parts.number, request)), "{read:?}");
            }
        }
    }

    #[test]
    fn a_damaged_response_is_no_other_response(parts in parts(), at in any::<prop::sample::Index>(), flips in 1..=u8::MAX) {
        for response in parts.responses() {
            let frame = answered(parts.number, &response);
            for mut frame in read_with_damage(&frame, at.index(frame.len()), flips) {
                let read = wire::decode_response(&mut frame);
                prop_assert!(read == Err(FrameError::Damaged) || read == Ok((parts.number, response)), "{read:?}");
            }
        }
    }

    #[test]
    fn noise_is_read_without_a_panic(bytes in vec(any::<u8>(), 0..FRAME_BYTES)) {
        let _ = wire::decode_request(&mut bytes.clone());
        let _ = wire::decode_response(&mut bytes.clone());
    }

    #[test]
    fn an_inbox_recovers_after_any_noise(noise in vec(any::<u8>(), 0..3 * FRAME_BYTES)) {
        let bytes = [&noise[..], &[0], &asked(NUMBER, &Request::Infer)].concat();
        let mut last = received(&bytes).pop().expect("a frame");
        prop_assert_eq!(wire::decode_request(&mut last), Ok((NUMBER, Request::Infer)));
    }

    #[test]
    fn a_frame_that_is_too_long_is_taken_as_empty(excess in 1..1000_usize) {
        let mut inbox = Inbox::default();
        for _ in 0..FRAME_BYTES + excess {
            prop_assert!(inbox.push(1).is_none());
        }
        prop_assert_eq!(inbox.push(0), Some(&mut [][..]));
        let sent = asked(NUMBER, &Request::Hello);
        let frames: Vec<_> = sent.iter().filter_map(|byte| inbox.push(*byte).map(|frame| frame.to_vec())).collect();
        prop_assert_eq!(frames, [&sent[..sent.len() - 1]]);
    }
}

#[test]
fn every_single_damage_to_a_short_frame_is_found() {
    for request in [Request::Hello, Request::Infer, Request::Memory, Request::Profile { first: 3 }] {
        let frame = asked(NUMBER, &request);
        // The closing zero is left: it only joins a frame with the next one.
        for (at, flips) in (0..frame.len() - 1).flat_map(|at| (1..=u8::MAX).map(move |flips| (at, flips))) {
            for mut frame in read_with_damage(&frame, at, flips) {
                assert_eq!(wire::decode_request(&mut frame), Err(FrameError::Damaged), "{at} {flips}");
            }
        }
    }
}

#[test]
fn a_frame_cut_short_is_found() {
    let frame = asked(NUMBER, &Request::Pixels { offset: 300, values: &[1, 0, 2, 0, 0, 3] });
    for length in 0..frame.len() - 1 {
        assert_eq!(wire::decode_request(&mut frame[..length].to_vec()), Err(FrameError::Damaged), "{length}");
    }
}
