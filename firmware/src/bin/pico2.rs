//! The image of the Raspberry Pi Pico 2.
#![no_std]
#![no_main]

use secateur_boards::pico2::{ImageDef, Pico2};

/// What tells the boot ROM that flash holds a program for the ARM cores; the linker script puts it behind the vector
/// table.
// SAFETY: the section is for this alone.
#[unsafe(link_section = ".start_block")]
#[used]
static IMAGE: ImageDef = ImageDef::secure_exe();

#[cortex_m_rt::entry]
fn main() -> ! {
    secateur_firmware::chip::run::<Pico2>()
}
