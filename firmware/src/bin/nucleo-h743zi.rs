//! The image of the Nucleo-H743ZI.
#![no_std]
#![no_main]

#[cortex_m_rt::entry]
fn main() -> ! {
    secateur_firmware::chip::run::<secateur_boards::nucleo_h743zi::NucleoH743zi>()
}
