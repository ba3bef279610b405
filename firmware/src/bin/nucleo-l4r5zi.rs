//! The image of the Nucleo-L4R5ZI.
#![no_std]
#![no_main]

#[cortex_m_rt::entry]
fn main() -> ! {
    secateur_firmware::chip::run::<secateur_boards::nucleo_l4r5zi::NucleoL4r5zi>()
}
