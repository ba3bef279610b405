//! Who may be believed: a request's number on the chip, an answer's on the desk.

use super::{Response, decode_response};

/// What tells one question from all others; its answer repeats it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Number {
    /// Chosen by the desk, new for each time that it opens the line; 0 is none.
    pub session: u32,
    /// Counts the requests of a session, modulo 2^16. A repeated request keeps its number.
    pub sequence: u16,
}

/// The chip's memory of whom it serves. A chip that starts knows nobody: so the desk finds out.
#[derive(Debug, Default)]
pub struct Gate {
    last: Number,
}

/// What a chip does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Answer it.
    Serve,
    /// Say nothing: the desk has long had its answer.
    Stale,
    /// Ask for a hello.
    Stranger,
}

impl Gate {
    /// Whether a request may be served; a hello begins a session.
    pub fn admit(&mut self, number: Number, is_hello: bool) -> Admission {
        if number.session == self.last.session {
            if number.sequence.wrapping_sub(self.last.sequence).cast_signed() < 0 {
                return Admission::Stale;
            }
        } else if !is_hello {
            return Admission::Stranger;
        }
        self.last = number;
        Admission::Serve
    }
}

/// The desk's side of a session.
#[derive(Debug)]
pub struct Conversation {
    asked: Number,
}

/// What a frame means to the desk.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard<'f> {
    /// The answer to the request asked last.
    Answer(Response<'f>),
    /// Something was damaged, one way or the other: ask again.
    Again,
    /// The answer to an older request: wait on.
    Stale,
}

impl Conversation {
    /// A session of this name, not 0.
    pub fn new(session: u32) -> Self {
        Self { asked: Number { session, sequence: 0 } }
    }

    /// The number of the next request.
    pub fn next_number(&mut self) -> Number {
        self.asked.sequence = self.asked.sequence.wrapping_add(1);
        self.asked
    }

    /// Reads a frame without its closing zero.
    pub fn hear<'f>(&self, frame: &'f mut [u8]) -> Heard<'f> {
        match decode_response(frame) {
            Err(_) | Ok((_, Response::Damaged)) => Heard::Again,
            Ok((number, response)) if number == self.asked => Heard::Answer(response),
            Ok(_) => Heard::Stale,
        }
    }
}
