//! Frames by ring buffers in RAM, which a debug probe reads and writes while the chip runs: RTT. Up channel 0 is the log's, up
//! channel 1 and down channel 0 are those of frames.

use core::convert::Infallible;
use rtt_target::{ChannelMode, DownChannel, UpChannel, rtt_init, set_defmt_channel};
use secateur_shared::wire::FRAME_BYTES;

/// Of the log: what it says at a start several times over. Where it is full, lines are lost.
const LOG_BYTES: usize = 256;

/// A port whose other end is a debug probe. It waits for one for as long as it takes: to read, as it has nothing else to do,
/// and to write, as whoever asked is there.
pub struct Port {
    up: UpChannel,
    down: DownChannel,
}

impl Port {
    /// Starts the log's channel too. Once: at a second call it panics.
    pub(crate) fn new() -> Self {
        let channels = rtt_init! {
            up: {
                0: {
                    size: LOG_BYTES,
                    name: "defmt"
                }
                1: {
                    size: FRAME_BYTES,
                    mode: ChannelMode::BlockIfFull,
                    name: "frames"
                }
            }
            down: {
                0: {
                    size: FRAME_BYTES,
                    name: "frames"
                }
            }
            section_cb: ".rtt"
        };
        set_defmt_channel(channels.up.0);
        Self { up: channels.up.1, down: channels.down.0 }
    }
}

impl embedded_io::ErrorType for Port {
    type Error = Infallible;
}

impl embedded_io::Read for Port {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        loop {
            let count = self.down.read(buffer);
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
        }
    }
}

impl embedded_io::Write for Port {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        loop {
            let count = self.up.write(bytes);
            if count > 0 || bytes.is_empty() {
                return Ok(count);
            }
        }
    }

    /// What is written is where the probe takes it from.
    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
