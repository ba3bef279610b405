//! The session behind a bad line: what the desk believes is what the engine computes.

#[path = "../../../shared/tests/support/faults.rs"]
mod line;

use crate::session::{Chip, image, logits, network};
use line::Line;
use secateur_shared::wire::{self, CHUNK_BYTES, Conversation, FRAME_BYTES, Heard, Inbox, Request, Response};

const FRAMES: usize = 20_000;
const TRIES: usize = 200;

struct Desk<'c, 'n> {
    talk: Conversation,
    inbox: Inbox,
    to_chip: Line,
    to_desk: Line,
    chip: &'c mut Chip<'n>,
}

impl Desk<'_, '_> {
    /// Asks until there is an answer that `read` takes.
    fn ask<T>(&mut self, request: &Request, read: impl Fn(Response) -> Option<T>) -> T {
        let number = self.talk.next_number();
        let frame = wire::encode_request(number, request, &mut [0; FRAME_BYTES]).expect("fits").to_vec();
        for _ in 0..TRIES {
            let at_chip = self.to_chip.send(&frame);
            let mut at_desk = self.to_desk.due();
            for answer in self.chip.take(&at_chip) {
                at_desk.extend(self.to_desk.send(&answer));
            }
            for byte in at_desk {
                let Some(frame) = self.inbox.push(byte).filter(|frame| !frame.is_empty()) else { continue };
                if let Heard::Answer(response) = self.talk.hear(frame) {
                    return read(response).expect("the answer to this request");
                }
            }
        }
        panic!("{request:?} was not answered");
    }

    fn infer(&mut self, image: &[u8]) -> Vec<u8> {
        for (index, values) in image.chunks(CHUNK_BYTES).enumerate() {
            let offset = (index * CHUNK_BYTES) as u32;
            self.ask(&Request::Pixels { offset, values }, |response| (response == Response::Stored).then_some(()));
        }
        self.ask(&Request::Infer, |response| match response {
            Response::Logits { logits, .. } => Some(logits.to_vec()),
            _ => None,
        })
    }
}

#[test]
fn every_answer_over_a_bad_line_is_the_engines() {
    let network = network(10);
    let mut memory = crate::session::memory();
    let mut chip = Chip::new(&network, &mut memory);
    let (to_chip, to_desk) = (Line::new(5), Line::new(6));
    let mut desk = Desk { talk: Conversation::new(3), inbox: Inbox::default(), to_chip, to_desk, chip: &mut chip };
    desk.ask(&Request::Hello, |response| matches!(response, Response::Hello(_)).then_some(()));
    let images: Vec<(Vec<u8>, Vec<i8>)> = (0..64).map(image).map(|image| (image.clone(), logits(&image))).collect();
    let mut runs = 0;
    while desk.to_chip.counts.frames + desk.to_desk.counts.frames < FRAMES {
        let (image, expected) = &images[runs % images.len()];
        assert_eq!(bytemuck::cast_slice::<u8, i8>(&desk.infer(image)), expected, "run {runs}");
        runs += 1;
    }
    eprintln!("{runs} runs, all right; to the chip {}; to the desk {}", desk.to_chip.counts, desk.to_desk.counts);
}
