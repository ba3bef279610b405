//! The session over a pipe in memory: what the desk sends, and what a chip answers.

use crate::blob::{Aligned, Field, blob, noise, payload, valid};
use crate::pipe::{Led, Pipe};
use proptest::collection::vec;
use proptest::prelude::*;
use secateur_firmware::Engine;
use secateur_firmware::session::{Identity, Session};
use secateur_shared::header::{FORMAT_VERSION, KERNEL_ABI};
use secateur_shared::layer::{Linear, Pool2d};
use secateur_shared::quant::{Activation, ZeroPoint};
use secateur_shared::wire::{
    self, CHUNK_BYTES, FRAME_BYTES, Hello, Inbox, Memory, Number, PROTOCOL_VERSION, Request, Response,
};
use secateur_shared::{Layer, Model, Refusal, Shape, Table};
use std::cell::Cell;

const FIGURES: Memory = Memory {
    stack_high_water_bytes: 1200,
    stack_reserve_bytes: 4096,
    arena_used_bytes: 416,
    arena_bytes: 4096,
    static_ram_bytes: 100,
};
/// 400 and 100 bytes, rounded up to a multiple of 16.
const ARENA_BYTES: usize = 512;
const NUMBER: Number = Number { session: 1, sequence: 1 };

fn identity() -> Identity<'static> {
    Identity { board: "desk", chip: "none", model_address: 0x0800_8000, clock_hz: 1_000_000, cycles: ticks }
}

/// A counter that counts how often it is read.
fn ticks() -> u32 {
    thread_local!(static TICKS: Cell<u32> = const { Cell::new(0) });
    TICKS.with(|ticks| ticks.replace(ticks.get() + 1))
}

/// A 20 x 20 image, a pool, and this many outputs.
pub(crate) fn network(outputs: u16) -> Aligned {
    let mut table = Table::new(Shape { height: 20, width: 20, channels: 1 }, ZeroPoint(-20));
    let (zero_point, activation) = (ZeroPoint(1), Activation::NONE);
    table.push(Layer::MaxPool2d(Pool2d::HALVING)).expect("fits");
    table.push(Layer::Linear(Linear { outputs, zero_point, activation })).expect("fits");
    table.place().expect("fits");
    let mut noise = noise(7);
    let payload = payload(&table, &mut |field| match field {
        Field::Exponent => -12,
        field => valid(field, noise()),
    });
    Aligned::new(&blob(&table, &payload))
}

/// RAM for an engine, on a multiple of 16.
pub(crate) fn memory() -> [u128; 32] {
    [0; 32]
}

/// A session that stays, whatever comes.
pub(crate) struct Chip<'n> {
    session: Session<'n, &'n Led, fn() -> Memory>,
    /// A frame whose end is still to come.
    pending: Vec<u8>,
}

impl<'n> Chip<'n> {
    pub(crate) fn new(network: &'n Aligned, memory: &'n mut [u128]) -> Self {
        Self::with_free(network, memory, &mut [])
    }

    pub(crate) fn with_free(network: &'n Aligned, memory: &'n mut [u128], free: &'n mut [u128]) -> Self {
        let engine = engine(network, bytemuck::cast_slice_mut(memory));
        let led = Box::leak(Box::default());
        let session =
            Session::new(identity(), engine, bytemuck::cast_slice_mut(free), &*led, (|| FIGURES) as fn() -> Memory);
        Self { session, pending: Vec::new() }
    }

    /// The frames that it answers to these bytes, their closing zeros included.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.pending.extend(bytes);
        let whole = self.pending.iter().rposition(|byte| *byte == 0).map_or(0, |zero| zero + 1);
        let mut pipe = Pipe { to_chip: self.pending.drain(..whole).collect(), to_desk: Vec::new() };
        self.session.serve(&mut pipe).expect("the pipe does not fail");
        pipe.to_desk.split_inclusive(|byte| *byte == 0).map(<[u8]>::to_vec).collect()
    }

    /// Its answer to a request of this number.
    pub(crate) fn ask<T>(&mut self, sequence: u16, request: &Request, read: impl Fn(Response) -> T) -> T {
        let number = Number { sequence, ..NUMBER };
        let mut answers = self.take(&numbered(number, request));
        assert_eq!(answers.len(), 1, "{request:?}");
        answers[0].pop();
        let (answered, response) = wire::decode_response(&mut answers[0]).expect("a response");
        assert_eq!(answered, number);
        read(response)
    }
}

/// Says hello and sends bytes to a session that runs this network; the frames that come back but the hello's.
fn answers(engine: Result<Engine, Refusal>, led: &Led, bytes: &[u8]) -> Vec<Vec<u8>> {
    let hello = frame(&Request::Hello);
    let mut pipe = Pipe { to_chip: hello.iter().chain(bytes).copied().collect(), to_desk: Vec::new() };
    let mut session = Session::new(identity(), engine, &mut [], led, || FIGURES);
    session.serve(&mut pipe).expect("the pipe does not fail");
    let mut inbox = Inbox::default();
    let frames: Vec<_> = pipe.to_desk.iter().filter_map(|byte| inbox.push(*byte).map(|frame| frame.to_vec())).collect();
    assert_eq!(pipe.to_desk.last().copied().unwrap_or(0), 0, "a whole number of frames");
    frames[1..].to_vec()
}

/// What a chip with a network of ten outputs answers to these bytes.
fn check(bytes: &[u8], expected: &[Response]) {
    let network = network(10);
    check_session(engine(&network, &mut [0; ARENA_BYTES]), bytes, expected);
}

/// Cycles are left out of what is compared.
fn check_session(engine: Result<Engine, Refusal>, bytes: &[u8], expected: &[Response]) {
    let mut frames = answers(engine, &Led::default(), bytes);
    let found: Vec<Response> = frames.iter_mut().map(|frame| without_cycles(decoded(frame))).collect();
    assert_eq!(found, expected);
}

fn decoded(frame: &mut [u8]) -> Response<'_> {
    wire::decode_response(frame).expect("a response").1
}

fn without_cycles(response: Response) -> Response {
    match response {
        Response::Logits { logits, .. } => Response::Logits { cycles: 0, logits },
        other => other,
    }
}

fn engine<'a>(network: &'a Aligned, arena: &'a mut [i8]) -> Result<Engine<'a>, Refusal> {
    Model::parse(network.bytes()).and_then(|model| Engine::new(model, arena))
}

fn frame(request: &Request) -> Vec<u8> {
    numbered(NUMBER, request)
}

fn numbered(number: Number, request: &Request) -> Vec<u8> {
    wire::encode_request(number, request, &mut [0; FRAME_BYTES]).expect("fits a frame").to_vec()
}

pub(crate) fn image(seed: u32) -> Vec<u8> {
    let mut noise = noise(seed);
    (0..400).map(|_| noise() as u8).collect()
}

/// The requests of one inference.
fn infer(image: &[u8]) -> Vec<u8> {
    let chunks = image.chunks(CHUNK_BYTES).enumerate();
    let pixels =
        chunks.flat_map(|(index, values)| frame(&Request::Pixels { offset: (index * CHUNK_BYTES) as u32, values }));
    pixels.chain(frame(&Request::Infer)).collect()
}

/// The logits that the engine computes without a session.
pub(crate) fn logits(image: &[u8]) -> Vec<i8> {
    let network = network(10);
    let mut arena = [0; ARENA_BYTES];
    let mut engine = engine(&network, &mut arena).expect("valid");
    engine.input_hwc().copy_from_slice(bytemuck::cast_slice(image));
    engine.infer().to_vec()
}

fn answer(logits: &[i8]) -> Response<'_> {
    Response::Logits { cycles: 0, logits: bytemuck::cast_slice(logits) }
}

#[test]
fn hello_names_board_clock_and_model() {
    let model = Ok(Model::parse(network(10).bytes()).expect("valid").identity());
    check(&frame(&Request::Hello), &[Response::Hello(hello(model))]);
}

fn hello(model: Result<u32, Refusal>) -> Hello<'static> {
    Hello {
        protocol: PROTOCOL_VERSION,
        format: FORMAT_VERSION,
        kernel_abi: KERNEL_ABI,
        frame_bytes: 256,
        operators: 0xFF,
        clock_hz: 1_000_000,
        arena_bytes: 4096,
        free_bytes: 0,
        model_address: 0x0800_8000,
        model,
        board: "desk",
        chip: "none",
        version: env!("CARGO_PKG_VERSION"),
    }
}

#[test]
fn an_image_in_parts_is_answered_with_its_logits() {
    for seed in 0..4 {
        let image = image(seed);
        check(&infer(&image), &[vec![Response::Stored; 3], vec![answer(&logits(&image))]].concat());
    }
}

#[test]
fn the_led_is_on_while_the_network_runs() {
    let (network, led) = (network(10), Led::default());
    let requests = [infer(&image(1)), infer(&image(2))].concat();
    answers(engine(&network, &mut [0; ARENA_BYTES]), &led, &requests);
    assert_eq!((led.flashes.get(), led.on.get()), (2, false));
}

#[test]
fn an_inference_asked_for_twice_has_the_same_answer() {
    let (image, refused) = (image(1), Request::Pixels { offset: 400, values: &[1] });
    let logits = logits(&image);
    let requests = [&infer(&image)[..], &frame(&Request::Infer), &frame(&refused), &frame(&Request::Infer)].concat();
    let again = vec![answer(&logits), answer(&logits), Response::Refused(Refusal::Input), answer(&logits)];
    check(&requests, &[vec![Response::Stored; 3], again].concat());
}

#[test]
fn a_part_of_an_image_sent_twice_is_stored_twice() {
    let image = image(3);
    let first = frame(&Request::Pixels { offset: 0, values: &image[..CHUNK_BYTES] });
    check(&[first, infer(&image)].concat(), &[vec![Response::Stored; 4], vec![answer(&logits(&image))]].concat());
}

#[test]
fn a_damaged_frame_is_answered_and_the_next_one_served() {
    let mut damaged = frame(&Request::Infer);
    damaged[2] ^= 4;
    check(&[damaged, frame(&Request::Memory)].concat(), &[Response::Damaged, Response::Memory(FIGURES)]);
}

#[test]
fn zeros_and_frames_that_are_too_long_clear_the_line() {
    let requests = [vec![0; 5], vec![1; 3 * FRAME_BYTES], vec![0], frame(&Request::Memory)].concat();
    check(&requests, &[Response::Memory(FIGURES)]);
}

#[test]
fn a_refused_model_is_told_by_name() {
    for refusal in [Refusal::NoModel, Refusal::Checksum, Refusal::FormatVersion(2), Refusal::Overflow(7)] {
        let pixels = Request::Pixels { offset: 0, values: &[1] };
        let requests = [Request::Hello, pixels, Request::Infer, Request::Memory];
        let refused = Response::Refused(refusal);
        let without = Memory { arena_used_bytes: 0, ..FIGURES };
        let expected = [Response::Hello(hello(Err(refusal))), refused, refused, Response::Memory(without)];
        check_session(Err(refusal), &requests.iter().flat_map(frame).collect::<Vec<u8>>(), &expected);
    }
}

#[test]
fn a_model_that_needs_more_memory_is_told_by_its_bytes() {
    let network = network(10);
    let refusal = Refusal::Arena { needed_bytes: 416, available_bytes: 415 };
    check_session(engine(&network, &mut [0; 415]), &frame(&Request::Infer), &[Response::Refused(refusal)]);
}

#[test]
fn pixels_beyond_the_input_are_refused_and_change_nothing() {
    let image = image(4);
    let mut requests = infer(&image);
    let tail = requests.split_off(requests.len() - frame(&Request::Infer).len());
    let beyond = [(400, 1), (399, 2), (300, CHUNK_BYTES), (u32::MAX, 1), (u32::MAX, CHUNK_BYTES)];
    for (offset, length) in beyond {
        requests.extend(frame(&Request::Pixels { offset, values: &[9; CHUNK_BYTES][..length] }));
    }
    requests.extend(tail);
    let refused = vec![Response::Refused(Refusal::Input); beyond.len()];
    check(&requests, &[vec![Response::Stored; 3], refused, vec![answer(&logits(&image))]].concat());
}

#[test]
fn more_outputs_than_a_frame_carries_are_refused() {
    for (outputs, fits) in [(192, true), (193, false)] {
        let network = network(outputs);
        let frames = answers(engine(&network, &mut [0; ARENA_BYTES]), &Led::default(), &frame(&Request::Infer));
        let found = decoded(&mut frames[0].clone()) == Response::Refused(Refusal::Outputs);
        assert_eq!((frames.len(), found), (1, !fits), "{outputs}");
    }
}

proptest! {
    #[test]
    fn noise_is_answered_with_frames_and_then_served(noise in vec(prop_oneof![Just(0), any::<u8>()], 0..2000)) {
        let network = network(10);
        let requests = [&noise[..], &[0], &frame(&Request::Memory)].concat();
        let mut frames = answers(engine(&network, &mut [0; ARENA_BYTES]), &Led::default(), &requests);
        for frame in &mut frames {
            prop_assert!(wire::decode_response(&mut frame.clone()).is_ok());
        }
        let last = frames.last_mut().expect("an answer");
        prop_assert_eq!(wire::decode_response(last), Ok((NUMBER, Response::Memory(FIGURES))));
    }
}
