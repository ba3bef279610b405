//! Start-up of the Raspberry Pi Pico, an RP2040 with a 12 MHz crystal.

use crate::rp2::{self, Led, Port};
use crate::{Board, Started};

/// What the boot ROM runs first: it sets up the Pico's flash, a W25Q16JV, for running code from it.
pub use rp2040_boot2::BOOT_LOADER_W25Q080 as BOOT2;

/// The board.
pub struct Pico;

impl Board for Pico {
    type Port = Port;
    type Led = Led;
    const NAME: &'static str = "pico";
    const CHIP: &'static str = "RP2040";

    fn start() -> Option<Started<Port, Led>> {
        rp2::start()
    }
}
