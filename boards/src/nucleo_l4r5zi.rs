//! Start-up of the Nucleo-L4R5ZI, an STM32L4R5 that runs from its internal oscillator.

use crate::stm32::{Led, Port, alternate, within_bound};
use crate::{Board, Started};
use stm32_metapac::rcc::vals::{Hpre, Lpuart1sel, Pllm, Plln, Pllr, Pllsrc, Sw};
use stm32_metapac::{FLASH, GPIOB, GPIOG, LPUART1, PWR, RCC};

/// The internal oscillator, which drives the serial port and the loop.
const HSI_HZ: u32 = 16_000_000;
/// What runs from reset.
const MSI_HZ: u32 = 4_000_000;

/// The board.
pub struct NucleoL4r5zi;

impl Board for NucleoL4r5zi {
    type Port = Port;
    type Led = Led;
    const NAME: &'static str = "nucleo-l4r5zi";
    const CHIP: &'static str = "STM32L4R5ZI";

    fn start() -> Option<Started<Port, Led>> {
        cortex_m::Peripherals::take()?;
        RCC.apb1enr1().modify(|w| w.set_pwren(true));
        // Port G has a supply of its own, which counts as absent until this says otherwise.
        PWR.cr2().modify(|w| w.set_iosv(true));
        RCC.cr().modify(|w| w.set_hsion(true));
        let clock_hz = if fast().is_some() { 120_000_000 } else { MSI_HZ };
        RCC.ahb2enr().modify(|w| {
            w.set_gpioben(true);
            w.set_gpiogen(true);
        });
        RCC.ccipr().modify(|w| w.set_lpuart1sel(Lpuart1sel::HSI));
        RCC.apb1enr2().modify(|w| w.set_lpuart1en(true));
        alternate(GPIOG, 7, 8);
        alternate(GPIOG, 8, 8);
        let port = Port::new(LPUART1, HSI_HZ);
        Some(Started { port, led: Led::new(GPIOB, 14), clock_hz })
    }
}

/// 120 MHz from 16 MHz, as the reference manual RM0432 has it: the regulator's boost that more than 80 MHz need, the
/// loop, flash's wait states, and the switch, with the bus at half its speed for a microsecond.
fn fast() -> Option<()> {
    within_bound(|| RCC.cr().read().hsirdy())?;
    boost();
    RCC.pllcfgr().write(|w| {
        w.set_pllsrc(Pllsrc::HSI);
        w.set_pllm(Pllm::DIV4);
        w.set_plln(Plln::MUL60);
        w.set_pllr(Pllr::DIV2);
        w.set_pllren(true);
    });
    RCC.cr().modify(|w| w.set_pllon(true));
    within_bound(|| RCC.cr().read().pllrdy())?;
    FLASH.acr().modify(|w| {
        w.set_latency(5);
        w.set_prften(true);
        w.set_icen(true);
        w.set_dcen(true);
    });
    within_bound(|| FLASH.acr().read().latency() == 5)?;
    RCC.cfgr().modify(|w| w.set_hpre(Hpre::DIV2));
    RCC.cfgr().modify(|w| w.set_sw(Sw::PLL1_R));
    within_bound(|| RCC.cfgr().read().sws() == Sw::PLL1_R)?;
    cortex_m::asm::delay(120);
    RCC.cfgr().modify(|w| w.set_hpre(Hpre::DIV1));
    Some(())
}

/// Clears R1MODE, bit 8 of the power controller's fifth control register, which the register crate does not know.
#[allow(unsafe_code, reason = "the only register that the crate lacks")]
fn boost() {
    const CR5: usize = 0x80;
    const R1MODE: u32 = 1 << 8;
    let register = PWR.as_ptr().wrapping_byte_add(CR5).cast::<u32>();
    // SAFETY: RM0432, 5.4.20: a register of the power controller, whose clock runs; nothing else touches it.
    unsafe { register.write_volatile(register.read_volatile() & !R1MODE) }
}
