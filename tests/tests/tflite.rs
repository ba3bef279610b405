//! Imported networks answer as TensorFlow Lite Micro does, byte for byte: tests/tflite/README.md.

use anyhow::{Context, Result, ensure};
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
    let board = Some(secateur_boards::find(BOARD)?);
    infer::run(&infer::Request { blob: path, input, output: output.clone(), board })?;
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
