//! A board's memory is what was planned, and its stack stays in its reserve.

use crate::place::{Running, input, on_every_board};
use anyhow::Result;

#[test]
fn the_stack_stays_in_its_reserve_and_the_arena_is_as_planned() -> Result<()> {
    on_every_board(|bench| {
        let mut board = Running::start(bench, &bench.image()?)?;
        board.link().hello()?;
        board.link().infer(&input())?;
        let model = bench.blob.model()?;
        board.link().profile(&input(), model.layers())?;
        let memory = board.link().memory()?;
        println!("{}: {memory:?}", bench.board.name);
        assert_eq!(memory.stack_reserve_bytes, bench.board.stack_reserve_bytes);
        // A start and a run take some of it: paint that is all there was not looked at.
        assert!((100..=memory.stack_reserve_bytes).contains(&memory.stack_high_water_bytes), "{memory:?}");
        assert_eq!(memory.arena_used_bytes, model.arena_bytes());
        let variables = bench.plan.static_ram_bytes + bench.plan.weights_in_ram_bytes;
        assert_eq!(memory.static_ram_bytes, variables);
        let whole = memory.static_ram_bytes + memory.arena_bytes + memory.stack_reserve_bytes;
        assert_eq!(whole, bench.board.ram.bytes);
        Ok(())
    })
}
