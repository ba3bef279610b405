//! The image of the STM32F4 Discovery.
#![no_std]
#![no_main]

#[cortex_m_rt::entry]
fn main() -> ! {
    secateur_firmware::chip::run::<secateur_boards::stm32f4_discovery::Stm32f4Discovery>()
}
