//! Start-up of the Netduino Plus 2, an STM32F405 with a 25 MHz crystal.

use crate::{Board, Started};
use stm32f4xx_hal::gpio::{Output, Pin};
use stm32f4xx_hal::nb;
use stm32f4xx_hal::pac::{self, USART2};
use stm32f4xx_hal::prelude::*;
use stm32f4xx_hal::prelude::{_embedded_hal_serial_nb_Read as Read, _embedded_hal_serial_nb_Write as Write};
use stm32f4xx_hal::rcc::Config;
use stm32f4xx_hal::serial::{Error, Serial};

/// Polls of the oscillator's ready flag: about 10 ms at 16 MHz, five times what a crystal takes.
const OSCILLATOR_POLLS: u32 = 20_000;

/// The board.
pub struct NetduinoPlus2;

impl Board for NetduinoPlus2 {
    type Port = Port;
    type Led = Pin<'A', 10, Output>;
    const NAME: &'static str = "netduinoplus2";
    const CHIP: &'static str = "STM32F405RG";

    fn start() -> Option<Started<Port, Self::Led>> {
        let peripherals = pac::Peripherals::take()?;
        let config =
            if crystal_runs(&peripherals.RCC) { Config::hse(25.MHz()).sysclk(168.MHz()) } else { Config::hsi() };
        let mut rcc = peripherals.RCC.freeze(config);
        let pins = peripherals.GPIOA.split(&mut rcc);
        let led = pins.pa10.into_push_pull_output();
        let serial = peripherals.USART2.serial((pins.pa2, pins.pa3), 115_200.bps(), &mut rcc).ok()?;
        let clock_hz = rcc.clocks.sysclk().to_Hz();
        Some(Started { port: Port(serial), led, clock_hz })
    }
}

/// Starts the crystal and waits for it, with a bound: an emulator without a clock controller never says ready, and the
/// HAL would wait for ever.
fn crystal_runs(rcc: &pac::RCC) -> bool {
    rcc.cr().modify(|_, w| w.hseon().on());
    let ready = (0..OSCILLATOR_POLLS).any(|_| rcc.cr().read().hserdy().is_ready());
    if !ready {
        rcc.cr().modify(|_, w| w.hseon().off());
    }
    ready
}

/// USART2, polled.
pub struct Port(Serial<USART2>);

impl embedded_io::ErrorType for Port {
    type Error = Error;
}

impl embedded_io::Read for Port {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let Some(first) = buffer.first_mut() else { return Ok(0) };
        *first = nb::block!(Read::read(&mut self.0))?;
        Ok(1)
    }
}

impl embedded_io::Write for Port {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let Some(first) = bytes.first() else { return Ok(0) };
        nb::block!(Write::write(&mut self.0, *first))?;
        Ok(1)
    }

    fn flush(&mut self) -> Result<(), Error> {
        nb::block!(Write::flush(&mut self.0))
    }
}
