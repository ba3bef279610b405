//! RTT, the desk's end: a debugger moves bytes between this program and ring buffers in the RAM of a chip that runs. Which
//! debugger that is says [`Channels`]; a thread asks it again and again, and is one end of a [`Link`].

use std::io::{self, ErrorKind, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::link::Link;

/// The up channel of the firmware's log, defmt's frames.
pub const LOG: usize = 0;
/// The up channel of the protocol's frames; those to the chip go by down channel 0.
pub const FRAMES: usize = 1;

/// How often a chip is looked at that may have answered.
const LOOK: Duration = Duration::from_millis(1);
/// How long a debugger may fail before its line counts as closed.
const GONE: Duration = Duration::from_secs(3);
/// More than any channel's buffer has.
const BYTES: usize = 4096;

/// A debugger's hands on a chip's channels. It waits for nothing: a chip that has not started yet has nothing and takes nothing.
pub trait Channels: Send + 'static {
    /// Takes what the chip put into an up channel; the number of bytes.
    ///
    /// # Errors
    /// Where the debugger does not reach the chip.
    fn take(&mut self, up: usize, bytes: &mut [u8]) -> Result<usize>;

    /// Gives the chip what there is room for in down channel 0; the number of bytes.
    ///
    /// # Errors
    /// As [`Channels::take`].
    fn give(&mut self, bytes: &[u8]) -> Result<usize>;
}

/// The line to a board whose frames go by RTT. Its log goes to `log`, as bytes.
///
/// # Errors
/// No room for a pipe.
pub fn line(channels: impl Channels, log: impl Write + Send + 'static) -> io::Result<Link> {
    let (from_board, frames) = io::pipe()?;
    Ok(Link::new(from_board, Pump::start(channels, LOOK, vec![(FRAMES, Box::new(frames)), (LOG, Box::new(log))])))
}

/// Where the bytes of an up channel go.
type Outlet = (usize, Box<dyn Write + Send>);

/// A thread that empties up channels and fills down channel 0 with what is written to it, until it is dropped or the debugger
/// fails; its outlets are closed then. Writing does not wait.
#[derive(Debug)]
pub(super) struct Pump {
    to_chip: Option<Sender<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
}

impl Pump {
    /// Looks at the channels so often, and whenever something is written.
    pub(super) fn start(mut channels: impl Channels, often: Duration, mut outlets: Vec<Outlet>) -> Self {
        let (to_chip, written) = channel();
        let thread = std::thread::spawn(move || {
            let (mut waiting, mut reached) = (Vec::new(), Instant::now());
            while collect(&written, often, &mut waiting) {
                match turn(&mut channels, &mut waiting, &mut outlets) {
                    Ok(()) => reached = Instant::now(),
                    // A line that is disturbed: the next turn may be better.
                    Err(_) if reached.elapsed() < GONE => {}
                    Err(_) => return,
                }
            }
        });
        Self { to_chip: Some(to_chip), thread: Some(thread) }
    }
}

/// Waits until something is written, for so long, and takes all of it; whether more may follow.
fn collect(written: &Receiver<Vec<u8>>, often: Duration, waiting: &mut Vec<u8>) -> bool {
    match written.recv_timeout(often) {
        Ok(bytes) => waiting.extend(bytes),
        Err(RecvTimeoutError::Timeout) => {}
        Err(RecvTimeoutError::Disconnected) => return false,
    }
    waiting.extend(written.try_iter().flatten());
    true
}

/// Moves what can be moved.
fn turn(channels: &mut impl Channels, waiting: &mut Vec<u8>, outlets: &mut [Outlet]) -> Result<()> {
    if !waiting.is_empty() {
        let given = channels.give(waiting)?;
        waiting.drain(..given);
    }
    let mut bytes = [0; BYTES];
    for (up, outlet) in outlets {
        let count = channels.take(*up, &mut bytes)?;
        outlet.write_all(&bytes[..count])?;
        // Frames first: the log has time while the chip has no answer.
        if count > 0 {
            break;
        }
    }
    Ok(())
}

impl Write for Pump {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.to_chip.as_ref().and_then(|to_chip| to_chip.send(bytes.to_vec()).ok());
        sent.map(|()| bytes.len()).ok_or_else(|| ErrorKind::BrokenPipe.into())
    }

    /// The thread gives what it has as soon as the chip takes it.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Pump {
    /// Waits for the thread: then the debugger is free for whoever has it next.
    fn drop(&mut self) {
        self.to_chip = None;
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
