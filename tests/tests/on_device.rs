//! The cases in `firmware/tests/cases` are golden ones: the smallest of each folder that a small chip's arena holds.
//!
//! After a change that is meant: `SECATEUR_BLESS=1 cargo test --release -p secateur-tests --test on_device`

use anyhow::{Context, Result};
use secateur_tests::case::{self, Case};
use std::path::{Path, PathBuf};

/// The folders of `tests/golden` that are tried on a chip; a reshape computes nothing.
const FOLDERS: [&str; 8] =
    ["add", "average_pool2d", "conv2d", "depthwise_conv2d", "linear", "max_pool2d", "network", "softmax"];
/// What `firmware/tests/on_device.rs` has for tensors.
const ARENA_BYTES: u32 = 8 * 1024;

fn file(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware/tests/cases").join(folder).with_extension("bin")
}

/// A case as the chip takes it: the lengths of blob, input and outputs and a 0, 4 bytes each, then these three, each filled up to a
/// multiple of 16.
fn bytes(case: &Case) -> Result<Vec<u8>> {
    let signed = |values: &[i8]| values.iter().map(|value| value.cast_unsigned()).collect::<Vec<u8>>();
    // The engine shows what it writes, which is not the output of a convolution that pools.
    let expected: Vec<i8> = case.outputs()?.iter().flat_map(|(layer, _)| case.expected[*layer].clone()).collect();
    let parts = [case.blob()?.bytes().to_vec(), signed(&case.input), signed(&expected)];
    let mut bytes: Vec<u8> = parts.iter().map(|part| part.len() as u32).chain([0]).flat_map(u32::to_le_bytes).collect();
    for part in parts {
        bytes.extend(part);
        bytes.resize(bytes.len().next_multiple_of(16), 0);
    }
    Ok(bytes)
}

/// The shortest case of a folder.
fn smallest(folder: &str) -> Result<Vec<u8>> {
    let cases = case::cases_of(folder)?;
    let mut fitting = Vec::new();
    for case in &cases {
        if case.blob()?.model()?.arena_bytes() <= ARENA_BYTES {
            fitting.push(bytes(case)?);
        }
    }
    fitting.into_iter().min_by_key(Vec::len).context("a case that fits")
}

#[test]
fn the_chips_cases_are_golden_ones() -> Result<()> {
    for folder in FOLDERS {
        let (expected, file) = (smallest(folder)?, file(folder));
        if std::env::var_os("SECATEUR_BLESS").is_some() {
            std::fs::write(&file, &expected)?;
        }
        assert!(std::fs::read(&file).is_ok_and(|found| found == expected), "{} is not: bless it", file.display());
    }
    Ok(())
}
