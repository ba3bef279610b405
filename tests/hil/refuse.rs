//! What a board cannot do it refuses by name, and goes on.

use crate::faults::{answer, frame, read, through};
use crate::place::{Running, VALUES, input, on_every_board};
use anyhow::{Context, Result};
use secateur_shared::Refusal;
use secateur_tests::bench::Bench;
use secateur_tests::case;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Starts a board with a model that it cannot run.
fn check_refused(bench: &Bench, model: &[u8], refusal: Refusal) -> Result<()> {
    let mut board = Running::start(bench, &bench.image_of(model)?)?;
    assert_eq!(board.link().hello()?.model, Err(refusal));
    let error = board.link().infer(&[0]).expect_err("no model, no inference").to_string();
    assert_eq!(error, format!("the board refuses: {refusal}"));
    assert!(answer(board.link(), &[4, 0]).starts_with(&format!("Refused({refusal:?})")));
    Ok(())
}

#[test]
fn a_model_that_it_cannot_run() -> Result<()> {
    let softmax = case::cases_of("softmax")?.into_iter().next().context("a case")?.blob()?;
    on_every_board(|bench| {
        let mut damaged = bench.blob.bytes().to_vec();
        damaged[100] ^= 1;
        check_refused(bench, &damaged, Refusal::Checksum)?;
        let mut newer = bench.blob.bytes().to_vec();
        newer[4] = 99;
        check_refused(bench, &newer, Refusal::FormatVersion(99))?;
        // Its firmware has a small VGG's operators.
        check_refused(bench, softmax.bytes(), Refusal::Operator(0))
    })
}

#[test]
fn an_image_that_is_too_long() -> Result<()> {
    on_every_board(|bench| {
        let mut board = Running::start(bench, &bench.image()?)?;
        board.link().hello()?;
        let error = board.link().infer(&[0; VALUES + 1]).expect_err("a value too many").to_string();
        assert_eq!(error, format!("the board refuses: {}", Refusal::Input));
        assert_eq!(board.link().infer(&input())?, bench.on_desk(&input())?.0);
        Ok(())
    })
}

#[test]
fn a_model_for_ram_that_is_too_long_or_is_none() -> Result<()> {
    on_every_board(|bench| {
        let mut board = Running::start(bench, &bench.image()?)?;
        let link = board.link();
        let available_bytes = link.hello()?.free_bytes;
        let load = |offset: u32, bytes: &[u8]| [&[5][..], &offset.to_le_bytes(), bytes].concat();
        let start = |bytes: u32| [&[6][..], &bytes.to_le_bytes(), &[0; 4]].concat();
        let room = |needed_bytes| format!("Refused({:?})", Refusal::Room { needed_bytes, available_bytes });
        assert_eq!(answer(link, &load(available_bytes - 3, b"four")), room(available_bytes + 1));
        assert_eq!(answer(link, &load(u32::MAX, b"four")), room(u32::MAX));
        assert_eq!(answer(link, &start(available_bytes + 1)), room(available_bytes + 1));
        assert_eq!(answer(link, &load(0, &[0; 16])), "Stored");
        assert_eq!(answer(link, &start(16)), format!("Refused({:?})", Refusal::NoModel));
        assert_eq!(link.infer(&input())?, bench.on_desk(&input())?.0);
        Ok(())
    })
}

/// No kind, one that there is not, and lengths that are not their kind's.
const MESSAGES: [&[u8]; 8] =
    [&[], &[7], &[255, 1, 2], &[0, 0], &[1, 0, 0, 0], &[2, 1], &[4], &[6, 1, 0, 0, 0, 1, 0, 0]];

#[test]
fn a_message_of_no_known_kind_or_of_a_wrong_length() -> Result<()> {
    on_every_board(|bench| {
        let mut board = Running::start(bench, &bench.image()?)?;
        board.link().hello()?;
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        through(board.link(), move |asked| {
            let index = count.fetch_add(1, Ordering::Relaxed);
            let number = read(asked, |number, _| number);
            vec![MESSAGES.get(index).map_or_else(|| asked.to_vec(), |message| frame(number, message))]
        });
        board.link().memory()?;
        // Each was answered `damaged`, so the request was sent again, and at last understood.
        assert_eq!(asked.load(Ordering::Relaxed), MESSAGES.len() + 1);
        Ok(())
    })
}
