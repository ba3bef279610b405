//! The session over a pipe in memory: what the desk sends, and what a chip answers.

use crate::blob::{Aligned, Field, blob, noise, payload, valid};
use crate::pipe::{Led, Pipe};
use proptest::collection::vec;
use proptest::prelude::*;
use secateur_firmware::session::{Identity, Session};
use secateur_firmware::{Engine, argmax};
use secateur_shared::layer::{Linear, Pool2d};
use secateur_shared::quant::{Activation, ZeroPoint};
use secateur_shared::wire::{
    self, CHUNK_BYTES, FRAME_BYTES, Hello, Inbox, Memory, PROTOCOL_VERSION, Request, Response,
};
use secateur_shared::{Layer, Model, Refusal, Shape, Table};

const FIGURES: Memory = Memory { stack_high_water_bytes: 1200, stack_reserve_bytes: 4096 };
/// 400 and 100 bytes, rounded up to a multiple of 16.
const ARENA_BYTES: usize = 512;
const IDENTITY: Identity = Identity { board: "desk", clock_hz: 1_000_000 };

/// A 20 x 20 image, a pool, and this many outputs.
fn network(outputs: u16) -> Aligned {
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
    check_session(engine(&network, &mut [0; ARENA_BYTES]), bytes, expected);
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
fn logits(image: &[u8]) -> Vec<i8> {
    let network = network(10);
    let mut arena = [0; ARENA_BYTES];
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
        let hello = Hello { protocol: PROTOCOL_VERSION, board: "desk", clock_hz: 1_000_000, model: Err(refusal) };
        let pixels = Request::Pixels { offset: 0, values: &[1] };
        let requests = [Request::Hello, pixels, Request::Infer, Request::Memory];
        let refused = Response::Refused(refusal);
        let expected = [Response::Hello(hello), refused.clone(), refused, Response::Memory(FIGURES)];
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
        let found = wire::decode::<Response>(&mut frames[0].clone())
            .map(|response| response == Response::Refused(Refusal::Outputs));
        assert_eq!((frames.len(), found), (1, Ok(!fits)), "{outputs}");
    }
}

proptest! {
    #[test]
    fn noise_is_answered_with_frames_and_then_served(noise in vec(prop_oneof![Just(0), any::<u8>()], 0..2000)) {
        let network = network(10);
        let requests = [&noise[..], &[0], &frame(&Request::Memory)].concat();
        let mut frames = answers(engine(&network, &mut [0; ARENA_BYTES]), &Led::default(), &requests);
        for frame in &mut frames {
            prop_assert!(wire::decode::<Response>(&mut frame.clone()).is_ok());
        }
        let last = frames.last_mut().expect("an answer");
        prop_assert_eq!(wire::decode(last), Ok(Response::Memory(FIGURES)));
    }
}
