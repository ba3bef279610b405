//! A board says who it is, what it reads, and what it has.

use crate::place::{Running, on_every_board};
use anyhow::Result;
use secateur::rig::target::{Reach, Target};
use secateur_boards::Emulator;
use secateur_shared::header::{FORMAT_VERSION, KERNEL_ABI};
use secateur_shared::wire::FRAME_BYTES;

/// The clock that must run: QEMU has no clock controller, so start-up stays on the internal oscillator there.
pub(crate) fn clock_hz(target: &Target) -> u32 {
    match (&target.board.emulator, &target.reach) {
        (Some(Emulator::Qemu(_)), Reach::Emulated) => 16_000_000,
        _ => target.board.clock_hz,
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
        assert_eq!(greeting.clock_hz, clock_hz(&bench.target));
        let variables = bench.plan.static_ram_bytes + bench.plan.weights_in_ram_bytes;
        let arena_bytes = board.ram.bytes - variables - board.stack_reserve_bytes;
        assert_eq!(greeting.arena_bytes, arena_bytes);
        let model = bench.blob.model()?;
        assert_eq!(greeting.free_bytes, arena_bytes - model.arena_bytes());
        assert_eq!(greeting.model, Ok(model.identity()));
        Ok(())
    })
}
