//! Start-up of the Netduino Plus 2, an STM32F405 with a 25 MHz crystal.

use crate::stm32f4::{Port, Source, clocks};
use crate::{Board, Started};
use stm32f4xx_hal::gpio::{Output, Pin};
use stm32f4xx_hal::pac;
use stm32f4xx_hal::prelude::*;
use stm32f4xx_hal::rcc::Config;

/// The board.
pub struct NetduinoPlus2;

impl Board for NetduinoPlus2 {
    type Port = Port;
    type Led = Pin<'A', 10, Output>;
    const NAME: &'static str = "netduinoplus2";
    const CHIP: &'static str = "STM32F405RG";

    fn start() -> Option<Started<Port, Self::Led>> {
        let peripherals = pac::Peripherals::take()?;
        let mut rcc = clocks(peripherals.RCC, Source::Crystal, Config::hse(25.MHz()).sysclk(168.MHz()));
        let pins = peripherals.GPIOA.split(&mut rcc);
        let led = pins.pa10.into_push_pull_output();
        let port = Port::new(peripherals.USART2, pins.pa2, pins.pa3, &mut rcc)?;
        Some(Started { port, led, clock_hz: rcc.clocks.sysclk().to_Hz() })
    }
}
