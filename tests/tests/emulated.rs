//! Networks on the emulated boards: the chip's binary answers byte for byte what it must, in the memory that was planned.

use anyhow::{Context, Result};
use secateur::export::export;
use secateur::quantize::IntegerNetwork;
use secateur::rig::emulated::Emulated;
use secateur::rig::firmware::{self, Profile};
use secateur::rig::{board_memory, image};
use secateur_boards::BoardSpec;
use secateur_firmware::Engine;
use secateur_shared::{Refusal, memory};
use secateur_tests::case;
use secateur_tests::untrained::{Noise, untrained};
use std::collections::BTreeSet;
use std::ffi::OsString;
use tempfile::TempDir;

/// Every board that has an emulator, and the clock that it says it runs at there: QEMU has no crystal.
const BOARDS: [(&str, u32); 2] = [("netduinoplus2", 16_000_000), ("pico", 125_000_000)];
/// The one that is quick.
const BOARD: &str = BOARDS[0].0;

/// Runs a network on the board: its last layer's output for each input, after the checks that hold for every network.
fn on_board((board, clock_hz): (&str, u32), network: &IntegerNetwork, inputs: &[Vec<i8>]) -> Result<Vec<Vec<i8>>> {
    let blob = export(network)?;
    let linked = Linked::new(board, network, &firmware::operators(network.table()), blob.bytes())?;
    let link = &mut linked.start(&[])?.link;
    let greeting = link.hello()?;
    assert_eq!((&*greeting.board, greeting.model), (board, Ok(blob.model()?.identity())));
    assert_eq!(greeting.clock_hz, clock_hz);
    let outputs = inputs.iter().map(|input| link.infer(input)).collect::<Result<_>>()?;
    let stack = link.memory()?;
    assert!(stack.stack_high_water_bytes <= stack.stack_reserve_bytes, "{stack:?}");
    Ok(outputs)
}

/// A board, and the folder of the image that it runs.
struct Linked {
    board: BoardSpec,
    folder: TempDir,
}

impl Linked {
    /// A firmware with these operators and this blob, which takes what was planned for the network.
    fn new(board: &str, network: &IntegerNetwork, operators: &BTreeSet<&str>, blob: &[u8]) -> Result<Self> {
        let board = secateur_boards::find(board)?;
        let built = firmware::build(&board, Profile::Firmware, operators)?;
        let plan = memory::plan(network.table(), built.footprint, &board_memory(&board))?;
        let image = image::link(&built, blob, (&plan).into())?;
        let linked = image::measure(&image, &board)?;
        assert_eq!((plan.flash_bytes, plan.ram_bytes), (linked.flash_bytes, linked.ram_bytes), "planned and linked");
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("image.elf"), image)?;
        Ok(Self { board, folder })
    }

    fn start(&self, words: &[OsString]) -> Result<Emulated> {
        Emulated::start_with(&self.board, &self.folder.path().join("image.elf"), words)
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
    let expected = on_desk(&network, &inputs)?;
    for board in BOARDS {
        assert_eq!(on_board(board, &network, &inputs)?, expected, "{board:?}");
    }
    Ok(())
}

#[test]
fn what_cannot_be_emulated_links_as_planned() -> Result<()> {
    let network = untrained()?;
    for board in secateur_boards::all()? {
        let is_run = BOARDS.iter().any(|(name, _)| *name == board.name);
        assert_eq!(is_run, board.emulator.is_some(), "{}", board.name);
        if !is_run {
            Linked::new(&board.name, &network, &firmware::operators(network.table()), export(&network)?.bytes())?;
        }
    }
    Ok(())
}

#[test]
fn a_pico_without_a_crystal_starts_and_says_so() -> Result<()> {
    let network = untrained()?;
    let linked = Linked::new("pico", &network, &firmware::operators(network.table()), export(&network)?.bytes())?;
    assert_eq!(linked.start(&["--no-crystal".into()])?.link.hello()?.clock_hz, 6_500_000);
    Ok(())
}

#[test]
fn golden_networks_answer_as_tensorflow_lite_micro() -> Result<()> {
    for case in case::cases_of("network")? {
        for board in BOARDS {
            let found = on_board(board, &case.network()?, std::slice::from_ref(&case.input));
            let found = found.with_context(|| format!("{} on {}", case.name, board.0))?;
            assert_eq!(found.first(), case.expected.last(), "{} on {}", case.name, board.0);
        }
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
        let linked = Linked::new(BOARD, &network, operators, blob)?;
        let mut running = linked.start(&[])?;
        assert_eq!(running.link.hello()?.model, Err(refusal));
        let answer = running.link.infer(&[0]).expect_err("no model, no inference");
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
