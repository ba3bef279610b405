//! Start-up of the STM32F4 Discovery, an STM32F407 with an 8 MHz crystal.

use crate::rtt::Port;
use crate::stm32f4::{Source, clocks};
use crate::{Board, Started};
use stm32f4xx_hal::gpio::{Output, Pin};
use stm32f4xx_hal::pac;
use stm32f4xx_hal::prelude::*;
use stm32f4xx_hal::rcc::Config;

/// The board.
pub struct Stm32f4Discovery;

impl Board for Stm32f4Discovery {
    type Port = Port;
    type Led = Pin<'D', 12, Output>;
    const NAME: &'static str = "stm32f4-discovery";
    const CHIP: &'static str = "STM32F407VG";

    fn start() -> Option<Started<Port, Self::Led>> {
        let peripherals = pac::Peripherals::take()?;
        let port = Port::new();
        let mut rcc = clocks(peripherals.RCC, Source::Crystal, Config::hse(8.MHz()).sysclk(168.MHz()));
        let led = peripherals.GPIOD.split(&mut rcc).pd12.into_push_pull_output();
        Some(Started { port, led, clock_hz: rcc.clocks.sysclk().to_Hz() })
    }
}
