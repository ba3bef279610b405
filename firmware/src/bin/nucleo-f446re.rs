//! The image of the Nucleo-F446RE.
#![no_std]
#![no_main]

#[cortex_m_rt::entry]
fn main() -> ! {
    secateur_firmware::chip::run::<secateur_boards::nucleo_f446re::NucleoF446re>()
}
