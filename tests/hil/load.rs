//! A model sent into a board's RAM runs there (`--load ram`).

use crate::faults::{frame, read, through};
use crate::place::{Running, input, on_every_board};
use anyhow::Result;
use secateur_shared::Refusal;
use secateur_shared::wire::Request;
use std::mem;

#[test]
fn a_model_runs_from_ram_on_a_board_with_none_in_flash() -> Result<()> {
    on_every_board(|bench| {
        let mut board = Running::start(bench, &bench.image_of(&[0xFF; 16])?)?;
        let link = board.link();
        let greeting = link.hello()?;
        assert_eq!((greeting.model, greeting.free_bytes), (Err(Refusal::NoModel), greeting.arena_bytes));
        link.load(&bench.blob)?;
        assert_eq!(link.hello()?.model, Ok(bench.blob.model()?.identity()));
        assert_eq!(link.infer(&input())?, bench.on_desk(&input())?.0);
        let memory = link.memory()?;
        assert!(memory.stack_high_water_bytes <= memory.stack_reserve_bytes, "{memory:?}");
        assert_eq!(memory.arena_used_bytes, bench.blob.model()?.arena_bytes());
        let error = link.load(&bench.blob).expect_err("RAM is full").to_string();
        assert!(error.ends_with("B of RAM, the board has 0 B free: flash it, or prune to less"), "{error}");
        Ok(())
    })
}

#[test]
fn a_model_that_came_corrupt_is_refused_and_the_one_in_flash_goes_on() -> Result<()> {
    on_every_board(|bench| {
        let mut board = Running::start(bench, &bench.image()?)?;
        let link = board.link();
        link.hello()?;
        // On the way from disk, say: the frame's checksum is that of what it carries.
        let mut wrong = true;
        through(link, move |asked| {
            let corrupt = read(asked, |number, request| match request {
                Request::Load { offset: 384, bytes } if mem::take(&mut wrong) => {
                    let mut message = [&[5][..], &384_u32.to_le_bytes(), bytes].concat();
                    message[100] ^= 0x10;
                    Some(frame(number, &message))
                }
                _ => None,
            });
            vec![corrupt.unwrap_or_else(|| asked.to_vec())]
        });
        let error = link.load(&bench.blob).expect_err("a bit is wrong").to_string();
        assert_eq!(error, format!("the board refuses: {}", Refusal::Checksum));
        assert_eq!(link.infer(&input())?, bench.on_desk(&input())?.0);
        link.load(&bench.blob)?;
        assert_eq!(link.hello()?.free_bytes, 0);
        assert_eq!(link.infer(&input())?, bench.on_desk(&input())?.0);
        Ok(())
    })
}
