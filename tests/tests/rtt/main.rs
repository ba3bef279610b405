//! A board whose frames go by RTT: the image of the STM32F4 Discovery, which nothing emulates, on the STM32F405 that QEMU has (the
//! same core, flash and RAM), and QEMU's debugger port in place of a debug probe. All between that and the verbs is what ships.
#![cfg(unix)]

mod buffers;
mod gdb;
mod place;
mod probe;

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use secateur::failure::Failure;
use secateur::rig::link::Patience;
use secateur::rig::verify::{Options, prove};
use secateur::rig::{image, uf2};
use secateur_shared::Refusal;
use secateur_shared::wire::FRAME_BYTES;

use place::{BOARD, Board, bench, block, images, input};

#[test]
fn the_control_block_is_at_the_start_of_ram_and_buffers_have_a_frame() -> Result<()> {
    let (bench, board) = (bench()?, Board::start()?);
    assert_eq!(block(&bench.firmware.elf)?, bench.board.ram.origin);
    board.link()?.hello()?;
    assert_eq!(board.probe.sizes()?, [256, FRAME_BYTES as u32, FRAME_BYTES as u32]);
    Ok(())
}

#[test]
fn says_who_it_is_and_has_the_memory_that_was_planned() -> Result<()> {
    let (bench, board) = (bench()?, Board::start()?);
    let (mut link, model) = (board.link()?, bench.blob.model()?);
    let greeting = link.hello()?;
    assert_eq!((&*greeting.board, &*greeting.chip, greeting.clock_hz), (BOARD, "STM32F407VG", 16_000_000));
    assert_eq!(greeting.model, Ok(model.identity()));
    assert_eq!(link.infer(&input())?, bench.on_desk(&input())?.0);
    let memory = link.memory()?;
    println!("{memory:?}");
    assert_eq!(memory.static_ram_bytes, bench.plan.static_ram_bytes);
    assert_eq!(memory.arena_bytes + memory.static_ram_bytes + memory.stack_reserve_bytes, bench.board.ram.bytes);
    assert!((100..=memory.stack_reserve_bytes).contains(&memory.stack_high_water_bytes), "{memory:?}");
    Ok(())
}

/// A line that counts frames, and puts before some what is longer than the chip's buffer and frames: it is passed over.
struct Counting {
    line: Box<dyn Write + Send>,
    frames: Arc<AtomicUsize>,
}

impl Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.frames.fetch_add(usize::from(bytes != [0]), Ordering::Relaxed);
        if bytes != [0] && count.is_multiple_of(100) {
            self.line.write_all(&[&[7; 3 * FRAME_BYTES][..], &[0]].concat())?;
        }
        self.line.write_all(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.line.flush()
    }
}

/// Images, and how often they pass a buffer's end at the least: each is more than three buffers long.
const MANY: (usize, usize) = (300, 900);
/// Of an image, in parts of 192 bytes, and the run.
const FRAMES_EACH: usize = 6;

#[test]
fn hundreds_of_images_go_round_the_buffers_and_are_proved() -> Result<()> {
    let (bench, board, begun) = (bench()?, Board::start()?, Instant::now());
    let ((count, wraps), asked) = (MANY, Arc::<AtomicUsize>::default());
    // Longer than any machine is busy: what is sent again was lost.
    let mut link =
        board.link()?.with_patience(Patience { tries: 1, answer: Duration::from_secs(60), ..Patience::default() });
    let frames = Arc::clone(&asked);
    link.send_through(|line| Box::new(Counting { line, frames }));
    let verdict = prove(&mut link, &bench.board, &bench.blob, &images(count), &Options::default())?;
    let asked = asked.load(Ordering::Relaxed);
    let (went, seconds) = (board.probe.wraps(), begun.elapsed().as_secs_f32());
    println!("{count} images, {asked} frames to the chip, {went} times past a buffer's end, {seconds:.1} s");
    assert_eq!((verdict.images, verdict.agreeing), (count, count));
    assert_eq!(asked, 1 + count * FRAMES_EACH + 1, "a hello, the images, the memory");
    assert!(went >= wraps, "{went}");
    verdict.judge()
}

#[test]
fn each_layer_has_the_desks_checksum() -> Result<()> {
    let (bench, board) = (bench()?, Board::start()?);
    let mut link = board.link()?;
    link.hello()?;
    let figures = link.profile(&input(), bench.blob.model()?.layers())?;
    assert_eq!(figures.iter().map(|layer| layer.checksum()).collect::<Vec<_>>(), bench.on_desk(&input())?.1);
    Ok(())
}

#[test]
fn a_model_is_loaded_into_ram_and_runs_there() -> Result<()> {
    let bench = bench()?;
    let board = Board::start_image(&bench.image_of(&[0xFF; 16])?)?;
    let mut link = board.link()?;
    assert_eq!(link.hello()?.model, Err(Refusal::NoModel));
    link.load(&bench.blob)?;
    assert_eq!(link.infer(&input())?, bench.on_desk(&input())?.0);
    Ok(())
}

#[test]
fn a_restart_midway_is_found_out_and_the_board_serves_on() -> Result<()> {
    let (bench, board) = (bench()?, Board::start()?);
    let (mut link, expected) = (board.link()?, bench.on_desk(&input())?.0);
    link.hello()?;
    assert_eq!(link.infer(&input())?, expected);
    board.probe.restart()?;
    let error = link.infer(&input()).expect_err("it restarted").to_string();
    assert!(error.starts_with("the board restarted before it answered a part of an image"), "{error}");
    link.hello()?;
    assert_eq!(link.infer(&input())?, expected);
    Ok(())
}

#[test]
fn a_debugger_that_is_gone_closes_the_line() -> Result<()> {
    let board = Board::start()?;
    let mut link = board.link()?;
    link.hello()?;
    drop(board.emulated);
    let error = link.infer(&input()).expect_err("it is gone").to_string();
    assert!(error.starts_with("the board's line was closed before it answered a part of an image"), "{error}");
    Ok(())
}

/// A line that damages each third frame and loses the ninth.
struct Noisy {
    line: Box<dyn Write + Send>,
    frames: usize,
}

impl Write for Noisy {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut sent = bytes.to_vec();
        self.frames += usize::from(bytes != [0]);
        let middle = bytes.len() / 2;
        match self.frames {
            9 => sent.clear(),
            // No byte of a frame but the last is 0.
            frames if frames % 3 == 0 && bytes.len() > 1 => sent[middle] = if sent[middle] == 1 { 2 } else { 1 },
            _ => {}
        }
        self.line.write_all(&sent).map(|()| bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.line.flush()
    }
}

#[test]
fn frames_that_are_damaged_or_lost_change_no_answer() -> Result<()> {
    let (bench, board) = (bench()?, Board::start()?);
    let patience = Patience { tries: 60, answer: Duration::from_secs(1), run: Duration::from_secs(1) };
    let mut link = board.link()?.with_patience(patience);
    link.send_through(|line| Box::new(Noisy { line, frames: 0 }));
    link.hello()?;
    for _ in 0..3 {
        assert_eq!(link.infer(&input())?, bench.on_desk(&input())?.0);
    }
    Ok(())
}

#[test]
fn a_port_is_refused_and_a_probe_that_is_missing_is_named() -> Result<()> {
    let bench = bench()?;
    let port = bench.target.clone().by(None, Some("/dev/ttyUSB0")).expect_err("it has none");
    assert_eq!(port.downcast_ref::<Failure>().map(Failure::exit_code), Some(2));
    assert!(port.to_string().starts_with("stm32f4-discovery has no serial port, its frames go by its debug probe"));
    let (folder, image) = (tempfile::tempdir()?, bench.image()?);
    let path = folder.path().join("image.elf");
    std::fs::write(&path, &image)?;
    let probe = bench.target.start(&path).map(drop).expect_err("none is connected");
    assert_eq!(probe.downcast_ref::<Failure>().map(Failure::exit_code), Some(5));
    let says = probe.to_string();
    assert!(
        !says.contains("port") && (says.contains("--features probe") || says.starts_with("no debug probe")),
        "{says}"
    );
    let uf2 = uf2::encode(&bench.board, &image::loaded(&image)?).expect_err("no boot ROM");
    assert_eq!(uf2.to_string(), "stm32f4-discovery has no boot ROM that takes UF2 files: leave --uf2 out");
    Ok(())
}
