//! A fixed network's instructions, counted on the emulated boards: they may not rise unnoticed. And an image's bytes by name.
//!
//! `tests/counts` holds the last counts that were meant. They are exact for one compiler, so another one's are not compared.
//! After a change that is meant: `SECATEUR_BLESS=1 cargo test --release -p secateur-tests --test bench`

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use secateur::data::{Images, Shape};
use secateur::export::{Blob, export};
use secateur::rig::bench::figures::{self, Figures};
use secateur::rig::bench::measure;
use secateur::rig::firmware::{self, Profile};
use secateur::rig::symbols::{self, Parts};
use secateur::rig::{board_memory, image};
use secateur_boards::BoardSpec;
use secateur_shared::memory;
use secateur_tests::untrained::{Noise, untrained};

const BOARDS: [&str; 2] = ["netduinoplus2", "pico"];

struct Linked {
    board: BoardSpec,
    blob: Blob,
    image: Vec<u8>,
}

impl Linked {
    fn untrained(board: &str) -> Result<Self> {
        let (board, network) = (secateur_boards::find(board)?, untrained()?);
        let built = firmware::build(&board, Profile::Firmware, &firmware::operators(network.table()))?;
        let plan = memory::plan(network.table(), built.footprint, &board_memory(&board))?;
        let blob = export(&network)?;
        let image = image::link(&built, blob.bytes(), (&plan).into())?;
        Ok(Self { board, blob, image })
    }

    fn figures(&self) -> Result<Figures> {
        let shape = Shape { height: 28, width: 28, channels: 1 };
        let pixels = Noise(2).bytes(shape.values()).into_iter().map(i8::cast_unsigned).collect();
        measure(&self.board, &self.image, &self.blob, &Images { shape, pixels, labels: vec![0] })
    }
}

fn table(board: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("counts").join(board).with_extension("json")
}

/// Says something that is seen although the test passes.
fn say(what: &str) {
    // Nobody may be listening.
    let _ = writeln!(std::io::stderr(), "{what}");
}

const BLESS: &str = "count again: SECATEUR_BLESS=1 cargo test --release -p secateur-tests --test bench";

#[test]
fn a_fixed_network_takes_no_more_instructions_than_before() -> Result<()> {
    BOARDS.into_iter().try_for_each(count)
}

fn count(board: &str) -> Result<()> {
    let (now, table) = (Linked::untrained(board)?.figures()?, table(board));
    if std::env::var_os("SECATEUR_BLESS").is_some() {
        return now.write(&table);
    }
    let before = figures::read(&table)?;
    if now.compiler != before.compiler {
        let named = |figures: &Figures| figures.compiler.clone().unwrap_or_default();
        say(&format!(
            "instructions not compared: the table is of {}, this is {}; {BLESS}",
            named(&before),
            named(&now)
        ));
        return Ok(());
    }
    let rises = now.rises(&before).context(BLESS)?;
    assert!(
        rises.is_empty(),
        "more instructions than in {}:\n{}\nif meant, {BLESS}",
        table.display(),
        rises.join("\n")
    );
    if now != before {
        say(&format!("fewer instructions, or other cycles, than in the table; {BLESS}"));
    }
    Ok(())
}

#[test]
fn every_byte_of_an_image_belongs_to_something() -> Result<()> {
    BOARDS.into_iter().try_for_each(attribute)
}

fn attribute(board: &str) -> Result<()> {
    let Linked { board, image, .. } = Linked::untrained(board)?;
    let usage = symbols::usage(&image, &board)?;
    let linked = image::measure(&image, &board)?;
    let sum = |parts: &Parts| parts.values().sum::<u32>();
    assert_eq!((sum(&usage.flash), sum(&usage.ram)), (linked.flash_bytes, linked.ram_bytes));
    let side = if board.kernels_in_ram { &usage.ram } else { &usage.flash };
    assert!(side["secateur_firmware::kernels::conv2d::conv2d"] > 500, "{side:?}");
    let nameless = usage.flash.get(".text, without a name").copied().unwrap_or(0);
    assert!(nameless * 10 < sum(&usage.flash), "{nameless} B of code without a name");
    Ok(())
}
