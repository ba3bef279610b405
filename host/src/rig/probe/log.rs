//! The firmware's log: defmt's frames in channel 0 of RTT, as lines on standard error.

use std::io::{self, Read, Write};
use std::time::Duration;

use anyhow::{Context, Result};
use defmt_decoder::{DecodeError, Table};
use object::{Object, ObjectSymbol};
use probe_rs::Session;

use super::memory::Memory;
use crate::rig::rtt::{LOG, Pump};

/// How often the channel is read where it has the log alone.
const LOOK: Duration = Duration::from_millis(50);

/// Shows the log until it is dropped. The chip goes on.
#[derive(Debug)]
pub struct Log {
    _pump: Option<Pump>,
}

impl Log {
    /// Of the firmware in `elf`, which has the log's texts and says where the channel is.
    pub(super) fn start(session: Session, board: &str, elf: &[u8]) -> Result<Self> {
        let file = object::File::parse(elf).context("the image is not an ELF file")?;
        let symbol = file.symbols().find(|symbol| symbol.name() == Ok("_SEGGER_RTT"));
        let Some(symbol) = symbol else { return Ok(Self { _pump: None }) };
        let channels = Memory::new(session, symbol.address());
        Ok(Self { _pump: Some(Pump::start(channels, LOOK, vec![(LOG, shown(board, elf)?)])) })
    }
}

/// What shows the log whose bytes are written to it; `elf` has its texts.
pub(super) fn shown(board: &str, elf: &[u8]) -> Result<Box<dyn Write + Send>> {
    let table = Table::parse(elf).context("the image's log cannot be read: build it again")?;
    let Some(table) = table else { return Ok(Box::new(io::sink())) };
    let (mut log, written) = io::pipe().context("no room for a pipe")?;
    let board = board.to_owned();
    std::thread::spawn(move || {
        let (mut decoder, can_recover) = (table.new_stream_decoder(), table.encoding().can_recover());
        let mut bytes = [0; 1024];
        while let Ok(count @ 1..) = log.read(&mut bytes) {
            decoder.received(&bytes[..count]);
            loop {
                match decoder.decode() {
                    Ok(frame) => {
                        let level = frame.level().map_or("", |level| level.as_str());
                        eprintln!("{board}: {level} {}", frame.display_message());
                    }
                    Err(DecodeError::Malformed) if can_recover => {}
                    Err(_) => break,
                }
            }
        }
    });
    Ok(Box::new(written))
}
