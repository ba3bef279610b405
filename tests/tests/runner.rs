//! `cargo run` in `firmware` with a board's feature starts `probe-rs run`, as people expect. Here a script stands in for it.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use secateur::rig::setup::{self, Need};

const BOARD: &str = "stm32f4-discovery";

/// A folder with a program `probe-rs` that writes down its words and its chip.
fn stand_in(folder: &Path) -> Result<()> {
    let script = folder.join("probe-rs");
    std::fs::write(&script, "#!/bin/sh\necho \"$PROBE_RS_CHIP: $*\" > \"$SAID\"\n")?;
    Ok(std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))?)
}

#[test]
fn cargo_run_flashes_by_probe_rs_the_chip_that_the_variable_names() -> Result<()> {
    let (board, folder) = (secateur_boards::find(BOARD)?, tempfile::tempdir()?);
    stand_in(folder.path())?;
    let firmware = Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware");
    let mut path = vec![folder.path().to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").context("a PATH")?));
    let mut cargo = setup::ensure(&[Need::Thumb(&board.target)])?.cargo();
    cargo.current_dir(&firmware).args(["run", "--quiet", "--locked", "--bin", BOARD, "--features", BOARD]);
    cargo.args(["--target", &board.target, "--profile", "firmware", "--target-dir", "../target/firmware"]);
    cargo.env("PATH", std::env::join_paths(path)?).env("SAID", folder.path().join("said"));
    ensure!(cargo.env("PROBE_RS_CHIP", &board.chip).status()?.success(), "cargo run fails");
    let said = std::fs::read_to_string(folder.path().join("said"))?;
    assert!(said.starts_with(&format!("{}: run ", board.chip)) && said.trim_end().ends_with(BOARD), "{said}");
    Ok(())
}
