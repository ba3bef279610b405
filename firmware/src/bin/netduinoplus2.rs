//! The image of the Netduino Plus 2.
#![no_std]
#![no_main]

#[cortex_m_rt::entry]
fn main() -> ! {
    secateur_firmware::chip::run::<secateur_boards::netduinoplus2::NetduinoPlus2>()
}
