//! Boards that fall silent, restart, hang, or answer late, by a script, and what is said of them.

use std::io::PipeReader;
use std::time::Duration;

use anyhow::Result;
use secateur_shared::wire::{
    Admission, FRAME_BYTES, Gate, Inbox, Memory, Number, Request, Response, decode_request, encode_response,
};

use super::{Link, Patience};

const PATIENCE: Patience = Patience { tries: 2, answer: Duration::from_millis(60), run: Duration::from_millis(60) };

/// A board that calls `script` with the count of each frame that it read, from 0, its number and its request; what the script
/// gives is written.
fn board(mut script: impl FnMut(usize, Number, &Request) -> Vec<Vec<u8>> + Send + 'static) -> Result<Link> {
    let (mut at_board, to_board) = std::io::pipe()?;
    let (from_board, mut board_out) = std::io::pipe()?;
    std::thread::spawn(move || {
        let (mut inbox, mut count) = (Inbox::default(), 0);
        while let Some(byte) = next(&mut at_board) {
            let Some(frame) = inbox.push(byte) else { continue };
            let Ok((number, request)) = decode_request(frame) else { continue };
            for answer in script(count, number, &request) {
                if std::io::Write::write_all(&mut board_out, &answer).is_err() {
                    return;
                }
            }
            count += 1;
        }
    });
    Ok(Link::new(from_board, to_board).with_patience(PATIENCE))
}

fn next(pipe: &mut PipeReader) -> Option<u8> {
    let mut byte = [0];
    std::io::Read::read_exact(pipe, &mut byte).ok().map(|()| byte[0])
}

fn answer(number: Number, response: &Response) -> Vec<u8> {
    encode_response(number, response, &mut [0; FRAME_BYTES]).expect("fits a frame").to_vec()
}

fn memory(bytes: u32) -> Response<'static> {
    Response::Memory(Memory { stack_high_water_bytes: bytes, ..Memory::default() })
}

fn high_water(link: &mut Link) -> String {
    link.memory().map_or_else(|error| format!("{error:#}"), |memory| memory.stack_high_water_bytes.to_string())
}

#[test]
fn a_board_that_goes_silent_is_said_to_hang() -> Result<()> {
    let mut link = board(|count, number, _| if count == 0 { vec![answer(number, &memory(1))] } else { vec![] })?;
    assert_eq!(high_water(&mut link), "1");
    assert_eq!(
        high_water(&mut link),
        "the board did not answer memory in 2 tries of 0.06 s (0 damaged): it hangs, or its line is cut; see that it is \
         powered and its image runs, reset it, and try again"
    );
    Ok(())
}

#[test]
fn a_board_that_hangs_in_a_run_is_named_with_the_request() -> Result<()> {
    let stores = |_, number, request: &Request| match request {
        Request::Pixels { .. } => vec![answer(number, &Response::Stored)],
        _ => vec![],
    };
    let error = board(stores)?.infer(&[0; 400]).expect_err("it hangs").to_string();
    assert!(error.starts_with("the board did not answer infer in 2 tries of 0.06 s"), "{error}");
    Ok(())
}

#[test]
fn a_board_that_restarts_midway_is_found_out() -> Result<()> {
    let mut gate = Gate::default();
    let mut link = board(move |count, number, request| {
        if count == 2 {
            gate = Gate::default();
        }
        match gate.admit(number, *request == Request::Hello || count == 0) {
            Admission::Serve => vec![answer(number, &Response::Stored)],
            Admission::Stranger => vec![answer(number, &Response::Stranger)],
            Admission::Stale => vec![],
        }
    })?;
    let error = link.infer(&[0; 3 * 192]).expect_err("it restarts").to_string();
    assert_eq!(
        error,
        "the board restarted before it answered a part of an image, or another program talks to it: see to its power, close \
         what else uses its line, and try again"
    );
    Ok(())
}

#[test]
fn a_late_answer_is_not_taken_for_the_next_ones() -> Result<()> {
    let mut late = Vec::new();
    let mut link = board(move |count, number, _| {
        let now = answer(number, &memory(10 + count as u32));
        match count {
            // Both tries of the first request are answered with the second request's answer.
            0 | 1 => {
                late.push(now);
                vec![]
            }
            _ => late.drain(..).chain([now.clone(), now]).collect(),
        }
    })?;
    assert!(high_water(&mut link).starts_with("the board did not answer memory"));
    assert_eq!(high_water(&mut link), "12");
    assert_eq!(high_water(&mut link), "13");
    Ok(())
}

#[test]
fn a_lost_and_a_damaged_answer_are_asked_for_again() -> Result<()> {
    let mut link = board(|count, number, _| match count {
        0 => vec![],
        1 => vec![answer(Number::default(), &Response::Damaged)],
        2 => vec![vec![7, 7, 7, 0]],
        _ => vec![answer(number, &memory(5))],
    })?;
    assert_eq!(high_water(&mut link), "5");
    Ok(())
}

#[test]
fn complaints_do_not_add_up_on_a_line_with_noise_before_each_frame() -> Result<()> {
    let mut link = board(|count, number, _| {
        vec![answer(Number::default(), &Response::Damaged), answer(number, &memory(count as u32))]
    })?;
    for _ in 0..40 {
        assert!(high_water(&mut link).parse::<u32>().is_ok());
    }
    Ok(())
}

#[test]
fn a_line_that_damages_everything_is_said_so() -> Result<()> {
    let error = high_water(&mut board(|_, _, _| vec![vec![7, 7, 7, 0]])?);
    assert!(error.starts_with("memory or its answer was damaged 16 times: see to the line"), "{error}");
    Ok(())
}

#[test]
fn a_line_that_is_closed_is_said_so() -> Result<()> {
    let (from_board, _) = std::io::pipe()?;
    let error = high_water(&mut Link::new(from_board, std::io::sink()));
    assert_eq!(error, "the board's line was closed before it answered memory: it or its emulator stopped");
    Ok(())
}
