//! A board says of each layer what it took and gave.

use crate::place::{Running, input, on_every_board};
use anyhow::Result;
use secateur::rig::target::Reach;
use secateur_boards::Emulator;
use secateur_tests::bench::Bench;

/// Whether the board counts cycles: QEMU's counter stands still.
fn counts(bench: &Bench) -> bool {
    !matches!((&bench.target.reach, &bench.board.emulator), (Reach::Emulated, Some(Emulator::Qemu(_))))
}

#[test]
fn each_layer_has_the_desks_checksum() -> Result<()> {
    on_every_board(|bench| {
        let mut board = Running::start(bench, &bench.image()?)?;
        board.link().hello()?;
        let figures = board.link().profile(&input(), bench.blob.model()?.layers())?;
        let sums: Vec<u32> = figures.iter().map(|layer| layer.checksum()).collect();
        let (logits, expected) = bench.on_desk(&input())?;
        assert_eq!(sums, expected);
        assert!(figures.iter().all(|layer| (layer.cycles() > 0) == counts(bench)), "{figures:?}");
        let run = board.link().run(&input())?;
        assert_eq!((run.logits, run.cycles > 0), (logits, counts(bench)));
        Ok(())
    })
}
