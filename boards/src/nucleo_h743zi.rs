//! Start-up of the Nucleo-H743ZI, an STM32H743 with the 8 MHz clock of its debugger.

use crate::stm32::{Led, Port, alternate, start_cortex_m7, within_bound};
use crate::{Board, Started};
use stm32_metapac::pwr::vals::Vos;
use stm32_metapac::rcc::vals::{Hpre, Plldiv, Pllm, Plln, Pllrge, Pllsrc, Pllvcosel, Ppre, Sw, Usart234578sel};
use stm32_metapac::{FLASH, GPIOB, GPIOD, PWR, RCC, USART3};

/// The internal oscillator, which drives the serial port whatever the core runs at.
const HSI_HZ: u32 = 64_000_000;

/// The board.
pub struct NucleoH743zi;

impl Board for NucleoH743zi {
    type Port = Port;
    type Led = Led;
    const NAME: &'static str = "nucleo-h743zi";
    const CHIP: &'static str = "STM32H743ZI";

    fn start() -> Option<Started<Port, Led>> {
        start_cortex_m7(cortex_m::Peripherals::take()?);
        let clock_hz = if debugger_clock().and_then(|()| fast()).is_some() { 400_000_000 } else { HSI_HZ };
        RCC.ahb4enr().modify(|w| {
            w.set_gpioben(true);
            w.set_gpioden(true);
        });
        RCC.d2ccip2r().modify(|w| w.set_usart234578sel(Usart234578sel::HSI));
        RCC.apb1lenr().modify(|w| w.set_usart3en(true));
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

/// 400 MHz from 8 MHz, buses at 200 and 100 MHz, as the reference manual RM0433 has it: the supply by the regulator,
/// its highest voltage that needs no over-drive, the loop, flash's wait states, then the switch.
fn fast() -> Option<()> {
    PWR.cr3().modify(|w| {
        w.set_ldoen(true);
        w.set_bypass(false);
    });
    within_bound(|| PWR.csr1().read().actvosrdy())?;
    PWR.d3cr().modify(|w| w.set_vos(Vos::SCALE1));
    within_bound(|| PWR.d3cr().read().vosrdy())?;
    phase_locked_loop();
    RCC.cr().modify(|w| w.set_pllon(0, true));
    within_bound(|| RCC.cr().read().pllrdy(0))?;
    FLASH.acr().write(|w| {
        w.set_latency(2);
        w.set_wrhighfreq(2);
    });
    within_bound(|| FLASH.acr().read().latency() == 2)?;
    divide_buses();
    RCC.cfgr().modify(|w| w.set_sw(Sw::PLL1_P));
    within_bound(|| RCC.cfgr().read().sws() == Sw::PLL1_P)
}

/// 8 MHz / 4 x 400 / 2.
fn phase_locked_loop() {
    RCC.pllckselr().modify(|w| {
        w.set_pllsrc(Pllsrc::HSE);
        w.set_divm(0, Pllm::DIV4);
    });
    RCC.pllcfgr().modify(|w| {
        w.set_pllvcosel(0, Pllvcosel::WIDE_VCO);
        w.set_pllrge(0, Pllrge::RANGE2);
        w.set_pllfracen(0, false);
        w.set_divpen(0, true);
        w.set_divqen(0, false);
        w.set_divren(0, false);
    });
    RCC.plldivr(0).modify(|w| {
        w.set_plln(Plln::MUL400);
        w.set_pllp(Plldiv::DIV2);
    });
}

fn divide_buses() {
    RCC.d1cfgr().write(|w| {
        w.set_d1cpre(Hpre::DIV1);
        w.set_hpre(Hpre::DIV2);
        w.set_d1ppre(Ppre::DIV2);
    });
    RCC.d2cfgr().write(|w| {
        w.set_d2ppre1(Ppre::DIV2);
        w.set_d2ppre2(Ppre::DIV2);
    });
    RCC.d3cfgr().write(|w| w.set_d3ppre(Ppre::DIV2));
}
