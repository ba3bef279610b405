//! The data set inside the repository: a part of Fashion-MNIST, so that the first run downloads nothing.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use flate2::{Compression, GzBuilder};

use super::files::write_atomically;
use super::{Images, idx};

/// What the embedded data set is called.
pub(super) const NAME: &str = "mini-fashion";

const TRAIN: usize = 10_000;
const VALIDATION: usize = 2_000;

/// Where the embedded files lie.
pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join(NAME)
}

/// Writes the embedded data set's files to `target`, from the full Fashion-MNIST in `source`: the first 10,000
/// training images, the first 2,000 of the validation part, all test images.
pub(super) fn make(source: &Path, target: &Path) -> Result<()> {
    let full = idx::load(super::catalog::FASHION, source)?;
    ensure!(
        full.train.len() >= TRAIN && full.validation.len() >= VALIDATION,
        "{} has {} training and {} validation images, {NAME} needs {TRAIN} and {VALIDATION}: name the full data set",
        source.display(),
        full.train.len(),
        full.validation.len()
    );
    write_part(target, "train", &full.train.head(TRAIN))?;
    write_part(target, "validation", &full.validation.head(VALIDATION))?;
    write_part(target, "t10k", &full.test)
}

fn write_part(target: &Path, part: &str, images: &Images) -> Result<()> {
    let write = |name: String, bytes: Vec<u8>| write_atomically(&target.join(name), &gzip(&bytes)?);
    write(format!("{part}-images-idx3-ubyte.gz"), idx::encode_images(images))?;
    write(format!("{part}-labels-idx1-ubyte.gz"), idx::encode_labels(&images.labels))
}

/// Compressed as far as it goes, without a time stamp: the same images give the same file.
fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).context("cannot compress")
}
