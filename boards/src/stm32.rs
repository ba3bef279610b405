//! What the boards share whose chips are set up register by register: pins, a polled serial port, waiting with a bound.

use core::convert::Infallible;
use cortex_m::Peripherals;
use cortex_m::peripheral::DWT;
use stm32_metapac::gpio::{Gpio, vals};

/// A kind of serial port. All have the same registers, but the low-power one divides its clock 256 times finer.
#[cfg(feature = "nucleo-l4r5zi")]
type Uart = stm32_metapac::usart::Lpuart;
#[cfg(not(feature = "nucleo-l4r5zi"))]
type Uart = stm32_metapac::usart::Usart;

/// Parts of a clock that the serial port's divider counts.
const PARTS: u64 = if cfg!(feature = "nucleo-l4r5zi") { 256 } else { 1 };
const BAUD: u64 = 115_200;
/// Polls of a ready flag: at least 20 ms at the 64 MHz that run then at the most, ten times what a crystal takes.
const POLLS: u32 = 500_000;

/// Waits until a flag is set; `None` where that takes too long.
pub(crate) fn within_bound(mut is_ready: impl FnMut() -> bool) -> Option<()> {
    (0..POLLS).any(|_| is_ready()).then_some(())
}

/// Switches a Cortex-M7's caches on, and frees its counter of cycles, which it locks at reset.
#[cfg_attr(feature = "nucleo-l4r5zi", allow(dead_code, reason = "a build has one board"))]
pub(crate) fn start_cortex_m7(mut core: Peripherals) {
    core.SCB.enable_icache();
    core.SCB.enable_dcache(&mut core.CPUID);
    DWT::unlock();
}

/// Gives a pin to a peripheral, by the number that the chip's data sheet gives the function.
pub(crate) fn alternate(port: Gpio, pin: usize, function: u8) {
    port.afr(pin / 8).modify(|w| w.set_afr(pin % 8, function));
    port.moder().modify(|w| w.set_moder(pin, vals::Moder::ALTERNATE));
}

/// A pin that drives an LED.
pub struct Led {
    port: Gpio,
    pin: usize,
}

impl Led {
    /// Dark at first.
    pub(crate) fn new(port: Gpio, pin: usize) -> Self {
        port.moder().modify(|w| w.set_moder(pin, vals::Moder::OUTPUT));
        Self { port, pin }
    }
}

impl embedded_hal::digital::ErrorType for Led {
    type Error = Infallible;
}

impl embedded_hal::digital::OutputPin for Led {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.port.bsrr().write(|w| w.set_br(self.pin, true));
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.port.bsrr().write(|w| w.set_bs(self.pin, true));
        Ok(())
    }
}

/// A serial port, polled.
pub struct Port(Uart);

impl Port {
    /// Starts it at 115,200 baud, 8N1, by its own clock.
    pub(crate) fn new(uart: Uart, clock_hz: u32) -> Self {
        let divider = (u64::from(clock_hz) * PARTS + BAUD / 2) / BAUD;
        uart.brr().write(|w| w.set_brr(divider as u16));
        // A byte that comes too early takes the place of the last one: the frame's checksum tells.
        uart.cr3().write(|w| w.set_ovrdis(true));
        uart.cr1().write(|w| {
            w.set_te(true);
            w.set_re(true);
            w.set_ue(true);
        });
        Self(uart)
    }
}

impl embedded_io::ErrorType for Port {
    type Error = Infallible;
}

impl embedded_io::Read for Port {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let Some(first) = buffer.first_mut() else { return Ok(0) };
        while !self.0.isr().read().rxne() {}
        *first = self.0.rdr().read().dr() as u8;
        Ok(1)
    }
}

impl embedded_io::Write for Port {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        let Some(first) = bytes.first() else { return Ok(0) };
        while !self.0.isr().read().txe() {}
        self.0.tdr().write(|w| w.set_dr((*first).into()));
        Ok(1)
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        while !self.0.isr().read().tc() {}
        Ok(())
    }
}
