//! Start-up of the Nucleo-F767ZI, an STM32F767 with the 8 MHz clock of its debugger.

use crate::stm32::{Led, Port, alternate, start_cortex_m7, within_bound};
use crate::{Board, Started};
use stm32_metapac::flash::vals::Latency;
use stm32_metapac::pwr::vals::Vos;
use stm32_metapac::rcc::vals::{Pllm, Plln, Pllp, Pllq, Pllr, Pllsrc, Ppre, Sw, Usart2sel};
use stm32_metapac::{FLASH, GPIOB, GPIOD, PWR, RCC, USART3};

/// The internal oscillator, which drives the serial port whatever the core runs at.
const HSI_HZ: u32 = 16_000_000;

/// The board.
pub struct NucleoF767zi;

impl Board for NucleoF767zi {
    type Port = Port;
    type Led = Led;
    const NAME: &'static str = "nucleo-f767zi";
    const CHIP: &'static str = "STM32F767ZI";

    fn start() -> Option<Started<Port, Led>> {
        start_cortex_m7(cortex_m::Peripherals::take()?);
        let clock_hz = if debugger_clock().and_then(|()| fast()).is_some() { 216_000_000 } else { HSI_HZ };
        RCC.ahb1enr().modify(|w| {
            w.set_gpioben(true);
            w.set_gpioden(true);
        });
        RCC.dckcfgr2().modify(|w| w.set_usart3sel(Usart2sel::HSI));
        RCC.apb1enr().modify(|w| w.set_usart3en(true));
        alternate(GPIOD, 8, 7);
        alternate(GPIOD, 9, 7);
        let port = Port::new(USART3, HSI_HZ);
        Some(Started { port, led: Led::new(GPIOB, 14), clock_hz })
    }
}

/// The debugger's clock on the oscillator's input.
fn debugger_clock() -> Option<()> {
    RCC.cr().modify(|w| w.set_hsebyp(true));
    RCC.cr().modify(|w| w.set_hseon(true));
    within_bound(|| RCC.cr().read().hserdy())
}

/// 216 MHz from 8 MHz, as the reference manual RM0410 has it: the loop, then the over-drive that more than 180 MHz
/// need, then flash's wait states, then the switch. Where one of them does not come, the internal oscillator goes on.
fn fast() -> Option<()> {
    RCC.apb1enr().modify(|w| w.set_pwren(true));
    PWR.cr1().modify(|w| w.set_vos(Vos::SCALE1));
    RCC.pllcfgr().write(|w| {
        w.set_pllsrc(Pllsrc::HSE);
        w.set_pllm(Pllm::DIV4);
        w.set_plln(Plln::MUL216);
        w.set_pllp(Pllp::DIV2);
        w.set_pllq(Pllq::DIV9);
        w.set_pllr(Pllr::DIV7);
    });
    RCC.cr().modify(|w| w.set_pllon(true));
    within_bound(|| RCC.cr().read().pllrdy())?;
    PWR.cr1().modify(|w| w.set_oden(true));
    within_bound(|| PWR.csr1().read().odrdy())?;
    PWR.cr1().modify(|w| w.set_odswen(true));
    within_bound(|| PWR.csr1().read().odswrdy())?;
    FLASH.acr().write(|w| {
        w.set_latency(Latency::WS7);
        w.set_prften(true);
        w.set_arten(true);
    });
    within_bound(|| FLASH.acr().read().latency() == Latency::WS7)?;
    RCC.cfgr().modify(|w| {
        w.set_ppre1(Ppre::DIV4);
        w.set_ppre2(Ppre::DIV2);
    });
    RCC.cfgr().modify(|w| w.set_sw(Sw::PLL1_P));
    within_bound(|| RCC.cfgr().read().sws() == Sw::PLL1_P)
}
