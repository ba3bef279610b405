//! Every board's image takes what was planned, whichever firmwares are built beside it, has what its boot ROM looks
//! for, and starts without a crystal.
#![cfg(feature = "network")]

use anyhow::{Context, Result, ensure};
use secateur::data::Shape;
use secateur::quantize::layout;
use secateur::rig::emulated::Emulated;
use secateur::rig::firmware::{self, Profile};
use secateur::rig::{board_memory, image};
use secateur_boards::BoardSpec;
use secateur_shared::layer::Table;
use secateur_shared::memory::{self, MemoryPlan};
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

/// The carried network, and one of half its widths.
const DEFAULT: [&str; 2] = ["20,20,P,40,40,P,64,64,F192", "10,10,P,20,20,P,32,32,F96"];

/// What a network takes on a board: linked, with a model of so many bytes, as planned. `None` where the flash is too
/// small.
fn linked(board: &BoardSpec, table: &Table) -> Result<Option<MemoryPlan>> {
    let built = firmware::build(board, Profile::Firmware, &firmware::operators(table))?;
    let plan = memory::plan(table, built.footprint, &board_memory(board))?;
    if plan.flash_bytes > board.flash.bytes {
        return Ok(None);
    }
    let image = image::link(&built, &vec![0; plan.blob_bytes as usize], (&plan).into())?;
    let linked = image::measure(&image, board)?;
    let (planned, linked) = ((plan.flash_bytes, plan.ram_bytes), (linked.flash_bytes, linked.ram_bytes));
    ensure!(planned == linked, "planned {planned:?}, linked {linked:?}");
    Ok(Some(plan))
}

/// Prints the table of boards/README.md: `cargo test --release -p secateur-tests --test boards default -- --nocapture`.
#[test]
fn the_default_network_takes_what_was_planned() -> Result<()> {
    let input = Shape { height: 28, width: 28, channels: 1 };
    let tables = DEFAULT.map(|arch| layout::table(&arch.parse()?, input, 10));
    let tables = tables.into_iter().collect::<Result<Vec<Table>>>()?;
    for board in secateur_boards::all()? {
        let mut row = format!("| `{}` |", board.name);
        let mut fits = 0;
        for table in &tables {
            let plan = linked(&board, table).with_context(|| board.name.clone())?;
            fits += u32::from(plan.is_some());
            let words =
                |plan: MemoryPlan| [plan.code_bytes, plan.flash_bytes, plan.ram_bytes].map(secateur::report::bytes);
            let cells = plan.map_or_else(|| ["-"; 3].map(str::to_owned), words);
            row += &cells.map(|cell| format!(" {cell} |")).concat();
        }
        println!("{row}");
        ensure!(fits > 0, "{}: the half of the default network does not fit", board.name);
    }
    Ok(())
}

/// The bytes of weights that may be copied are a board's choice, and are counted: the plan and the linked file say the same.
#[test]
fn weights_in_ram_take_what_was_planned() -> Result<()> {
    let input = Shape { height: 28, width: 28, channels: 1 };
    let table = layout::table(&DEFAULT[1].parse()?, input, 10)?;
    let mut taken = Vec::new();
    for weights_in_ram_bytes in [0, 0x400, 0x1000, 0x1_0000] {
        let board = BoardSpec { weights_in_ram_bytes, ..secateur_boards::find("pico")? };
        let plan = linked(&board, &table)?.context("the half fits")?;
        assert!(plan.weights_in_ram_bytes <= weights_in_ram_bytes, "{plan:?}");
        assert_eq!(plan.ram_bytes - plan.weights_in_ram_bytes, taken.first().map_or(plan.ram_bytes, |(ram, _)| *ram));
        taken.push((plan.ram_bytes, plan.weights_in_ram_bytes));
    }
    assert!(taken[0].1 == 0 && taken.is_sorted() && taken[1] < taken[3], "{taken:?}");
    Ok(())
}

#[test]
fn a_pico_2_finds_its_block_in_the_first_4_kib() -> Result<()> {
    let bench = Bench::new(secateur_boards::find("pico2")?, &untrained()?)?;
    let file = object::File::parse(&*bench.firmware.elf)?;
    let block = object::Object::section_by_name(&file, ".start_block").context("a block")?;
    let (address, bytes) = (object::ObjectSection::address(&block), object::ObjectSection::data(&block)?);
    assert!(address + bytes.len() as u64 <= u64::from(bench.board.flash.origin) + 4096, "{address:#x}");
    // RP2350's data sheet, 5.9: the marks that a block starts and ends with, and between them an executable image for
    // ARM, secure.
    assert_eq!((&bytes[..4], &bytes[4..8]), (&[0xD3, 0xDE, 0xFF, 0xFF][..], &[0x42, 0x01, 0x21, 0x10][..]));
    assert_eq!(bytes[bytes.len() - 4..], [0x79, 0x35, 0x12, 0xAB]);
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
