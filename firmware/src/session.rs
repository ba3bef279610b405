//! Answers the desk's requests: the same on every board, and testable over any byte pipe.

use crate::engine::{Engine, argmax};
use embedded_hal::digital::OutputPin;
use embedded_io::{Read, Write};
use secateur_shared::Refusal;
use secateur_shared::wire::{
    self, CHUNK_BYTES, FRAME_BYTES, FrameError, Hello, Inbox, Memory, PROTOCOL_VERSION, Request, Response,
};

/// What a session says of the chip that it runs on.
pub struct Identity<'a> {
    /// The board's name.
    pub board: &'a str,
    /// The clock that really runs.
    pub clock_hz: u32,
}

/// One network, or the reason why there is none, at the desk's service.
pub struct Session<'a, Led, Stack> {
    identity: Identity<'a>,
    engine: Result<Engine<'a>, Refusal>,
    led: Led,
    stack: Stack,
    /// Whether the engine holds the output of the image stored last: running the network has overwritten the image.
    answered: bool,
}

impl<'a, Led: OutputPin, Stack: Fn() -> Memory> Session<'a, Led, Stack> {
    /// A session that lights `led` while the network runs and asks `stack` for the memory figures.
    pub fn new(identity: Identity<'a>, engine: Result<Engine<'a>, Refusal>, led: Led, stack: Stack) -> Self {
        Self { identity, engine, led, stack, answered: false }
    }

    /// Serves until the pipe ends, which a chip's never does.
    ///
    /// # Errors
    /// Those of writing to the pipe.
    pub fn serve<Port: Read + Write>(&mut self, port: &mut Port) -> Result<(), Port::Error> {
        let mut inbox = Inbox::default();
        loop {
            let mut byte = [0];
            match port.read(&mut byte) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                // A lost byte shows as a damaged frame.
                Err(_) => continue,
            }
            let Some(frame) = inbox.push(byte[0]) else { continue };
            // An empty frame is the desk clearing the line.
            if frame.is_empty() {
                continue;
            }
            self.reply(frame, port)?;
        }
    }

    fn reply<Port: Write>(&mut self, frame: &mut [u8], port: &mut Port) -> Result<(), Port::Error> {
        let response = match wire::decode_request(frame) {
            Ok(request) => self.answer(&request),
            Err(FrameError::Damaged | FrameError::TooLong) => Response::Damaged,
        };
        let mut bytes = [0; FRAME_BYTES];
        // Every answer fits a frame: `infer` bounds the only one that grows.
        if let Ok(bytes) = wire::encode_response(&response, &mut bytes) {
            port.write_all(bytes)?;
        }
        port.flush()
    }

    fn answer(&mut self, request: &Request) -> Response<'_> {
        match (request, &mut self.engine) {
            (Request::Hello, engine) => Response::Hello(Hello {
                protocol: PROTOCOL_VERSION,
                board: self.identity.board,
                clock_hz: self.identity.clock_hz,
                model: engine.as_ref().map(|engine| engine.model().identity()).map_err(|refusal| *refusal),
            }),
            (Request::Memory, _) => Response::Memory((self.stack)()),
            (_, Err(refusal)) => Response::Refused(*refusal),
            (Request::Pixels { offset, values }, Ok(engine)) => {
                let response = store(engine, *offset, values);
                self.answered &= response != Response::Stored;
                response
            }
            (Request::Infer, Ok(engine)) => {
                // Asked again, after an answer that was lost: the answer is still there, the image is not.
                if !core::mem::replace(&mut self.answered, true) {
                    infer(engine, &mut self.led);
                }
                logits(engine.output())
            }
        }
    }
}

fn store<'r>(engine: &mut Engine, offset: u32, values: &[u8]) -> Response<'r> {
    let start = offset as usize;
    let tensor = engine.input_hwc();
    match start.checked_add(values.len()).and_then(|end| tensor.get_mut(start..end)) {
        Some(tensor) => {
            for (to, from) in tensor.iter_mut().zip(values) {
                *to = from.cast_signed();
            }
            Response::Stored
        }
        None => Response::Refused(Refusal::Input),
    }
}

fn infer(engine: &mut Engine, led: &mut impl OutputPin) {
    // A pin that does not answer must not stop the network.
    let _ = led.set_high();
    engine.infer();
    let _ = led.set_low();
}

fn logits(logits: &[i8]) -> Response<'_> {
    if logits.len() > CHUNK_BYTES {
        return Response::Refused(Refusal::Outputs);
    }
    Response::Logits { class: argmax(logits) as u16, logits: bytemuck::cast_slice(logits) }
}
