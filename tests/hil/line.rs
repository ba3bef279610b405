//! A line that damages, loses, doubles or brings back frames changes no answer.

use crate::faults::{answer, frame, read, through};
use crate::place::{Running, input, on_every_board};
use anyhow::Result;
use secateur_shared::wire::{Number, Request};

/// Says hello, runs the network twice and compares the logits, on a line on which `change` says what is written in
/// place of the desk's frames, counted from 0.
fn survives(change: impl Fn(usize, &[u8]) -> Vec<Vec<u8>> + Copy + Send + Sync + 'static) -> Result<()> {
    on_every_board(|bench| {
        let mut board = Running::start(bench, &bench.image()?)?;
        let mut count = 0;
        through(board.link(), move |frame| {
            count += 1;
            change(count - 1, frame)
        });
        board.link().hello()?;
        for _ in 0..2 {
            assert_eq!(board.link().infer(&input())?, bench.on_desk(&input())?.0);
        }
        Ok(())
    })
}

#[test]
fn frames_that_are_damaged_or_cut_short_are_asked_for_again() -> Result<()> {
    survives(|count, frame| {
        let mut frame = frame.to_vec();
        let at = frame.len() / 2;
        match count % 4 {
            // No byte of a frame but the last is 0.
            0 => frame[at] = if frame[at] == 1 { 2 } else { 1 },
            2 => drop(frame.drain(at..frame.len() - 1)),
            _ => {}
        }
        vec![frame]
    })
}

#[test]
fn a_frame_that_is_lost_is_sent_again_after_a_while() -> Result<()> {
    survives(|count, frame| if count == 3 { vec![] } else { vec![frame.to_vec()] })
}

#[test]
fn a_frame_that_comes_twice_is_answered_once() -> Result<()> {
    survives(|_, frame| vec![frame.to_vec(), frame.to_vec()])
}

#[test]
fn noise_between_frames_is_not_taken_for_one() -> Result<()> {
    survives(|count, frame| vec![vec![count as u8 + 1; 300], vec![0, 0, 3, 0], frame.to_vec()])
}

#[test]
fn a_frame_that_comes_back_late_changes_nothing() -> Result<()> {
    survives(|count, asked| {
        let number = read(asked, |number, _| number);
        let earlier = Number { sequence: number.sequence.wrapping_sub(2), ..number };
        // An image's first part, from a while ago.
        let late = if count > 2 { frame(earlier, &[1, 0, 0, 0, 0, 77, 77, 77]) } else { vec![] };
        vec![asked.to_vec(), late]
    })
}

#[test]
fn a_run_that_is_asked_for_again_answers_from_what_it_has() -> Result<()> {
    on_every_board(|bench| {
        let mut board = Running::start(bench, &bench.image()?)?;
        let link = board.link();
        // The first answer is passed over, as it has the number of the request before.
        through(link, |asked| {
            let first = read(asked, |number, request| {
                let before = Number { sequence: number.sequence - 1, ..number };
                (request == Request::Infer).then(|| frame(before, &[2]))
            });
            first.into_iter().chain([asked.to_vec()]).collect()
        });
        link.hello()?;
        assert_eq!(link.infer(&input())?, bench.on_desk(&input())?.0);
        assert!(answer(link, &[4, 0]).starts_with("Refused(Image)"), "a profile needs an image");
        Ok(())
    })
}
