//! Start-up of the Raspberry Pi Pico 2, an RP2350 with a 12 MHz crystal.

use crate::rp2::{self, Led, Port};
use crate::{Board, Started};

/// What the boot ROM looks for in the first 4 KiB of flash.
pub use rp235x_hal::block::ImageDef;

/// The board.
pub struct Pico2;

impl Board for Pico2 {
    type Port = Port;
    type Led = Led;
    const NAME: &'static str = "pico2";
    const CHIP: &'static str = "RP235x";

    fn start() -> Option<Started<Port, Led>> {
        rp2::start()
    }
}
