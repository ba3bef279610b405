//! Start-up of the Nucleo-F446RE, an STM32F446 with the 8 MHz clock of its debugger.

use crate::stm32f4::{Port, Source, clocks};
use crate::{Board, Started};
use stm32f4xx_hal::gpio::{Output, Pin};
use stm32f4xx_hal::pac;
use stm32f4xx_hal::prelude::*;
use stm32f4xx_hal::rcc::Config;

/// The board.
pub struct NucleoF446re;

impl Board for NucleoF446re {
    type Port = Port;
    type Led = Pin<'A', 5, Output>;
    const NAME: &'static str = "nucleo-f446re";
    const CHIP: &'static str = "STM32F446RE";

    fn start() -> Option<Started<Port, Self::Led>> {
        let peripherals = pac::Peripherals::take()?;
        let mut rcc = clocks(peripherals.RCC, Source::Clock, Config::hse(8.MHz()).sysclk(180.MHz()));
        let pins = peripherals.GPIOA.split(&mut rcc);
        let led = pins.pa5.into_push_pull_output();
        let port = Port::new(peripherals.USART2, pins.pa2, pins.pa3, &mut rcc)?;
        Some(Started { port, led, clock_hz: rcc.clocks.sysclk().to_Hz() })
    }
}
