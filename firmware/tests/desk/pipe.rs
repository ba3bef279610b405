//! What a session is connected to.

use embedded_hal::digital::OutputPin;
use embedded_io::{ErrorType, Read, Write};
use std::cell::Cell;
use std::collections::VecDeque;
use std::convert::Infallible;

/// Ends where the desk has nothing more to say.
#[derive(Default)]
pub(crate) struct Pipe {
    pub(crate) to_chip: VecDeque<u8>,
    pub(crate) to_desk: Vec<u8>,
}

impl ErrorType for Pipe {
    type Error = Infallible;
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let bytes = self.to_chip.len().min(buffer.len());
        for (slot, byte) in buffer.iter_mut().zip(self.to_chip.drain(..bytes)) {
            *slot = byte;
        }
        Ok(bytes)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        self.to_desk.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Counts how often it was switched on, and remembers whether it is.
#[derive(Default)]
pub(crate) struct Led {
    pub(crate) flashes: Cell<usize>,
    pub(crate) on: Cell<bool>,
}

impl embedded_hal::digital::ErrorType for &Led {
    type Error = Infallible;
}

impl OutputPin for &Led {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.on.set(false);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.flashes.set(self.flashes.get() + 1);
        self.on.set(true);
        Ok(())
    }
}
