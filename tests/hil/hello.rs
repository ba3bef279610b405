//! A board says who it is, what it reads, and what it has.

use crate::place::{Running, on_every_board};
use anyhow::Result;
use secateur_boards::{BoardSpec, Emulator};
use secateur_shared::header::{FORMAT_VERSION, KERNEL_ABI};
use secateur_shared::wire::FRAME_BYTES;

/// The clock that must run: QEMU has no clock controller, so start-up stays on the internal oscillator there.
pub(crate) fn clock_hz(board: &BoardSpec) -> u32 {
    match board.emulator {
        Some(Emulator::Qemu(_)) => 16_000_000,
        _ => board.clock_hz,
    }
}

#[test]
fn says_who_it_is_what_it_reads_and_what_it_has() -> Result<()> {
    on_every_board(|bench| {
        let board = &bench.board;
        let greeting = Running::start(bench, &bench.image()?)?.link().hello()?;
        assert_eq!((&*greeting.board, &*greeting.chip), (&*board.name, &*board.chip));
        assert_eq!(greeting.version, env!("CARGO_PKG_VERSION"));
        assert_eq!((greeting.format, greeting.kernel_abi), (FORMAT_VERSION, KERNEL_ABI));
        assert_eq!(usize::from(greeting.frame_bytes), FRAME_BYTES);
        assert_eq!(greeting.clock_hz, clock_hz(board));
        let arena_bytes = board.ram.bytes - bench.firmware.footprint.static_ram_bytes - board.stack_reserve_bytes;
        assert_eq!(greeting.arena_bytes, arena_bytes);
        let model = bench.blob.model()?;
        assert_eq!(greeting.free_bytes, arena_bytes - model.arena_bytes());
        assert_eq!(greeting.model, Ok(model.identity()));
        Ok(())
    })
}
