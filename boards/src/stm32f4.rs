//! What the boards with an STM32F4 share: clocks with a fall-back, and USART2 on PA2 and PA3.

use stm32f4xx_hal::gpio::{PA2, PA3};
use stm32f4xx_hal::nb;
use stm32f4xx_hal::pac::{self, USART2};
use stm32f4xx_hal::prelude::*;
use stm32f4xx_hal::prelude::{_embedded_hal_serial_nb_Read as Read, _embedded_hal_serial_nb_Write as Write};
use stm32f4xx_hal::rcc::{Config, Rcc};
use stm32f4xx_hal::serial::{Error, Serial};

/// Polls of the oscillator's ready flag: about 10 ms at 16 MHz, five times what a crystal takes.
const OSCILLATOR_POLLS: u32 = 20_000;

/// What drives the chip's oscillator pins.
pub(crate) enum Source {
    /// A crystal between them.
    #[cfg_attr(feature = "nucleo-f446re", allow(dead_code, reason = "a build has one board"))]
    Crystal,
    /// Another chip's clock, on one of them.
    #[cfg_attr(not(feature = "nucleo-f446re"), allow(dead_code, reason = "a build has one board"))]
    Clock,
}

/// These clocks, or the internal oscillator where the source that they need does not run.
pub(crate) fn clocks(rcc: pac::RCC, source: Source, config: Config) -> Rcc {
    let config = match source {
        Source::Crystal => config,
        Source::Clock => config.bypass_hse_oscillator(),
    };
    let config = if runs(&rcc, &source) { config } else { Config::hsi() };
    rcc.freeze(config)
}

/// Starts the source and waits for it, with a bound: an emulator without a clock controller never says ready, and the HAL
/// would wait for ever.
fn runs(rcc: &pac::RCC, source: &Source) -> bool {
    rcc.cr().modify(|_, w| w.hsebyp().bit(matches!(source, Source::Clock)));
    rcc.cr().modify(|_, w| w.hseon().on());
    let ready = (0..OSCILLATOR_POLLS).any(|_| rcc.cr().read().hserdy().is_ready());
    if !ready {
        rcc.cr().modify(|_, w| w.hseon().off());
    }
    ready
}

/// USART2 at 115,200 baud, polled.
pub struct Port(Serial<USART2>);

impl Port {
    /// `None` where the clocks do not give the baud rate.
    #[cfg_attr(feature = "stm32f4-discovery", allow(dead_code, reason = "a build has one board"))]
    pub(crate) fn new(usart: USART2, transmit: PA2, receive: PA3, rcc: &mut Rcc) -> Option<Self> {
        usart.serial((transmit, receive), 115_200.bps(), rcc).ok().map(Self)
    }
}

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
