//! The proof of a blob goes on where it was cut off, and from nothing else.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use secateur::export::{Blob, export};
use secateur::failure::Failure;
use secateur::rig::blob::{self, Proof, Subject};
use secateur::rig::target::Target;
use secateur_shared::header;
use secateur_tests::untrained::untrained;
use serde_json::Value;
use tempfile::TempDir;

use crate::BOARD;
use crate::pty::{Linked, Pty};

/// Inputs of a whole proof: enough that the board is pulled out before the last.
const WHOLE: usize = 24;
/// Inputs of the short ones beside it.
const SHORT: usize = 2;
/// A kept input: its CRC-32, the cycles, ten logits.
const RECORD_BYTES: usize = 18;

/// A desk: a port that leads to whatever board is plugged in, and the folder of what is kept.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Result<Self> {
        Ok(Self { folder: tempfile::tempdir()? })
    }

    fn kept(&self) -> PathBuf {
        self.folder.path().join("kept")
    }

    /// The one file that is kept; none before the first input is done.
    fn file(&self) -> Option<PathBuf> {
        Some(fs::read_dir(self.kept()).ok()?.next()?.ok()?.path())
    }

    fn records(&self) -> usize {
        let length = self.file().and_then(|path| fs::metadata(path).ok()).map_or(0, |file| file.len());
        length as usize / RECORD_BYTES
    }

    /// A board at a port of this name, in place of the one that was there.
    fn plug(&self, port: &str, linked: &Linked) -> Result<Pty> {
        let (board, port) = (Pty::start(linked)?, self.folder.path().join(port));
        if port.is_symlink() {
            fs::remove_file(&port)?;
        }
        symlink(&board.path, port)?;
        Ok(board)
    }

    fn at(&self, port: &str) -> String {
        format!("{BOARD}@{}", self.folder.path().join(port).display())
    }

    /// Proves a blob on a board: its row.
    fn prove(&self, blob: &Blob, board: &str, inputs: usize, fresh: bool) -> Result<Value> {
        let (path, json) = (self.folder.path().join("model.blob"), self.folder.path().join("rows.json"));
        fs::write(&path, blob.bytes())?;
        let proof = Proof { inputs, json: Some(json.clone()), in_ram: false, kept: self.kept(), fresh };
        blob::verify(&[Subject { path, target: Target::parse(board)? }], &proof)?;
        let mut rows: Vec<Value> = serde_json::from_slice(&fs::read(json)?)?;
        Ok(rows.remove(0))
    }

    /// Pulls a board out once so many inputs are kept.
    fn pull_out(&self, mut board: Pty, records: usize) -> Result<()> {
        let begun = Instant::now();
        while self.records() < records {
            ensure!(begun.elapsed() < Duration::from_secs(60), "nothing is kept");
            std::thread::sleep(Duration::from_millis(1));
        }
        board.order("quit")
    }
}

/// What was kept, with logits that no board gave: who goes on from it is known.
fn poison(path: &Path) -> Result<()> {
    let mut bytes = fs::read(path)?;
    bytes.chunks_mut(RECORD_BYTES).for_each(|record| record[8..].fill(7));
    Ok(fs::write(path, bytes)?)
}

/// A proof on the board at `port` that is cut off; what it kept.
fn cut_off(desk: &Desk, linked: &Linked) -> Result<(PathBuf, Vec<u8>)> {
    let board = desk.plug("port", linked)?;
    let proof = std::thread::scope(|scope| {
        let puller = scope.spawn(|| desk.pull_out(board, 3));
        let proof = desk.prove(&linked.blob, &desk.at("port"), WHOLE, false);
        puller.join().expect("no panic").map(|()| proof)
    })?;
    let error = format!("{:#}", proof.expect_err("the board was pulled out"));
    assert!(error.contains("the board's line was closed before it answered"), "{error}");
    let file = desk.file().expect("what was done is kept");
    let bytes = fs::read(&file)?;
    assert!((3..WHOLE).contains(&desk.records()) && bytes.len().is_multiple_of(RECORD_BYTES), "{} B", bytes.len());
    Ok((file, bytes))
}

#[test]
fn a_proof_that_was_cut_off_asks_for_what_is_missing() -> Result<()> {
    let (desk, linked) = (Desk::new()?, Linked::new(BOARD)?);
    cut_off(&desk, &linked)?;
    let done = desk.records();
    let board = desk.plug("port", &linked)?;
    let row = desk.prove(&linked.blob, &desk.at("port"), WHOLE, false)?;
    assert_eq!(board.runs()?, WHOLE - done, "{done} were kept");
    assert_eq!(fs::read_dir(desk.kept())?.count(), 0, "what is done is not kept");
    let whole = desk.prove(&linked.blob, &desk.at("port"), WHOLE, true)?;
    assert_eq!(board.runs()?, WHOLE - done + WHOLE);
    assert_eq!(row["device"]["agreeing"], WHOLE);
    assert_eq!(row, whole);
    Ok(())
}

#[test]
fn another_blob_board_or_place_and_a_fresh_start_do_not_go_on_from_it() -> Result<()> {
    let (desk, linked) = (Desk::new()?, Linked::new(BOARD)?);
    let (file, kept) = cut_off(&desk, &linked)?;
    poison(&file)?;
    let poisoned = fs::read(&file)?;
    let mut other = export(&untrained()?)?.bytes().to_vec();
    let last = other.len() - 1;
    other[last] ^= 1;
    header::seal(&mut other)?;
    let other = Linked::with(BOARD, Blob::from_bytes(&other), |_| true)?;
    for (port, linked) in [("port", &other), ("elsewhere", &linked)] {
        let board = desk.plug(port, linked)?;
        assert_eq!(desk.prove(&linked.blob, &desk.at(port), SHORT, false)?["device"]["agreeing"], SHORT);
        assert_eq!(board.runs()?, SHORT);
    }
    assert_eq!(desk.prove(&linked.blob, "pico", SHORT, false)?["device"]["agreeing"], SHORT);
    assert_eq!(fs::read(&file)?, poisoned, "theirs is another file");
    let board = desk.plug("port", &linked)?;
    // The same blob, board and place do: what was kept is believed.
    let error = desk.prove(&linked.blob, &desk.at("port"), SHORT, false).expect_err("no board gave these");
    assert_eq!(error.downcast_ref::<Failure>().map(Failure::exit_code), Some(4), "{error:#}");
    let asked = board.runs()?;
    fs::write(&file, &kept)?;
    poison(&file)?;
    assert_eq!(desk.prove(&linked.blob, &desk.at("port"), SHORT, true)?["device"]["agreeing"], SHORT);
    assert_eq!(board.runs()?, asked + SHORT);
    Ok(())
}
