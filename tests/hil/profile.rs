//! A board says of each layer what it took and gave.

use crate::place::{Running, input, on_every_board};
use anyhow::Result;
use secateur_boards::BoardSpec;

/// Whether the board counts cycles: a Cortex-M0+ has no counter, and QEMU's stands still.
fn counts(board: &BoardSpec) -> bool {
    board.emulator.is_none() && !board.target.starts_with("thumbv6m")
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
        assert!(figures.iter().all(|layer| (layer.cycles() > 0) == counts(&bench.board)), "{figures:?}");
        let run = board.link().run(&input())?;
        assert_eq!((run.logits, run.cycles > 0), (logits, counts(&bench.board)));
        Ok(())
    })
}
