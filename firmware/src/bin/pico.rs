//! The image of the Raspberry Pi Pico.
#![no_std]
#![no_main]

/// The boot ROM's second stage, which the linker script puts in front of the vector table.
// SAFETY: the section is for these bytes alone.
#[unsafe(link_section = ".boot2")]
#[used]
static BOOT2: [u8; 256] = secateur_boards::pico::BOOT2;

#[cortex_m_rt::entry]
fn main() -> ! {
    secateur_firmware::chip::run::<secateur_boards::pico::Pico>()
}
