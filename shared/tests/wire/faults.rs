//! A million frames over a bad line: nothing wrong is ever believed.

#[path = "../support/faults.rs"]
mod line;

use super::{answered, asked};
use line::{Line, Random};
use secateur_shared::wire::{Admission, Conversation, Gate, Heard, Inbox, Number, Request, Response, decode_request};

const FRAMES: usize = 1_000_000;
/// No request of this test is so unlucky.
const TRIES: usize = 200;
const CELLS: usize = 4;

/// A chip that holds a few values and answers an inference with all of them: a value of another time would show.
#[derive(Default)]
struct Chip {
    inbox: Inbox,
    gate: Gate,
    cells: [u8; CELLS],
    served: usize,
    stale: usize,
    damaged: usize,
}

impl Chip {
    /// The frames that it answers to these bytes.
    fn take(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut answers = Vec::new();
        for byte in bytes {
            let Some(frame) = self.inbox.push(*byte).filter(|frame| !frame.is_empty()) else { continue };
            let Ok((number, request)) = decode_request(frame) else {
                self.damaged += 1;
                answers.push(answered(Number::default(), &Response::Damaged));
                continue;
            };
            match self.gate.admit(number, request == Request::Hello) {
                Admission::Stale => self.stale += 1,
                Admission::Stranger => answers.push(answered(number, &Response::Stranger)),
                Admission::Serve => {
                    self.served += 1;
                    answers.push(answered(number, &answer(&mut self.cells, &request)));
                }
            }
        }
        answers
    }
}

fn answer<'a>(cells: &'a mut [u8; CELLS], request: &Request) -> Response<'a> {
    match *request {
        Request::Pixels { offset, values } => {
            cells[offset as usize] = values[0];
            Response::Stored
        }
        Request::Infer => Response::Logits { cycles: 0, logits: cells },
        // Any other answer does for a hello.
        Request::Hello => Response::Stored,
        _ => panic!("{request:?} was never sent"),
    }
}

struct Desk {
    talk: Conversation,
    inbox: Inbox,
    to_chip: Line,
    to_desk: Line,
    chip: Chip,
    believed: usize,
    stale: usize,
}

/// An answer, its bytes its own.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Stored,
    Cells(Vec<u8>),
    Stranger,
}

impl Desk {
    fn frames(&self) -> usize {
        self.to_chip.counts.frames + self.to_desk.counts.frames
    }

    /// Asks until there is an answer.
    fn ask(&mut self, request: &Request) -> Answer {
        let frame = asked(self.talk.next_number(), request);
        for _ in 0..TRIES {
            let at_chip = self.to_chip.send(&frame);
            let answers = self.chip.take(&at_chip);
            let mut at_desk = self.to_desk.due();
            at_desk.extend(answers.iter().flat_map(|answer| self.to_desk.send(answer)));
            if let Some(answer) = self.hear(&at_desk) {
                return answer;
            }
        }
        panic!("{request:?} was not answered in {TRIES} tries");
    }

    fn hear(&mut self, bytes: &[u8]) -> Option<Answer> {
        let mut answer = None;
        for byte in bytes {
            let Some(frame) = self.inbox.push(*byte).filter(|frame| !frame.is_empty()) else { continue };
            match self.talk.hear(frame) {
                Heard::Again => {}
                Heard::Stale => self.stale += 1,
                Heard::Answer(response) => {
                    self.believed += 1;
                    answer = Some(match response {
                        Response::Stored => Answer::Stored,
                        Response::Logits { logits, .. } => Answer::Cells(logits.to_vec()),
                        Response::Stranger => Answer::Stranger,
                        other => panic!("{other:?} was never said"),
                    });
                }
            }
        }
        answer
    }

    /// Stores values and asks for them; `false` where the chip restarted.
    fn round(&mut self, values: [u8; CELLS]) -> bool {
        for (offset, value) in values.iter().enumerate() {
            match self.ask(&Request::Pixels { offset: offset as u32, values: &[*value] }) {
                Answer::Stored => {}
                Answer::Stranger => return false,
                wrong => panic!("{wrong:?} to a value"),
            }
        }
        match self.ask(&Request::Infer) {
            Answer::Cells(cells) => assert_eq!(cells, values, "a wrong answer was believed"),
            Answer::Stranger => return false,
            wrong => panic!("{wrong:?} to an inference"),
        }
        true
    }
}

#[test]
fn nothing_wrong_is_believed_in_a_million_frames() {
    let mut random = Random(1);
    let lines = (Line::new(2), Line::new(3));
    let mut desk = Desk {
        talk: Conversation::new(1),
        inbox: Inbox::default(),
        to_chip: lines.0,
        to_desk: lines.1,
        chip: Chip::default(),
        believed: 0,
        stale: 0,
    };
    let (mut right, mut restarts, mut found, mut sessions) = (0, 0, 0, 1);
    assert_eq!(desk.ask(&Request::Hello), Answer::Stored);
    while desk.frames() < FRAMES {
        if random.below(500) == 0 {
            (desk.chip.gate, desk.chip.cells) = (Gate::default(), [0; CELLS]);
            restarts += 1;
        }
        if desk.round([(); CELLS].map(|()| random.below(256) as u8)) {
            right += 1;
        } else {
            found += 1;
            sessions += 1;
            desk.talk = Conversation::new(sessions);
            // A hello of the session before may come late, and begin that one again.
            while desk.ask(&Request::Hello) == Answer::Stranger {}
        }
    }
    let Desk { chip, to_chip, to_desk, believed, stale, .. } = &desk;
    eprintln!("to the chip {}\nto the desk {}", to_chip.counts, to_desk.counts);
    eprintln!(
        "chip: {} served, {} stale, {} damaged; desk: {believed} believed, {stale} stale; {right} rounds right, {restarts} \
         restarts, {found} found out",
        chip.served, chip.stale, chip.damaged
    );
    assert!(right > 0 && restarts > 0 && found >= restarts, "{right} {restarts} {found}");
}
