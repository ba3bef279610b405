//! The image of the Nucleo-F767ZI.
#![no_std]
#![no_main]

#[cortex_m_rt::entry]
fn main() -> ! {
    secateur_firmware::chip::run::<secateur_boards::nucleo_f767zi::NucleoF767zi>()
}
