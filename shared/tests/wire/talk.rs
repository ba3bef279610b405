//! Numbers: whom a chip serves, and what a desk believes.

use super::{answered, asked};
use secateur_shared::wire::{Admission, Conversation, Gate, Heard, Number, Request, Response, decode_request};

fn number(session: u32, sequence: u16) -> Number {
    Number { session, sequence }
}

#[test]
fn a_chip_that_started_serves_a_hello_only() {
    let mut gate = Gate::default();
    assert_eq!(gate.admit(number(7, 1), false), Admission::Stranger);
    assert_eq!(gate.admit(number(7, 1), true), Admission::Serve);
    assert_eq!(gate.admit(number(7, 2), false), Admission::Serve);
    assert_eq!(gate.admit(number(8, 3), false), Admission::Stranger);
    assert_eq!(gate.admit(number(8, 0), true), Admission::Serve);
    assert_eq!(gate.admit(number(7, 4), false), Admission::Stranger);
}

#[test]
fn a_repeated_request_is_served_and_an_older_one_is_not() {
    let mut gate = Gate::default();
    gate.admit(number(1, 10), true);
    for (sequence, admission) in [
        (10, Admission::Serve),
        (11, Admission::Serve),
        (11, Admission::Serve),
        (10, Admission::Stale),
        (11 + 0x7FFF, Admission::Serve),
        (11, Admission::Stale),
        (u16::MAX, Admission::Serve),
        (0, Admission::Serve),
        (u16::MAX, Admission::Stale),
    ] {
        assert_eq!(gate.admit(number(1, sequence), false), admission, "{sequence}");
    }
    // A hello that comes late does not turn the count back.
    assert_eq!(gate.admit(number(1, u16::MAX), true), Admission::Stale);
}

#[test]
fn a_desk_believes_the_answer_to_its_last_request_only() {
    let mut talk = Conversation::new(9);
    let hear = |talk: &Conversation, number, response: &Response| {
        let mut frame = answered(number, response);
        frame.pop();
        match talk.hear(&mut frame) {
            Heard::Answer(heard) => {
                assert_eq!(heard, *response);
                "answer"
            }
            Heard::Again => "again",
            Heard::Stale => "stale",
        }
    };
    let first = talk.next_number();
    assert_eq!(hear(&talk, first, &Response::Stored), "answer");
    let second = talk.next_number();
    assert_eq!(hear(&talk, first, &Response::Stored), "stale");
    assert_eq!(hear(&talk, number(8, second.sequence), &Response::Stored), "stale");
    assert_eq!(hear(&talk, number(0, 0), &Response::Damaged), "again");
    assert_eq!(hear(&talk, second, &Response::Stranger), "answer");
    assert_eq!(talk.hear(&mut [1, 2, 3]), Heard::Again);
}

#[test]
fn a_session_counts_on_after_its_last_number() {
    let mut talk = Conversation::new(1);
    let numbers: Vec<u16> = (0..0x1_0001).map(|_| talk.next_number().sequence).collect();
    assert_eq!((numbers[0], numbers[0xFFFE], numbers[0xFFFF], numbers[0x1_0000]), (1, 0xFFFF, 0, 1));
    let mut frame = asked(talk.next_number(), &Request::Hello);
    frame.pop();
    assert_eq!(decode_request(&mut frame), Ok((number(1, 2), Request::Hello)));
}
