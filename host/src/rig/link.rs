//! The desk's end of the wire.

use anyhow::{Context, Result, bail, ensure};
use secateur_shared::Refusal;
use secateur_shared::wire::{self, CHUNK_BYTES, FRAME_BYTES, Inbox, Memory, PROTOCOL_VERSION, Request, Response};
use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// How often a request is sent before the board is given up.
const TRIES: usize = 3;
/// How long a board may think about anything but an inference.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long one inference may take, emulated on a loaded machine.
const INFERENCE_PATIENCE: Duration = Duration::from_secs(120);

/// A board that answers.
pub struct Link {
    to_board: Box<dyn Write + Send>,
    frames: Receiver<Vec<u8>>,
}

/// What a board said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// Its name.
    pub board: String,
    /// The clock that really runs.
    pub clock_hz: u32,
    /// The CRC-32 of its model, or why it is refused.
    pub model: Result<u32, Refusal>,
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
        Self { to_board: Box::new(to_board), frames }
    }

    /// Asks the board who it is.
    ///
    /// # Errors
    /// Where it is silent or speaks another protocol.
    pub fn hello(&mut self) -> Result<Greeting> {
        self.ask(&Request::Hello, PATIENCE, |response| match response {
            Response::Hello(hello) => {
                ensure!(
                    hello.protocol == PROTOCOL_VERSION,
                    "the board speaks protocol {}, this program {PROTOCOL_VERSION}: flash it again",
                    hello.protocol
                );
                Ok(Greeting { board: hello.board.to_owned(), clock_hz: hello.clock_hz, model: hello.model })
            }
            other => bail!("the board answered hello with {other:?}"),
        })
    }

    /// Runs the network on one image, int8 in HWC order; the last layer's output.
    ///
    /// # Errors
    /// Where the board is silent, refuses the model or the image.
    pub fn infer(&mut self, input_hwc: &[i8]) -> Result<Vec<i8>> {
        let bytes: &[u8] = bytemuck::cast_slice(input_hwc);
        for (index, values) in bytes.chunks(CHUNK_BYTES).enumerate() {
            let offset = (index * CHUNK_BYTES) as u32;
            self.ask(&Request::Pixels { offset, values }, PATIENCE, |response| match response {
                Response::Stored => Ok(()),
                Response::Refused(refusal) => bail!("the board refuses: {refusal}"),
                other => bail!("the board answered an image with {other:?}"),
            })?;
        }
        self.ask(&Request::Infer, INFERENCE_PATIENCE, |response| match response {
            Response::Logits { logits, .. } => Ok(bytemuck::cast_slice(logits).to_vec()),
            Response::Refused(refusal) => bail!("the board refuses: {refusal}"),
            other => bail!("the board answered an inference with {other:?}"),
        })
    }

    /// How much stack the board has used.
    ///
    /// # Errors
    /// Where it is silent.
    pub fn memory(&mut self) -> Result<Memory> {
        self.ask(&Request::Memory, PATIENCE, |response| match response {
            Response::Memory(memory) => Ok(memory),
            other => bail!("the board answered a memory request with {other:?}"),
        })
    }

    fn ask<T>(&mut self, request: &Request, patience: Duration, read: impl Fn(Response) -> Result<T>) -> Result<T> {
        for _ in 0..TRIES {
            // An answer that came after its time must not be taken for this one's.
            while self.frames.try_recv().is_ok() {}
            self.send(request)?;
            let mut frame = match self.frames.recv_timeout(patience) {
                Ok(frame) => frame,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => bail!("the board's line was closed: it or its emulator stopped"),
            };
            match wire::decode(&mut frame) {
                Ok(Response::Damaged) | Err(_) => continue,
                Ok(response) => return read(response),
            }
        }
        bail!(
            "the board is silent after {TRIES} tries of {} s: is it powered, is its image running?",
            patience.as_secs()
        )
    }

    fn send(&mut self, request: &Request) -> Result<()> {
        let mut frame = [0; FRAME_BYTES];
        let Ok(bytes) = wire::encode(request, &mut frame) else { bail!("a request is longer than a frame") };
        self.to_board.write_all(bytes).and_then(|()| self.to_board.flush()).context("the board's line is closed")
    }
}
