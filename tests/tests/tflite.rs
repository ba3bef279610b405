//! Imported networks answer as TensorFlow Lite Micro does, byte for byte: tests/tflite/README.md.

use anyhow::{Context, Result, ensure};
use clap::Parser;
use secateur::cli::{self, Cli};
use secateur::failure::Failure;
use secateur::rig::target::Target;
use secateur::rig::{blob, infer};
use secateur::tflite::convert;
use serde::Deserialize;
use std::path::{Path, PathBuf};

const BOARD: &str = "netduinoplus2";

/// Inputs that a board gets: each takes it a while.
const BOARD_INPUTS: usize = 3;

/// What the oracle answered.
#[derive(Deserialize)]
struct Answers {
    outputs: Vec<Vec<i8>>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tflite")
}

/// The names of all networks.
fn names() -> Result<Vec<String>> {
    let files = std::fs::read_dir(folder())?.map(|entry| Ok(entry?.path()));
    let files = files.collect::<Result<Vec<PathBuf>>>()?;
    let networks = files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "tflite"));
    let mut names: Vec<String> =
        networks.filter_map(|path| path.file_stem()).map(|stem| stem.to_string_lossy().into_owned()).collect();
    names.sort();
    ensure!(!names.is_empty(), "no networks in {}", folder().display());
    Ok(names)
}

/// The inputs of a network, one after the other: the oracle's generator, whose seed is the CRC-32 of the name.
fn noise(name: &str, count: usize) -> Vec<i8> {
    let mut state = u64::from(crc32(name.as_bytes()));
    let step = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as i8
    };
    (0..count).map(step).collect()
}

/// zlib's CRC-32, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let bit = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| bit(crc)))
}

fn answers(name: &str) -> Result<Vec<Vec<i8>>> {
    let text = std::fs::read(folder().join(format!("{name}.json")))?;
    Ok(serde_json::from_slice::<Answers>(&text)?.outputs)
}

/// The first output that is not the oracle's.
fn difference(name: &str) -> Result<Option<String>> {
    let converted = convert(&std::fs::read(folder().join(format!("{name}.tflite")))?)?;
    let (model, expected) = (converted.blob.model()?, answers(name)?);
    let values = model.input().shape.bytes().context("an input")? as usize;
    let found = infer::on_desk(&model, &noise(name, values * expected.len()))?;
    let each = expected[0].len();
    let mut pairs = expected.iter().zip(found.chunks(each)).enumerate();
    ensure!(found.len() == each * expected.len(), "{name}: {} outputs for {}", found.len(), expected.len());
    let different = pairs.find(|(_, (expected, found))| expected[..] != **found);
    Ok(different.map(|(input, (expected, found))| format!("{name}, input {input}: {found:?}, expected {expected:?}")))
}

#[test]
fn every_network_answers_as_tensorflow_lite_micro() -> Result<()> {
    let mut differences = Vec::new();
    for name in names()? {
        differences.extend(difference(&name).with_context(|| name.clone())?);
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    Ok(())
}

/// Imports a network, runs it on the board by the verb `infer`, and compares the outputs.
fn check_on_board(name: &str) -> Result<()> {
    let place = tempfile::tempdir()?;
    let (path, input, output) = (place.path().join("blob"), place.path().join("in"), place.path().join("out"));
    let converted = convert(&std::fs::read(folder().join(format!("{name}.tflite")))?)?;
    std::fs::write(&path, converted.blob.bytes())?;
    let expected = answers(name)?[..BOARD_INPUTS].concat();
    let values = blob::read(&path)?.model()?.input().shape.bytes().context("an input")? as usize;
    let bytes: Vec<u8> = noise(name, values * BOARD_INPUTS).into_iter().map(i8::cast_unsigned).collect();
    std::fs::write(&input, bytes)?;
    let target = Some(Target::parse(BOARD)?);
    infer::run(&infer::Request { blob: path, input, output: output.clone(), target })?;
    let found: Vec<i8> = std::fs::read(output)?.into_iter().map(u8::cast_signed).collect();
    assert_eq!(found, expected, "{name}");
    Ok(())
}

#[test]
fn a_board_answers_as_tensorflow_lite_micro() -> Result<()> {
    for name in ["person_detect", "speech", "sine", "residual", "means"] {
        check_on_board(name).with_context(|| name.to_owned())?;
    }
    Ok(())
}

/// Runs a command line in a folder of its own, which has a network, its blob, inputs, and files that are none.
fn words(words: &[&str]) -> Result<(tempfile::TempDir, Result<()>)> {
    let place = tempfile::tempdir()?;
    let network = std::fs::read(folder().join("sine.tflite"))?;
    let blob = convert(&network)?.blob;
    let files: [(&str, &[u8]); 6] = [
        ("sine.tflite", &network),
        ("cut.tflite", &network[..network.len() / 2]),
        ("sine.onnx", &network),
        ("blob", blob.bytes()),
        ("cut", &blob.bytes()[..100]),
        ("none", &[]),
    ];
    for (name, bytes) in files {
        std::fs::write(place.path().join(name), bytes)?;
    }
    std::fs::write(place.path().join("inputs"), [0, 1, 255])?;
    let is_file =
        |word: &str| files.iter().any(|(name, _)| *name == word) || ["inputs", "out", "absent"].contains(&word);
    let word = |word: &&str| if is_file(word) { place.path().join(word).into() } else { (*word).into() };
    let line: Vec<std::ffi::OsString> = ["xtask"].iter().chain(words).map(word).collect();
    let result = cli::run(Cli::try_parse_from(line)?);
    Ok((place, result))
}

#[test]
fn the_verbs_write_a_blob_and_its_outputs() -> Result<()> {
    let (place, result) = words(&["import", "sine.tflite", "--output", "out"])?;
    result?;
    assert!(blob::read(&place.path().join("out")).is_ok());
    let (place, result) = words(&["infer", "blob", "--input", "inputs", "--output", "out"])?;
    result?;
    assert_eq!(std::fs::read(place.path().join("out"))?.len(), 3);
    Ok(())
}

#[test]
fn what_cannot_be_run_is_refused_and_nothing_is_written() -> Result<()> {
    let infer = |blob, input| ["infer", blob, "--input", input, "--output", "out"];
    for (line, exit_code, says) in [
        (&["import", "sine.onnx", "--output", "out"][..], 2, "is of no kind that is read here"),
        (&["import", "absent", "--output", "out"], 2, "is of no kind that is read here"),
        (&["import", "cut.tflite", "--output", "out"], 1, "it is cut off or damaged, or no network"),
        (&infer("absent", "inputs"), 1, "cannot read"),
        (&infer("blob", "absent"), 1, "cannot read"),
        (&infer("blob", "none"), 2, "has 0 bytes: write inputs of 1 bytes each, at least one"),
        (&infer("cut", "inputs"), 1, "is no blob that runs here: the blob is cut off"),
        (&infer("sine.tflite", "inputs"), 1, "is no blob that runs here: no model here"),
        (&["verify", "--blob", "blob", "--images", "all"], 2, "write how many inputs"),
        (&["verify", "--blob", "blob", "--board", "none-such"], 2, "netduinoplus2"),
        (&["bench", "--blob", "cut"], 1, "is no blob that runs here"),
    ] {
        let (place, result) = words(line)?;
        let error = result.expect_err("refused");
        let message = format!("{error:#}");
        assert!(message.contains(says), "{line:?}: {message}");
        assert_eq!(error.downcast_ref::<Failure>().map_or(1, Failure::exit_code), exit_code, "{message}");
        assert!(!place.path().join("out").exists(), "{line:?}");
    }
    Ok(())
}
