//! The firmware's log: defmt's frames in channel 0 of RTT, as lines on standard error.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use defmt_decoder::{DecodeError, Table};
use object::{Object, ObjectSymbol};
use probe_rs::Session;
use probe_rs::rtt::{Rtt, ScanRegion};

/// How often the channel is read.
const POLL: Duration = Duration::from_millis(50);

/// Shows the log until it is dropped. The chip goes on.
#[derive(Debug)]
pub struct Log {
    wanted: Option<Arc<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Log {
    /// Of the firmware in `elf`, which has the log's texts and says where the channel is.
    pub(super) fn start(session: Session, board: &str, elf: &[u8]) -> Result<Self> {
        let file = object::File::parse(elf).context("the image is not an ELF file")?;
        let symbol = file.symbols().find(|symbol| symbol.name() == Ok("_SEGGER_RTT"));
        let table = Table::parse(elf).context("the image's log cannot be read: build it again")?;
        let (Some(symbol), Some(table)) = (symbol, table) else { return Ok(Self { wanted: None, thread: None }) };
        let wanted = Arc::new(());
        let still_wanted = Arc::downgrade(&wanted);
        let mut lines = Lines { session, board: board.to_owned(), at: symbol.address(), rtt: None };
        let thread = std::thread::spawn(move || {
            let (mut decoder, can_recover) = (table.new_stream_decoder(), table.encoding().can_recover());
            while still_wanted.strong_count() > 0 {
                // A chip that starts, or a line that is disturbed: the next look may be better.
                let bytes = lines.read().unwrap_or_default();
                decoder.received(&bytes);
                loop {
                    match decoder.decode() {
                        Ok(frame) => {
                            let level = frame.level().map_or("", |level| level.as_str());
                            eprintln!("{}: {level} {}", lines.board, frame.display_message());
                        }
                        Err(DecodeError::Malformed) if can_recover => {}
                        Err(_) => break,
                    }
                }
                std::thread::sleep(POLL);
            }
        });
        Ok(Self { wanted: Some(wanted), thread: Some(thread) })
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.wanted = None;
        // A thread that ended early took nothing with it.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

struct Lines {
    session: Session,
    board: String,
    at: u64,
    rtt: Option<Rtt>,
}

impl Lines {
    fn read(&mut self) -> Result<Vec<u8>> {
        let mut core = self.session.core(0)?;
        if self.rtt.is_none() {
            self.rtt = Some(Rtt::attach_region(&mut core, &ScanRegion::Exact(self.at))?);
        }
        let mut bytes = vec![0; 1024];
        let channel = self.rtt.as_mut().and_then(|rtt| rtt.up_channel(0)).context("no channel 0")?;
        let count = channel.read(&mut core, &mut bytes)?;
        bytes.truncate(count);
        Ok(bytes)
    }
}
