//! What lies in the buffers: frames that nobody takes, those of an earlier program, and the log.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use object::{Object, ObjectSymbol};
use secateur::rig::rtt::{Channels, FRAMES, LOG};
use secateur_shared::wire::{FRAME_BYTES, Inbox, Number, Request, Response, decode_response, encode_request};

use crate::place::{BOARD, Board, bench, input};
use crate::probe::Probe;

/// The frame of a hello, in a session that no desk names.
fn hello(sequence: u16) -> Result<Vec<u8>> {
    let mut frame = [0; FRAME_BYTES];
    let number = Number { session: 0xFFFF_FFFF, sequence };
    Ok(encode_request(number, &Request::Hello, &mut frame).map_err(|error| anyhow::anyhow!("{error:?}"))?.to_vec())
}

/// Gives all bytes.
fn give(probe: &mut Probe, mut bytes: &[u8]) -> Result<()> {
    let begun = Instant::now();
    while !bytes.is_empty() {
        bytes = &bytes[probe.give(bytes)?..];
        ensure!(begun.elapsed() < Duration::from_secs(60), "the chip takes no more");
    }
    Ok(())
}

/// The next frame's number, if it is a greeting's.
fn greeted(probe: &mut Probe, inbox: &mut Inbox, begun: Instant) -> Result<u16> {
    while begun.elapsed() < Duration::from_secs(60) {
        let mut byte = [0];
        if probe.take(FRAMES, &mut byte)? == 0 {
            std::thread::sleep(Duration::from_millis(1));
        } else if let Some(frame) = inbox.push(byte[0]) {
            return match decode_response(frame) {
                Ok((number, Response::Hello(_))) => Ok(number.sequence),
                other => bail!("no greeting: {other:?}"),
            };
        }
    }
    bail!("no greeting comes")
}

#[test]
fn a_chip_with_a_full_buffer_waits_and_loses_nothing() -> Result<()> {
    let mut board = Board::start()?;
    let (asked, mut inbox) = (1..=8, Inbox::default());
    let frames = asked.clone().map(hello).collect::<Result<Vec<_>>>()?.concat();
    give(&mut board.probe, &frames)?;
    let begun = Instant::now();
    // It answers until there is no more room.
    while board.probe.held(FRAMES)? < FRAME_BYTES as u32 - 1 {
        ensure!(begun.elapsed() < Duration::from_secs(60), "the buffer does not get full");
    }
    for sequence in asked {
        assert_eq!(greeted(&mut board.probe, &mut inbox, begun)?, sequence);
    }
    Ok(())
}

#[test]
fn what_an_earlier_program_left_is_no_answer() -> Result<()> {
    let (bench, mut board) = (bench()?, Board::start()?);
    give(&mut board.probe, &[hello(1)?, hello(2)?, hello(3)?, hello(4)?].concat())?;
    // Half of an answer is taken, half of a request is there.
    while board.probe.take(FRAMES, &mut [0; 40])? == 0 {}
    give(&mut board.probe, &hello(5)?[..9])?;
    let mut link = board.link()?;
    assert_eq!(link.hello()?.board, BOARD);
    assert_eq!(link.infer(&input())?, bench.on_desk(&input())?.0);
    Ok(())
}

/// The number that stands for a message of the log: the address of a symbol that has its text.
fn message(image: &[u8], text: &str) -> Result<u16> {
    let file = object::File::parse(image)?;
    let symbol = file.symbols().find(|symbol| symbol.name().is_ok_and(|name| name.contains(text)));
    Ok(symbol.with_context(|| format!("the firmware can say `{text}`"))?.address() as u16)
}

#[test]
fn the_log_is_on_channel_0() -> Result<()> {
    let image = bench()?.image_of(&[0xFF; 16])?;
    let (board, begun) = (Board::start_image(&image)?, Instant::now());
    let mut link = board.link()?;
    link.hello()?;
    while board.log.bytes().is_empty() {
        ensure!(begun.elapsed() < Duration::from_secs(60), "nothing is logged");
        std::thread::sleep(Duration::from_millis(10));
    }
    // A frame of defmt: two bytes, without their zeros, by rzCOBS, whose marks say where they were; and a zero.
    let logged = board.log.bytes();
    let number = message(&image, "no valid model")?.to_le_bytes();
    let bytes: Vec<u8> = number.into_iter().filter(|byte| *byte != 0).collect();
    let frames: Vec<&[u8]> = logged.split(|byte| *byte == 0).filter(|frame| !frame.is_empty()).collect();
    assert!(logged.ends_with(&[0]) && frames.len() == 1 && frames[0].starts_with(&bytes), "{logged:?}");
    assert_eq!(board.probe.clone().take(LOG, &mut [0; 16])?, 0);
    Ok(())
}
