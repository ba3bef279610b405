//! CIFAR-10's binary files: records of one label byte and three 32x32 planes (red, green, blue).

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::files::{find, read_maybe_gzip};
use super::{DataSet, Images, Shape};

const SHAPE: Shape = Shape { height: 32, width: 32, channels: 3 };
const PLANE: usize = 32 * 32;
const RECORD: usize = 1 + 3 * PLANE;
const CLASSES: usize = 10;

/// The folder that holds the batches: `folder`, or the one that the published archive unpacks to.
pub(super) fn folder_in(folder: &Path) -> Option<PathBuf> {
    [folder.to_owned(), folder.join("cifar-10-batches-bin")]
        .into_iter()
        .find(|folder| find(folder, "data_batch_1.bin").is_some())
}

/// Loads CIFAR-10; the last tenth of the training images validates (5,000 of 50,000).
pub(super) fn load(folder: &Path) -> Result<DataSet> {
    let mut training = Images { shape: SHAPE, pixels: Vec::new(), labels: Vec::new() };
    for batch in 1..=5 {
        append(&mut training, folder, &format!("data_batch_{batch}.bin"))?;
    }
    let mut test = Images { shape: SHAPE, pixels: Vec::new(), labels: Vec::new() };
    append(&mut test, folder, "test_batch.bin")?;
    let (train, validation) = training.split(training.len() - training.len() / 10);
    DataSet::checked("cifar10", CLASSES, train, validation, test)
}

fn append(images: &mut Images, folder: &Path, name: &str) -> Result<()> {
    let path = find(folder, name).with_context(|| format!("{} has no {name}: put it there", folder.display()))?;
    let bytes = read_maybe_gzip(&path)?;
    parse(&bytes, images).with_context(|| path.display().to_string())
}

/// Adds the records of one batch, planes turned to HWC.
fn parse(bytes: &[u8], images: &mut Images) -> Result<()> {
    ensure!(
        bytes.len().is_multiple_of(RECORD) && !bytes.is_empty(),
        "CIFAR-10 records are {RECORD} bytes, the file has {} bytes, {} too many: it is cut or damaged, fetch it again",
        bytes.len(),
        bytes.len() % RECORD
    );
    for (index, record) in bytes.chunks_exact(RECORD).enumerate() {
        ensure!(
            usize::from(record[0]) < CLASSES,
            "record {index} has label {}, CIFAR-10 has labels 0 to 9: the file is damaged (or is CIFAR-100), fetch it again",
            record[0]
        );
        images.labels.push(record[0]);
        let planes = &record[1..];
        images.pixels.extend((0..PLANE).flat_map(|at| [planes[at], planes[PLANE + at], planes[2 * PLANE + at]]));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn parsed(bytes: &[u8]) -> Result<Images> {
        let mut images = Images { shape: SHAPE, pixels: Vec::new(), labels: Vec::new() };
        parse(bytes, &mut images).map(|()| images)
    }

    #[test]
    fn planes_become_interleaved_pixels() {
        let mut record = vec![7];
        record.extend([vec![1; PLANE], vec![2; PLANE], vec![3; PLANE]].concat());
        let images = parsed(&record).unwrap();
        assert_eq!(images.labels, [7]);
        assert_eq!(images.image(0)[..6], [1, 2, 3, 1, 2, 3]);
    }

    #[test]
    fn a_cut_batch_and_a_wrong_label_are_refused() {
        assert!(parsed(&[0; RECORD + 5]).unwrap_err().to_string().contains("5 too many"));
        assert!(parsed(&[10; RECORD]).unwrap_err().to_string().contains("label 10"));
    }
}
