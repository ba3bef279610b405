//! A board's logits are the desk's, and TensorFlow Lite Micro's.

use crate::place::{Running, VALUES, on_every_board};
use anyhow::{Context, Result};
use secateur::rig::firmware;
use secateur_tests::bench::Bench;
use secateur_tests::case::{self, Case};
use secateur_tests::untrained::Noise;
use std::collections::BTreeSet;

#[test]
fn logits_are_the_desks() -> Result<()> {
    on_every_board(|bench| {
        let mut board = Running::start(bench, &bench.image()?)?;
        board.link().hello()?;
        let noise = &mut Noise(2);
        for input in (0..3).map(|_| noise.bytes(VALUES)) {
            assert_eq!(board.link().infer(&input)?, bench.on_desk(&input)?.0);
        }
        Ok(())
    })
}

#[test]
fn golden_networks_answer_as_tensorflow_lite_micro() -> Result<()> {
    let cases = case::cases_of("network")?;
    let networks = cases.iter().map(Case::network).collect::<Result<Vec<_>>>()?;
    // One firmware for all.
    let operators: BTreeSet<&str> = networks.iter().flat_map(|network| firmware::operators(network.table())).collect();
    on_every_board(|bench| {
        for (case, network) in cases.iter().zip(&networks) {
            let bench = Bench::with_operators(bench.board.clone(), network, &operators)?;
            let mut board = Running::start(&bench, &bench.image()?)?;
            let found = board.link().hello().and_then(|_| board.link().infer(&case.input));
            assert_eq!(Some(&found.with_context(|| case.name.clone())?), case.expected.last(), "{}", case.name);
        }
        Ok(())
    })
}
