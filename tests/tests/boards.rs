//! Every board's image takes what was planned, whichever firmwares are built beside it, and starts without a crystal.

use anyhow::{Context, Result};
use secateur::rig::emulated::Emulated;
use secateur::rig::firmware::{self, Profile};
use secateur_tests::bench::Bench;
use secateur_tests::untrained::untrained;
use std::collections::BTreeSet;

#[test]
fn every_board_links_as_planned() -> Result<()> {
    for board in secateur_boards::all()? {
        let name = board.name.clone();
        Bench::new(board, &untrained()?).and_then(|bench| bench.image()).context(name)?;
    }
    Ok(())
}

#[test]
fn a_pico_without_a_crystal_starts_and_says_so() -> Result<()> {
    let bench = Bench::new(secateur_boards::find("pico")?, &untrained()?)?;
    let folder = tempfile::tempdir()?;
    let image = folder.path().join("image.elf");
    std::fs::write(&image, bench.image()?)?;
    let mut board = Emulated::start_with(&bench.board, &image, &["--no-crystal".into()])?;
    assert_eq!(board.link.hello()?.clock_hz, 6_500_000);
    Ok(())
}

#[test]
fn firmwares_built_side_by_side_do_not_mix() -> Result<()> {
    let board = secateur_boards::find("netduinoplus2")?;
    let all: BTreeSet<&str> = ["conv2d", "linear", "max-pool2d"].into();
    let few: BTreeSet<&str> = ["linear"].into();
    let code_bytes = |operators: &BTreeSet<&str>| -> Result<u32> {
        Ok(firmware::build(&board, Profile::Firmware, operators)?.footprint.code_bytes)
    };
    let alone = (code_bytes(&all)?, code_bytes(&few)?);
    assert_ne!(alone.0, alone.1);
    let again = |operators: &BTreeSet<&str>| (0..20).map(|_| code_bytes(operators)).collect::<Result<Vec<_>>>();
    std::thread::scope(|scope| {
        let beside = scope.spawn(|| again(&few));
        assert_eq!(again(&all)?, [alone.0; 20]);
        assert_eq!(beside.join().expect("no panic")?, [alone.1; 20]);
        Ok(())
    })
}
