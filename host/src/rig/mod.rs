//! Where a board is reached: its firmware built, its image made, the board run and talked to.

pub mod bench;
pub mod blob;
pub mod boards;
pub mod desk;
pub mod emulated;
pub mod firmware;
pub mod flash;
pub mod hardware;
pub mod hil;
pub mod image;
pub mod infer;
pub mod link;
pub mod on_device;
pub mod probe;
mod qemu;
mod rp2040;
pub mod rtt;
pub mod run;
pub mod serial;
pub mod setup;
pub mod sizes;
pub mod symbols;
pub mod target;
mod together;
pub mod uf2;
pub mod usb;
pub mod verb;
pub mod verify;

use secateur_boards::BoardSpec;
use secateur_shared::memory::BoardMemory;

/// A board's memory, as the planner takes it.
pub fn board_memory(board: &BoardSpec) -> BoardMemory<'_> {
    BoardMemory {
        flash_bytes: board.flash.bytes,
        ram_bytes: board.ram.bytes,
        sectors: &board.flash.sectors,
        stack_reserve_bytes: board.stack_reserve_bytes,
        weights_in_ram_bytes: board.weights_in_ram_bytes,
    }
}
