//! What a debug probe does, done by QEMU's debugger port: a chip's RTT channels, and a reset.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, ensure};
use secateur::rig::rtt::Channels;

use crate::gdb::{Gdb, Halted};

/// What a control block starts with once the firmware has made it.
const ID: [u8; 16] = *b"SEGGER RTT\0\0\0\0\0\0";
/// The ID and the numbers of channels up and down.
const HEADER_BYTES: usize = 24;
/// Name, buffer, size, write, read, flags; a word each.
const CHANNEL_BYTES: usize = 24;
/// The log's, and one each way for frames.
const CHANNELS: usize = 3;

/// A debugger at a chip; its copies are the same.
#[derive(Clone)]
pub(crate) struct Probe {
    gdb: Arc<Mutex<Gdb>>,
    /// Where the control block is.
    block: u32,
    /// How often a buffer's end was passed.
    wraps: Arc<AtomicUsize>,
}

impl Probe {
    pub(crate) fn new(gdb: Gdb, block: u32) -> Self {
        Self { gdb: Arc::new(Mutex::new(gdb)), block, wraps: Arc::default() }
    }

    /// How often frames or the log went past the end of a buffer.
    pub(crate) fn wraps(&self) -> usize {
        self.wraps.load(Ordering::Relaxed)
    }

    /// Restarts the chip, as a debugger does: what it had of RTT is no longer one.
    pub(crate) fn restart(&self) -> Result<()> {
        self.halted(|chip| {
            chip.write(self.block, &[0; HEADER_BYTES])?;
            chip.order("system_reset")
        })
    }

    /// The sizes of the channels' buffers: the log's, that of frames up, that of frames down.
    pub(crate) fn sizes(&self) -> Result<Vec<u32>> {
        let size = |index| self.halted(|chip| Ok(self.ring(chip, index)?.map_or(0, |ring| ring.size)));
        (0..CHANNELS).map(size).collect()
    }

    /// The bytes that an up channel holds.
    pub(crate) fn held(&self, up: usize) -> Result<u32> {
        self.halted(|chip| Ok(self.ring(chip, up)?.map_or(0, |ring| ring.held())))
    }

    fn halted<T>(&self, work: impl FnOnce(&mut Halted) -> Result<T>) -> Result<T> {
        self.gdb.lock().unwrap_or_else(PoisonError::into_inner).halted(work)
    }

    /// The channel of this index, those up first; `None` where no firmware has made it yet.
    fn ring(&self, chip: &mut Halted, index: usize) -> Result<Option<Ring>> {
        let mut block = [0; HEADER_BYTES + CHANNELS * CHANNEL_BYTES];
        chip.read(self.block, &mut block)?;
        if block[..ID.len()] != ID {
            return Ok(None);
        }
        let words: Vec<u32> = block.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
        ensure!(words[4..6] == [2, 1], "two channels up and one down: {words:x?}");
        let [_, buffer, size, write, read, _] = words[6 + 6 * index..][..6] else { return Ok(None) };
        ensure!(buffer > 0 && write < size && read < size, "channel {index}: {words:x?}");
        let at = self.block + (HEADER_BYTES + CHANNEL_BYTES * index) as u32;
        Ok(Some(Ring { at, buffer, size, write, read }))
    }

    /// Where an offset is after so many bytes.
    fn past(&self, offset: u32, count: u32, size: u32) -> u32 {
        if offset + count >= size {
            self.wraps.fetch_add(1, Ordering::Relaxed);
        }
        (offset + count) % size
    }
}

/// A ring buffer in the chip's RAM: one byte of it is always free.
struct Ring {
    /// Of its descriptor.
    at: u32,
    buffer: u32,
    size: u32,
    write: u32,
    read: u32,
}

impl Ring {
    fn held(&self) -> u32 {
        (self.write + self.size - self.read) % self.size
    }

    /// `count` bytes from an offset on, up to the buffer's end and from its start: addresses and lengths.
    fn pieces(&self, offset: u32, count: u32) -> [(u32, usize); 2] {
        let first = count.min(self.size - offset);
        [(self.buffer + offset, first as usize), (self.buffer, (count - first) as usize)]
    }
}

impl Channels for Probe {
    fn take(&mut self, up: usize, bytes: &mut [u8]) -> Result<usize> {
        self.halted(|chip| {
            let Some(ring) = self.ring(chip, up)? else { return Ok(0) };
            let count = ring.held().min(bytes.len() as u32);
            let mut rest = bytes;
            for (address, length) in ring.pieces(ring.read, count).into_iter().filter(|(_, length)| *length > 0) {
                let (piece, behind) = rest.split_at_mut(length);
                chip.read(address, piece)?;
                rest = behind;
            }
            if count > 0 {
                chip.write(ring.at + 16, &self.past(ring.read, count, ring.size).to_le_bytes())?;
            }
            Ok(count as usize)
        })
    }

    fn give(&mut self, bytes: &[u8]) -> Result<usize> {
        self.halted(|chip| {
            let Some(ring) = self.ring(chip, CHANNELS - 1)? else { return Ok(0) };
            let count = (ring.size - 1 - ring.held()).min(bytes.len() as u32);
            let mut rest = bytes;
            for (address, length) in ring.pieces(ring.write, count).into_iter().filter(|(_, length)| *length > 0) {
                let (piece, behind) = rest.split_at(length);
                chip.write(address, piece)?;
                rest = behind;
            }
            if count > 0 {
                chip.write(ring.at + 12, &self.past(ring.write, count, ring.size).to_le_bytes())?;
            }
            Ok(count as usize)
        })
    }
}
