//! IDX files (MNIST and its family): a big-endian header, then bytes.
//! Magic 0x0803 and three sizes for images, magic 0x0801 and one size for labels.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::files::{find, read_maybe_gzip};
use super::{DataSet, Images, Shape};

const IMAGES_MAGIC: u32 = 0x0803;
const LABELS_MAGIC: u32 = 0x0801;

/// Whether a folder holds an IDX data set.
pub(super) fn is_in(folder: &Path) -> bool {
    find(folder, "train-images-idx3-ubyte").is_some()
}

/// Loads an IDX data set; where it brings no validation files, the last twelfth of the training images
/// validates (5,000 of 60,000).
pub(super) fn load(name: &str, folder: &Path) -> Result<DataSet> {
    let training = load_part(folder, "train")?;
    let (train, validation) = if find(folder, "validation-images-idx3-ubyte").is_some() {
        (training, load_part(folder, "validation")?)
    } else {
        training.split(training.len() - training.len() / 12)
    };
    let classes = count_classes(&train.labels).with_context(|| format!("{}: training labels", folder.display()))?;
    DataSet::checked(name, classes, train, validation, load_part(folder, "t10k")?)
}

/// One more than the highest label; every class below must occur.
fn count_classes(labels: &[u8]) -> Result<usize> {
    let mut seen = [false; 256];
    labels.iter().for_each(|&label| seen[usize::from(label)] = true);
    let classes = seen.iter().rposition(|&there| there).map_or(0, |highest| highest + 1);
    match seen[..classes].iter().position(|&there| !there) {
        Some(missing) => bail!(
            "label {} occurs but label {missing} never does: number the classes from 0 without gaps, or fetch the file again",
            classes - 1
        ),
        None => Ok(classes),
    }
}

/// Images and labels of one part (`train`, `validation` or `t10k`).
fn load_part(folder: &Path, part: &str) -> Result<Images> {
    let images = open(folder, &format!("{part}-images-idx3-ubyte"))?;
    let labels = open(folder, &format!("{part}-labels-idx1-ubyte"))?;
    let (shape, pixels) = parse_images(&images.1).with_context(|| images.0.clone())?;
    let labels_found = parse_labels(&labels.1).with_context(|| labels.0.clone())?;
    let count = pixels.len() / shape.values();
    ensure!(
        count == labels_found.len(),
        "{} holds {count} images but {} holds {} labels: take both files from the same data set",
        images.0,
        labels.0,
        labels_found.len()
    );
    Ok(Images { shape, pixels, labels: labels_found })
}

/// The name and the bytes of `name` or `name.gz`.
fn open(folder: &Path, name: &str) -> Result<(String, Vec<u8>)> {
    let Some(path) = find(folder, name) else {
        bail!("{} has no {name} and no {name}.gz: put the file there", folder.display());
    };
    Ok((path.display().to_string(), read_maybe_gzip(&path)?))
}

fn parse_images(bytes: &[u8]) -> Result<(Shape, Vec<u8>)> {
    let [count, height, width] = header(bytes, IMAGES_MAGIC, "images")?;
    ensure!(height > 0 && width > 0, "images of {height}x{width} pixels: this is no image file");
    let pixels = body(bytes, 16, &[count, height, width])?;
    Ok((Shape { height, width, channels: 1 }, pixels))
}

fn parse_labels(bytes: &[u8]) -> Result<Vec<u8>> {
    let [count] = header(bytes, LABELS_MAGIC, "labels")?;
    body(bytes, 8, &[count])
}

/// The sizes after the magic number.
fn header<const N: usize>(bytes: &[u8], magic: u32, what: &str) -> Result<[usize; N]> {
    ensure!(
        bytes.len() >= 4 + 4 * N,
        "an IDX {what} header is {} bytes, the file has {}: fetch it again",
        4 + 4 * N,
        bytes.len()
    );
    let word = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    ensure!(
        word(0) == magic,
        "an IDX file of {what} starts with {magic:#06x}, this one with {:#010x}: check that the file has the right name",
        word(0)
    );
    Ok(std::array::from_fn(|i| word(4 + 4 * i) as usize))
}

/// The bytes after the header, exactly as many as the sizes say.
fn body(bytes: &[u8], start: usize, sizes: &[usize]) -> Result<Vec<u8>> {
    let expected = sizes.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
    let found = bytes.len() - start;
    match expected {
        Some(expected) if expected == found => Ok(bytes[start..].to_vec()),
        Some(expected) => bail!(
            "the header promises {expected} bytes of data ({sizes:?}), the file has {found}: it is cut or damaged, fetch it again"
        ),
        None => bail!("the header's sizes {sizes:?} overflow: the file is damaged, fetch it again"),
    }
}

/// An IDX file of images (one channel).
pub(super) fn encode_images(images: &Images) -> Vec<u8> {
    let sizes = [images.len(), images.shape.height, images.shape.width];
    encode(IMAGES_MAGIC, &sizes, &images.pixels)
}

/// An IDX file of labels.
pub(super) fn encode_labels(labels: &[u8]) -> Vec<u8> {
    encode(LABELS_MAGIC, &[labels.len()], labels)
}

fn encode(magic: u32, sizes: &[usize], body: &[u8]) -> Vec<u8> {
    let mut bytes = magic.to_be_bytes().to_vec();
    sizes.iter().for_each(|&size| bytes.extend((size as u32).to_be_bytes()));
    bytes.extend(body);
    bytes
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn two_images() -> Images {
        Images { shape: Shape { height: 2, width: 3, channels: 1 }, pixels: (0..12).collect(), labels: vec![0, 1] }
    }

    #[test]
    fn images_and_labels_round_trip() {
        let images = two_images();
        let (shape, pixels) = parse_images(&encode_images(&images)).unwrap();
        assert_eq!((shape, pixels), (images.shape, images.pixels));
        assert_eq!(parse_labels(&encode_labels(&images.labels)).unwrap(), images.labels);
    }

    #[test]
    fn a_cut_file_says_what_is_missing() {
        let bytes = encode_images(&two_images());
        let message = parse_images(&bytes[..20]).unwrap_err().to_string();
        assert!(message.contains("12 bytes") && message.contains("has 4"), "{message}");
        assert!(parse_images(&bytes[..7]).unwrap_err().to_string().contains("16 bytes"));
    }

    #[test]
    fn a_label_file_in_the_place_of_images_is_refused() {
        let mut bytes = encode_labels(&[1; 100]);
        assert!(parse_images(&bytes).unwrap_err().to_string().contains("0x0803"));
        bytes[3] = 3;
        bytes[4] = 0xff;
        assert!(parse_images(&bytes).is_err());
    }

    #[test]
    fn sizes_that_overflow_are_refused() {
        let bytes = encode(IMAGES_MAGIC, &[0xffff_ffff, 0xffff_ffff, 0xffff_ffff], &[]);
        assert!(parse_images(&bytes).unwrap_err().to_string().contains("overflow"));
    }

    #[test]
    fn a_damaged_label_leaves_a_gap_that_is_reported() {
        assert_eq!(count_classes(&[0, 1, 2, 1]).unwrap(), 3);
        assert!(count_classes(&[0, 1, 200]).unwrap_err().to_string().contains("label 2 never"));
    }

    #[test]
    fn a_folder_loads_with_its_own_validation_and_a_mismatch_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: Vec<u8>| std::fs::write(folder.path().join(name), bytes).unwrap();
        for part in ["train", "validation", "t10k"] {
            write(&format!("{part}-images-idx3-ubyte"), encode_images(&two_images()));
            write(&format!("{part}-labels-idx1-ubyte"), encode_labels(&[0, 1]));
        }
        let set = load("tiny", folder.path()).unwrap();
        assert_eq!((set.classes, set.train.len(), set.validation.len(), set.test.len()), (2, 2, 2, 2));
        write("t10k-labels-idx1-ubyte", encode_labels(&[0]));
        assert!(load("tiny", folder.path()).unwrap_err().to_string().contains("2 images but"));
    }
}
