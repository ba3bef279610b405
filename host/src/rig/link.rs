//! The desk's end of the wire.

#[cfg(test)]
mod tests;
mod transfer;

use anyhow::{Context, Result, bail, ensure};
use secateur_shared::Refusal;
use secateur_shared::wire::{
    self, Conversation, FRAME_BYTES, Hello, Inbox, Memory, PROTOCOL_VERSION, Request, Response,
};
use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How often a request is sent again at once where it or its answer was damaged.
const DAMAGED_TRIES: u32 = 16;

/// Half of how long an answer may at first be behind what was damaged: that doubles to 0.3 s.
const PAUSE: Duration = Duration::from_millis(10);

/// How long, and how often, a board is asked.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How often a board may be silent before it is given up.
    pub tries: u32,
    /// How long one try may take.
    pub answer: Duration,
    /// How long one try of a run may take, emulated on a loaded machine.
    pub run: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { tries: 3, answer: Duration::from_secs(5), run: Duration::from_secs(120) }
    }
}

/// A board that answers.
pub struct Link {
    to_board: Box<dyn Write + Send>,
    frames: Receiver<Vec<u8>>,
    conversation: Conversation,
    patience: Patience,
}

/// What a board said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// Its name.
    pub board: String,
    /// Its chip.
    pub chip: String,
    /// Its firmware's version.
    pub version: String,
    /// The blob format that it reads.
    pub format: u16,
    /// The kernel ABI of the weights that it reads.
    pub kernel_abi: u16,
    /// The longest frame that it takes.
    pub frame_bytes: u16,
    /// The operators that it can run: bit n is that of number n in [`secateur_shared::layer::OPERATORS`].
    pub operators: u16,
    /// Where in flash it looks for its model.
    pub model_address: u32,
    /// The clock that really runs.
    pub clock_hz: u32,
    /// The RAM that tensors may take.
    pub arena_bytes: u32,
    /// The RAM that a model sent over the wire and its tensors may take.
    pub free_bytes: u32,
    /// The CRC-32 of its model, or why it is refused.
    pub model: Result<u32, Refusal>,
}

impl From<Hello<'_>> for Greeting {
    fn from(hello: Hello) -> Self {
        Self {
            board: hello.board.to_owned(),
            chip: hello.chip.to_owned(),
            version: hello.version.to_owned(),
            format: hello.format,
            kernel_abi: hello.kernel_abi,
            frame_bytes: hello.frame_bytes,
            operators: hello.operators,
            model_address: hello.model_address,
            clock_hz: hello.clock_hz,
            arena_bytes: hello.arena_bytes,
            free_bytes: hello.free_bytes,
            model: hello.model,
        }
    }
}

/// What one run of the network gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The last layer's output.
    pub logits: Vec<i8>,
    /// By the core's counter; 0 where it has none.
    pub cycles: u32,
}

impl Link {
    /// Reads frames in the background from a pipe that ends when the board is gone.
    pub fn new(mut from_board: impl Read + Send + 'static, to_board: impl Write + Send + 'static) -> Self {
        let (sender, frames) = channel();
        std::thread::spawn(move || {
            let (mut inbox, mut bytes) = (Inbox::default(), [0; 4096]);
            while let Ok(count @ 1..) = from_board.read(&mut bytes) {
                for byte in &bytes[..count] {
                    if let Some(frame) = inbox.push(*byte)
                        && sender.send(frame.to_vec()).is_err()
                    {
                        return;
                    }
                }
            }
        });
        let conversation = Conversation::new(session());
        Self { to_board: Box::new(to_board), frames, conversation, patience: Patience::default() }
    }

    /// The same, asking so long and so often.
    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// Sends through a writer made of the present one, such as a line that loses or damages frames: each write is a whole
    /// frame, or the zero before it.
    pub fn send_through(&mut self, make: impl FnOnce(Box<dyn Write + Send>) -> Box<dyn Write + Send>) {
        let line = std::mem::replace(&mut self.to_board, Box::new(std::io::sink()));
        self.to_board = make(line);
    }

    /// Asks the board who it is, and begins a session.
    ///
    /// # Errors
    /// Where it is silent or speaks another protocol.
    pub fn hello(&mut self) -> Result<Greeting> {
        self.ask("hello", &Request::Hello, |response| match response {
            Response::Hello(hello) => {
                let Hello { protocol, .. } = hello;
                ensure!(
                    protocol == PROTOCOL_VERSION,
                    "the board speaks protocol {protocol}, this program {PROTOCOL_VERSION}: flash it again"
                );
                Ok(hello.into())
            }
            other => bail!("the board answered hello with {other:?}"),
        })
    }

    /// What the board used of its memory.
    ///
    /// # Errors
    /// Where it is silent.
    pub fn memory(&mut self) -> Result<Memory> {
        self.ask("memory", &Request::Memory, |response| match response {
            Response::Memory(memory) => Ok(memory),
            other => bail!("the board answered a memory request with {other:?}"),
        })
    }

    /// Sends a request until it is answered, within the bounds of [`Patience`].
    fn ask<T>(&mut self, name: &str, request: &Request, read: impl Fn(Response) -> Result<T>) -> Result<T> {
        let number = self.conversation.next_number();
        let mut bytes = [0; FRAME_BYTES];
        let Ok(bytes) = wire::encode_request(number, request, &mut bytes) else {
            bail!("{name} is longer than a frame")
        };
        let is_run = matches!(request, Request::Infer | Request::Profile { .. } | Request::Start { .. });
        let patience = if is_run { self.patience.run } else { self.patience.answer };
        let (mut silent, mut damaged) = (0, 0);
        while silent < self.patience.tries && damaged < DAMAGED_TRIES {
            self.send(bytes).with_context(|| gone(name))?;
            match self.listen(name, patience, &read)? {
                Heard::Answer(answer) => return Ok(answer),
                Heard::Damaged => {
                    damaged += 1;
                    if let Some(answer) = self.wait_out(name, PAUSE * (1 << damaged.min(5)), &read)? {
                        return Ok(answer);
                    }
                }
                Heard::Nothing => silent += 1,
            }
        }
        ensure!(
            silent > 0,
            "{name} or its answer was damaged {damaged} times: see to the line and its speed; where every request fails, \
             the board's firmware speaks another protocol than {PROTOCOL_VERSION}: flash it again"
        );
        bail!(
            "the board did not answer {name} in {silent} tries of {} s ({damaged} damaged): it hangs, or its line is cut; \
             see that it is powered and its image runs, reset it, and try again",
            patience.as_secs_f32()
        )
    }

    /// The answer, if it comes within a pause, whatever else is damaged in it: a board's complaints do not say of which frame, and
    /// to ask again for each, also for those of earlier requests, would make ever more of them on a noisy line.
    fn wait_out<T>(&self, name: &str, pause: Duration, read: &impl Fn(Response) -> Result<T>) -> Result<Option<T>> {
        let until = Instant::now() + pause;
        loop {
            match self.listen(name, until.saturating_duration_since(Instant::now()), read)? {
                Heard::Answer(answer) => return Ok(Some(answer)),
                Heard::Damaged if Instant::now() < until => {}
                Heard::Damaged | Heard::Nothing => return Ok(None),
            }
        }
    }

    fn send(&mut self, frame: &[u8]) -> std::io::Result<()> {
        // A zero first: whatever the line still holds of a frame cut short ends here.
        self.to_board.write_all(&[0])?;
        self.to_board.write_all(frame)?;
        self.to_board.flush()
    }

    /// Waits for the answer to the request sent last.
    fn listen<T>(&self, name: &str, patience: Duration, read: &impl Fn(Response) -> Result<T>) -> Result<Heard<T>> {
        let until = Instant::now() + patience;
        loop {
            let mut frame = match self.frames.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(frame) if frame.is_empty() => continue,
                Ok(frame) => frame,
                Err(RecvTimeoutError::Timeout) => return Ok(Heard::Nothing),
                Err(RecvTimeoutError::Disconnected) => bail!(gone(name)),
            };
            return match self.conversation.hear(&mut frame) {
                wire::Heard::Stale => continue,
                wire::Heard::Again => Ok(Heard::Damaged),
                wire::Heard::Answer(Response::Stranger) => bail!(
                    "the board restarted before it answered {name}, or another program talks to it: see to its power, \
                     close what else uses its line, and try again"
                ),
                wire::Heard::Answer(response) => read(response).map(Heard::Answer),
            };
        }
    }
}

/// What came back of one try.
enum Heard<T> {
    Answer(T),
    Damaged,
    Nothing,
}

fn gone(name: &str) -> String {
    format!("the board's line was closed before it answered {name}: it or its emulator stopped")
}

/// A name for a session that no earlier one had: a board must tell a new program's requests from an old one's.
fn session() -> u32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (now.as_nanos() as u32 ^ std::process::id().rotate_left(16)).max(1)
}
