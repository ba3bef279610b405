//! A board that restarts midway is found out, and serves on after a hello.
//!
//! Emulators restart in the middle of an image. Hardware is not reset from here: a board that has just started gets
//! what it would get then, parts of an image in a session that it does not know.

use crate::faults::through;
use crate::place::{Running, input, on_every_board};
use anyhow::{Context, Result, ensure};
use secateur::rig::target::Reach;
use secateur_boards::Emulator;
use secateur_tests::bench::Bench;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Bytes after which the emulated RP2040 restarts: in the third part of the first image.
const RP2040_BYTES: usize = 500;
/// The frame at which QEMU restarts: the third part of the first image, after a hello.
const QEMU_FRAME: usize = 3;

/// A board that restarts while it gets its next image.
fn restarting(bench: &Bench, socket: &Path) -> Result<Running> {
    let image = bench.image()?;
    match bench.board.emulator.as_ref().filter(|_| bench.target.reach == Reach::Emulated) {
        None => Running::start(bench, &image),
        Some(Emulator::Rp2040js(_)) => {
            let word = format!("--restart-after={RP2040_BYTES}");
            let mut board = Running::start_with(bench, &image, &[word.into()])?;
            board.link().hello()?;
            Ok(board)
        }
        Some(Emulator::Qemu(_)) => {
            let monitor = format!("unix:{},server=on,wait=off", socket.display());
            let mut board = Running::start_with(bench, &image, &["-qmp".into(), monitor.into()])?;
            let (mut count, socket) = (0, socket.to_owned());
            through(board.link(), move |frame| {
                if count == QEMU_FRAME {
                    reset(&socket).expect("QEMU restarts the board");
                }
                count += 1;
                vec![frame.to_vec()]
            });
            board.link().hello()?;
            Ok(board)
        }
    }
}

/// Resets QEMU's machine, by its monitor's protocol.
fn reset(socket: &PathBuf) -> Result<()> {
    let mut monitor = UnixStream::connect(socket).context("QEMU's monitor")?;
    let mut lines = BufReader::new(monitor.try_clone()?).lines();
    let mut wait_for = |word: &str| -> Result<()> {
        let until = Instant::now() + Duration::from_secs(20);
        while !lines.next().context("QEMU closed its monitor")??.contains(word) {
            ensure!(Instant::now() < until, "QEMU does not say {word}");
        }
        Ok(())
    };
    wait_for("QMP")?;
    monitor.write_all(b"{\"execute\": \"qmp_capabilities\"}\n")?;
    wait_for("return")?;
    monitor.write_all(b"{\"execute\": \"system_reset\"}\n")?;
    wait_for("RESET")
}

#[test]
fn a_board_that_restarts_midway_is_found_out_and_serves_on() -> Result<()> {
    on_every_board(|bench| {
        let folder = tempfile::tempdir()?;
        let mut board = restarting(bench, &folder.path().join("monitor"))?;
        let error = board.link().infer(&input()).expect_err("it restarted").to_string();
        assert!(error.starts_with("the board restarted before it answered a part of an image"), "{error}");
        board.link().hello()?;
        assert_eq!(board.link().infer(&input())?, bench.on_desk(&input())?.0);
        Ok(())
    })
}
