//! The session over a pipe in memory: what the desk sends, and what a chip answers.

use crate::blob::{Aligned, blob, payload};
use embedded_hal::digital::OutputPin;
use embedded_io::{ErrorType, Read, Write};
use proptest::collection::vec;
use proptest::prelude::*;
use secateur_firmware::session::{Identity, Session};
use secateur_firmware::{Engine, argmax};
use secateur_shared::quant::{Activation, ZeroPoint};
use secateur_shared::wire::{self, CHUNK_BYTES, FRAME_BYTES, Hello, Inbox, Memory, PROTOCOL_VERSION, Request, Response};
use secateur_shared::{Layer, Linear, MaxPool2d, Model, Refusal, Shape, Table};
use std::cell::Cell;
use std::convert::Infallible;

/// Ends where the desk has nothing more to say.
#[derive(Default)]
struct Pipe {
    to_chip: std::collections::VecDeque<u8>,
    to_desk: Vec<u8>,
}

impl ErrorType for Pipe {
    type Error = Infallible;
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let bytes = self.to_chip.len().min(buffer.len());
        for (slot, byte) in buffer.iter_mut().zip(self.to_chip.drain(..bytes)) {
            *slot = byte;
        }
        Ok(bytes)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        self.to_desk.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Counts how often it was switched on, and remembers whether it is.
#[derive(Default)]
struct Led {
    flashes: Cell<usize>,
    on: Cell<bool>,
}

impl embedded_hal::digital::ErrorType for &Led {
    type Error = Infallible;
}

impl OutputPin for &Led {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.on.set(false);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.flashes.set(self.flashes.get() + 1);
        self.on.set(true);
        Ok(())
    }
}

const FIGURES: Memory = Memory { stack_high_water_bytes: 1200, stack_reserve_bytes: 4096 };
const IDENTITY: Identity = Identity { board: "desk", clock_hz: 1_000_000 };

/// A 20 x 20 image, a pool, and this many outputs.
fn network(outputs: u16) -> Aligned {
    let mut table = Table::new(Shape { height: 20, width: 20, channels: 1 }, ZeroPoint(-20));
    let (zero_point, activation) = (ZeroPoint(1), Activation::NONE);
    table.push(Layer::MaxPool2d(MaxPool2d { window: 2, stride: 2 })).expect("fits");
    table.push(Layer::Linear(Linear { outputs, zero_point, activation, parameters_at: 0 })).expect("fits");
    let mut noise = crate::blob::noise(7);
    let payload = payload(&table, &mut |field| match field {
        crate::blob::Field::Exponent => -12,
        field => crate::blob::valid(field, noise()),
    });
    Aligned::new(&blob(&table, &payload))
}

/// Sends bytes to a session that runs this network; the frames that come back.
fn answers(engine: Result<Engine, Refusal>, led: &Led, bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut pipe = Pipe { to_chip: bytes.iter().copied().collect(), to_desk: Vec::new() };
    let mut session = Session::new(IDENTITY, engine, led, || FIGURES);
    session.serve(&mut pipe).expect("the pipe does not fail");
    let mut inbox = Inbox::default();
    let frames: Vec<_> = pipe.to_desk.iter().filter_map(|byte| inbox.push(*byte).map(|frame| frame.to_vec())).collect();
    assert_eq!(pipe.to_desk.last().copied().unwrap_or(0), 0, "a whole number of frames");
    frames
}

/// What a chip with a network of ten outputs answers to these bytes.
fn check(bytes: &[u8], expected: &[Response]) {
    let network = network(10);
    check_session(engine(&network, &mut [0; 500]), bytes, expected);
}

fn check_session(engine: Result<Engine, Refusal>, bytes: &[u8], expected: &[Response]) {
    let mut frames = answers(engine, &Led::default(), bytes);
    let found: Vec<Response> = frames.iter_mut().map(|frame| wire::decode(frame).expect("a response")).collect();
    assert_eq!(found, expected);
}

fn engine<'a>(network: &'a Aligned, arena: &'a mut [i8]) -> Result<Engine<'a>, Refusal> {
    Model::parse(network.bytes()).and_then(|model| Engine::new(model, arena))
}

fn frame(request: &Request) -> Vec<u8> {
    wire::encode(request, &mut [0; FRAME_BYTES]).expect("fits a frame").to_vec()
}

fn image(seed: u32) -> Vec<u8> {
    let mut noise = crate::blob::noise(seed);
    (0..400).map(|_| noise() as u8).collect()
}

/// The requests of one inference.
fn infer(image: &[u8]) -> Vec<u8> {
    let chunks = image.chunks(CHUNK_BYTES).enumerate();
    let pixels = chunks.flat_map(|(index, values)| frame(&Request::Pixels { offset: (index * CHUNK_BYTES) as u32, values }));
    pixels.chain(frame(&Request::Infer)).collect()
}

/// The logits that the engine computes without a session.
fn logits(image: &[u8]) -> Vec<i8> {
    let network = network(10);
    let mut arena = [0; 500];
    let mut engine = engine(&network, &mut arena).expect("valid");
    engine.input_hwc().copy_from_slice(bytemuck::cast_slice(image));
    engine.infer().to_vec()
}

fn answer(logits: &[i8]) -> Response<'_> {
    Response::Logits { class: argmax(logits) as u16, logits: bytemuck::cast_slice(logits) }
}

#[test]
fn hello_names_board_clock_and_model() {
    let model = Ok(Model::parse(network(10).bytes()).expect("valid").identity());
    let hello = Hello { protocol: PROTOCOL_VERSION, board: "desk", clock_hz: 1_000_000, model };
    check(&frame(&Request::Hello), &[Response::Hello(hello)]);
}
