//! Networks on the emulated board: the chip's binary answers byte for byte what it must, in the memory that was planned.

use anyhow::{Context, Result};
use secateur::export::export;
use secateur::quantize::IntegerNetwork;
use secateur::rig::firmware::{self, Profile};
use secateur::rig::qemu::Qemu;
use secateur::rig::{board_memory, image};
use secateur_firmware::Engine;
use secateur_shared::{Refusal, memory};
use secateur_tests::case;
use secateur_tests::untrained::{Noise, untrained};
use std::collections::BTreeSet;
use tempfile::TempDir;

const BOARD: &str = "netduinoplus2";

/// Runs a network on the board: its last layer's output for each input, after the checks that hold for every network.
fn on_board(network: &IntegerNetwork, inputs: &[Vec<i8>]) -> Result<Vec<Vec<i8>>> {
    let blob = export(network)?;
    let mut running = Running::start(network, &firmware::operators(network.table()), blob.bytes())?;
    let link = &mut running.qemu.link;
    let greeting = link.hello()?;
    assert_eq!((&*greeting.board, greeting.model), (BOARD, Ok(blob.model()?.identity())));
    let outputs = inputs.iter().map(|input| link.infer(input)).collect::<Result<_>>()?;
    let stack = link.memory()?;
    assert!(stack.stack_high_water_bytes <= stack.stack_reserve_bytes, "{stack:?}");
    Ok(outputs)
}

/// An emulated board, and the folder of the image that it runs.
struct Running {
    qemu: Qemu,
    _folder: TempDir,
}

impl Running {
    /// Starts a firmware with these operators on this blob, which takes what was planned for the network.
    fn start(network: &IntegerNetwork, operators: &BTreeSet<&str>, blob: &[u8]) -> Result<Self> {
        let board = secateur_boards::find(BOARD)?;
        let built = firmware::build(&board, Profile::Firmware, operators)?;
        let plan = memory::plan(network.table(), built.footprint, &board_memory(&board))?;
        let image = image::link(&built, blob, plan.arena_bytes)?;
        let linked = image::measure(&image, &board)?;
        assert_eq!((plan.flash_bytes, plan.ram_bytes), (linked.flash_bytes, linked.ram_bytes), "planned and linked");
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("image.elf");
        std::fs::write(&path, image)?;
        Ok(Self { qemu: Qemu::start(&board, &path)?, _folder: folder })
    }
}

/// The last layer's output for each input, on the desk.
fn on_desk(network: &IntegerNetwork, inputs: &[Vec<i8>]) -> Result<Vec<Vec<i8>>> {
    let blob = export(network)?;
    let mut arena = vec![0; blob.model()?.arena_bytes() as usize];
    let mut engine = Engine::new(blob.model()?, &mut arena)?;
    let run = |input: &Vec<i8>| {
        engine.input_hwc().copy_from_slice(input);
        engine.infer().to_vec()
    };
    Ok(inputs.iter().map(run).collect())
}

#[test]
fn an_untrained_network_answers_as_on_the_desk() -> Result<()> {
    let network = untrained()?;
    let noise = &mut Noise(2);
    let inputs: Vec<Vec<i8>> = (0..3).map(|_| noise.bytes(28 * 28)).collect();
    assert_eq!(on_board(&network, &inputs)?, on_desk(&network, &inputs)?);
    Ok(())
}

#[test]
fn golden_networks_answer_as_tensorflow_lite_micro() -> Result<()> {
    for case in case::cases_of("network")? {
        let found = on_board(&case.network()?, std::slice::from_ref(&case.input)).with_context(|| case.name.clone())?;
        assert_eq!(found.first(), case.expected.last(), "{}", case.name);
    }
    Ok(())
}

#[test]
fn a_board_names_what_is_wrong_with_its_model() -> Result<()> {
    let network = untrained()?;
    let blob = export(&network)?;
    let operators = firmware::operators(network.table());
    let mut damaged = blob.bytes().to_vec();
    damaged[100] ^= 1;
    let without_convolution = operators.iter().copied().filter(|operator| *operator != "conv2d").collect();
    for (operators, blob, refusal) in
        [(&operators, &damaged[..], Refusal::Checksum), (&without_convolution, blob.bytes(), Refusal::Operator(0))]
    {
        let mut running = Running::start(&network, operators, blob)?;
        assert_eq!(running.qemu.link.hello()?.model, Err(refusal));
        let answer = running.qemu.link.infer(&[0]).expect_err("no model, no inference");
        assert_eq!(answer.to_string(), format!("the board refuses: {refusal}"));
    }
    Ok(())
}

#[test]
fn firmwares_built_side_by_side_do_not_mix() -> Result<()> {
    let board = secateur_boards::find(BOARD)?;
    let all: BTreeSet<&str> = ["conv2d", "linear", "max-pool2d"].into();
    let few: BTreeSet<&str> = ["linear"].into();
    let code_bytes = |operators: &BTreeSet<&str>| -> Result<u32> {
        Ok(firmware::build(&board, Profile::Firmware, operators)?.footprint.code_bytes)
    };
    let alone = (code_bytes(&all)?, code_bytes(&few)?);
    assert_ne!(alone.0, alone.1);
    let again = |operators: &BTreeSet<&str>| (0..20).map(|_| code_bytes(operators)).collect::<Result<Vec<_>>>();
    std::thread::scope(|scope| {
        let beside = scope.spawn(|| again(&few));
        assert_eq!(again(&all)?, [alone.0; 20]);
        assert_eq!(beside.join().expect("no panic")?, [alone.1; 20]);
        Ok(())
    })
}
