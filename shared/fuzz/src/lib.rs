//! What is done with random bytes. Nothing may panic, and what is accepted must run.

use secateur_firmware::Engine;
use secateur_shared::header::{self, HEADER_BYTES};
use secateur_shared::wire::{self, FRAME_BYTES, Inbox};
use secateur_shared::{Layer, Model, Refusal};

/// Larger networks are parsed, not run: libFuzzer wants many small ones.
const WORK_MAX: u64 = 1 << 16;

/// What became of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Not a network, or not a whole one.
    Refused(Refusal),
    /// A network that is too large to be run here.
    Accepted,
    /// A network that ran.
    Ran,
}

/// Reads bytes as a blob, as they are and under a right header, and runs what is accepted; the fate under the right header.
pub fn model(bytes: &[u8]) -> Fate {
    let mut words = vec![0_u128; bytes.len().div_ceil(16)];
    let blob = &mut bytemuck::cast_slice_mut(&mut words)[..bytes.len()];
    blob.copy_from_slice(bytes);
    let _ = run(blob);
    if blob.len() < HEADER_BYTES || header::seal(blob).is_err() {
        return Fate::Refused(Refusal::CutOff);
    }
    run(blob).unwrap_or_else(Fate::Refused)
}

fn run(blob: &[u8]) -> Result<Fate, Refusal> {
    let model = Model::parse(blob)?;
    if model.steps().flatten().map(|step| step.macs() + values(&step)).sum::<u64>() > WORK_MAX {
        return Ok(Fate::Accepted);
    }
    let mut arena = vec![0; model.arena_bytes() as usize + 16];
    let mut engine = Engine::new(model, &mut arena)?;
    engine.input_hwc().fill(-3);
    assert_eq!(Some(engine.infer().len() as u32), model.output().shape.bytes());
    Ok(Fate::Ran)
}

/// What a layer reads, multiplications apart.
fn values(step: &secateur_shared::layer::Step) -> u64 {
    let window = match step.layer() {
        Layer::MaxPool2d(pool) | Layer::AveragePool2d(pool) => pool.window.area(),
        _ => 1,
    };
    let bytes = |shape: secateur_shared::Shape| u64::from(shape.bytes().unwrap_or(0));
    bytes(step.input.shape) + bytes(step.output.shape) * u64::from(window)
}

/// Reads bytes as they come over a line; how many of the frames in them are messages. A message is made again of what was read,
/// and must be the same bytes.
pub fn frames(bytes: &[u8]) -> usize {
    let mut inbox = Inbox::default();
    let mut messages = 0;
    for byte in bytes.iter().chain(&[0]) {
        let Some(frame) = inbox.push(*byte) else { continue };
        let (mut again, mut response) = ([0; FRAME_BYTES], frame.to_vec());
        if let Ok((number, request)) = wire::decode_request(frame) {
            let made = wire::encode_request(number, &request, &mut again).expect("it came in a frame");
            let mut made = made[..made.len() - 1].to_vec();
            assert_eq!(wire::decode_request(&mut made), Ok((number, request)));
            messages += 1;
        }
        if let Ok((number, response)) = wire::decode_response(&mut response) {
            let made = wire::encode_response(number, &response, &mut again).expect("it came in a frame");
            let mut made = made[..made.len() - 1].to_vec();
            assert_eq!(wire::decode_response(&mut made), Ok((number, response)));
            messages += 1;
        }
    }
    messages
}
