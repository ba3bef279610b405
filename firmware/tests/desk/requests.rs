//! Profiles, and models into RAM, over a pipe in memory.

use crate::blob::Aligned;
use crate::session::{Chip, image, logits, memory, network};
use secateur_firmware::Engine;
use secateur_shared::wire::{CHUNK_BYTES, LayerFigures, Request, Response};
use secateur_shared::{Model, Refusal};

/// Says hello, then sends the image; the next free number.
fn send(chip: &mut Chip, image: &[u8], first: u16) -> u16 {
    let mut sequence = first;
    for (index, values) in image.chunks(CHUNK_BYTES).enumerate() {
        let offset = (index * CHUNK_BYTES) as u32;
        stored(chip, sequence, &Request::Pixels { offset, values });
        sequence += 1;
    }
    sequence
}

fn stored(chip: &mut Chip, sequence: u16, request: &Request) {
    chip.ask(sequence, request, |response| assert_eq!(response, Response::Stored));
}

fn refusal(chip: &mut Chip, sequence: u16, request: &Request) -> Refusal {
    chip.ask(sequence, request, |response| match response {
        Response::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    })
}

fn outputs(chip: &mut Chip, sequence: u16) -> Vec<i8> {
    chip.ask(sequence, &Request::Infer, |response| match response {
        Response::Logits { cycles, logits } => {
            assert!(cycles > 0);
            bytemuck::cast_slice(logits).to_vec()
        }
        other => panic!("{other:?}"),
    })
}

fn profile(chip: &mut Chip, sequence: u16, first: u8) -> Vec<LayerFigures> {
    chip.ask(sequence, &Request::Profile { first }, |response| match response {
        Response::Profile(figures) => figures.to_vec(),
        other => panic!("{other:?}"),
    })
}

fn hello(chip: &mut Chip) -> (Result<u32, Refusal>, u32) {
    chip.ask(1, &Request::Hello, |response| match response {
        Response::Hello(hello) => (hello.model, hello.free_bytes),
        other => panic!("{other:?}"),
    })
}

/// Checksums of every layer by the engine without a session.
fn checksums(network: &Aligned, image: &[u8]) -> Vec<u32> {
    let mut arena = memory();
    let model = Model::parse(network.bytes()).expect("valid");
    let mut engine = Engine::new(model, bytemuck::cast_slice_mut(&mut arena)).expect("fits");
    engine.input_hwc().copy_from_slice(bytemuck::cast_slice(image));
    let mut sums = Vec::new();
    engine.infer_observed(|_, output| sums.push(LayerFigures::new(0, output).checksum()));
    sums
}

#[test]
fn a_profile_has_each_layers_cycles_and_checksum() {
    let (network, image, mut arena) = (network(10), image(1), memory());
    let mut chip = Chip::new(&network, &mut arena);
    assert!(hello(&mut chip).0.is_ok());
    let next = send(&mut chip, &image, 2);
    let figures = profile(&mut chip, next, 0);
    let sums: Vec<u32> = figures.iter().map(|layer| layer.checksum()).collect();
    assert_eq!(sums, checksums(&network, &image));
    assert!(figures.iter().all(|layer| layer.cycles() > 0));
    // Asked again, after an answer that was lost; and the output is there, the image is not.
    assert_eq!(profile(&mut chip, next, 0), figures);
    assert_eq!(refusal(&mut chip, next + 1, &Request::Profile { first: 1 }), Refusal::Image);
    assert_eq!(outputs(&mut chip, next + 2), logits(&image));
    let next = send(&mut chip, &image, next + 3);
    assert_eq!(profile(&mut chip, next, 1)[0].checksum(), sums[1]);
    let next = send(&mut chip, &image, next + 1);
    assert_eq!(profile(&mut chip, next, 9), []);
}

#[test]
fn a_model_in_ram_runs_and_the_flash_stays() {
    let (flash, sent, image) = (network(3), network(10), image(2));
    let needed_bytes = sent.bytes().len().next_multiple_of(16) + 416;
    let (mut arena, mut free) = (memory(), vec![0_u128; needed_bytes / 16]);
    let mut chip = Chip::with_free(&flash, &mut arena, &mut free);
    let identity = |network: &Aligned| Model::parse(network.bytes()).expect("valid").identity();
    assert_eq!(hello(&mut chip), (Ok(identity(&flash)), needed_bytes as u32));
    let mut sequence = 2;
    for (index, bytes) in sent.bytes().chunks(CHUNK_BYTES).enumerate() {
        stored(&mut chip, sequence, &Request::Load { offset: (index * CHUNK_BYTES) as u32, bytes });
        sequence += 1;
    }
    let start = Request::Start { bytes: sent.bytes().len() as u32, identity: identity(&sent) };
    let damaged = Request::Start { bytes: sent.bytes().len() as u32, identity: 7 };
    assert_eq!(refusal(&mut chip, sequence, &damaged), Refusal::Checksum);
    stored(&mut chip, sequence + 1, &start);
    // Asked again, after an answer that was lost.
    stored(&mut chip, sequence + 1, &start);
    let next = send(&mut chip, &image, sequence + 2);
    assert_eq!(outputs(&mut chip, next), logits(&image));
    let full = Refusal::Room { needed_bytes: 1, available_bytes: 0 };
    assert_eq!(refusal(&mut chip, next + 1, &Request::Load { offset: 0, bytes: &[1] }), full);
}

#[test]
fn a_model_that_does_not_fit_or_is_damaged_is_refused_and_the_other_one_runs_on() {
    let (network, image) = (network(10), image(2));
    let blob = network.bytes();
    let bytes = blob.len() as u32;
    let identity = Model::parse(blob).expect("valid").identity();
    let available_bytes = bytes.next_multiple_of(16) + 400;
    let (mut arena, mut free) = (memory(), vec![0_u128; available_bytes as usize / 16]);
    let mut chip = Chip::with_free(&network, &mut arena, &mut free);
    assert!(hello(&mut chip).0.is_ok());
    assert_eq!(refusal(&mut chip, 2, &Request::Start { bytes, identity: 1 }), Refusal::NoModel);
    let beyond = Request::Load { offset: available_bytes - 1, bytes: &[1, 2] };
    assert_eq!(refusal(&mut chip, 3, &beyond), Refusal::Room { needed_bytes: available_bytes + 1, available_bytes });
    let mut sequence = 4;
    for (index, bytes) in blob.chunks(CHUNK_BYTES).enumerate() {
        let offset = (index * CHUNK_BYTES) as u32;
        // A byte of the last part is wrong.
        let mut bytes = bytes.to_vec();
        if offset as usize + CHUNK_BYTES > blob.len() {
            bytes[3] ^= 1;
        }
        stored(&mut chip, sequence, &Request::Load { offset, bytes: &bytes });
        sequence += 1;
    }
    assert_eq!(refusal(&mut chip, sequence, &Request::Start { bytes, identity: 1 }), Refusal::Checksum);
    let at = (blob.len() - blob.len() % CHUNK_BYTES) as u32;
    stored(&mut chip, sequence + 1, &Request::Load { offset: at, bytes: &blob[at as usize..] });
    let needed_bytes = bytes.next_multiple_of(16) + 416;
    let room = Refusal::Room { needed_bytes, available_bytes };
    assert_eq!(refusal(&mut chip, sequence + 2, &Request::Start { bytes, identity }), room);
    let huge = Request::Start { bytes: u32::MAX, identity };
    assert!(matches!(refusal(&mut chip, sequence + 3, &huge), Refusal::Room { .. }));
    let next = send(&mut chip, &image, sequence + 4);
    assert_eq!(outputs(&mut chip, next), logits(&image));
}
