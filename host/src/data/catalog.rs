//! The data sets known by name, and what a folder holds.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::{DataSet, cifar, folder as images, idx, mini};
use crate::failure::Failure;

/// The data set that is taken where none is named.
pub const DEFAULT: &str = mini::NAME;

/// Where Debian's package `dataset-fashion-mnist` puts its files.
const FASHION_FOLDER: &str = "/usr/share/datasets/fashion-mnist";

/// The full Fashion-MNIST's name.
pub(super) const FASHION: &str = "fashion-mnist";

/// The names that `load` knows, each with what it is.
pub(super) const KNOWN: [(&str, &str); 3] = [
    (mini::NAME, "12,000 training images of Fashion-MNIST and all its test images; part of the repository"),
    (FASHION, "all of Fashion-MNIST; `apt install dataset-fashion-mnist`, or name a folder"),
    ("cifar10", "CIFAR-10's binary version; fetch it yourself and name its folder"),
];

/// What a folder may hold, for the list of data sets.
pub(super) const FOLDER: (&str, &str) =
    ("DIR", "a folder: PNG or JPEG files in DIR/CLASS/ or DIR/{train,validation,test}/CLASS/; IDX files; CIFAR-10's");

/// Loads a data set by name (`mini-fashion`, `fashion-mnist`) or from a folder (IDX files, CIFAR-10's, or images).
///
/// # Errors
/// An unknown name, a missing file, or a file that is cut, damaged or at odds with its neighbor.
pub fn load(source: &str) -> Result<DataSet> {
    let (name, folder) = folder(source)?;
    if idx::is_in(&folder) {
        return idx::load(&name, &folder);
    }
    match cifar::folder_in(&folder) {
        Some(batches) => cifar::load(&batches),
        None if images::is_in(&folder) => images::load(&name, &folder),
        None => bail!(
            "{} holds neither sub-folders with a class's PNG or JPEG images each, nor train-images-idx3-ubyte(.gz), nor data_batch_1.bin: name a folder with images, IDX or CIFAR-10 binary files",
            folder.display()
        ),
    }
}

/// The name and the folder that `source` stands for.
pub(super) fn folder(source: &str) -> Result<(String, PathBuf)> {
    let path = Path::new(source);
    match source {
        mini::NAME => Ok((source.to_owned(), mini::folder())),
        FASHION if Path::new(FASHION_FOLDER).is_dir() => Ok((source.to_owned(), PathBuf::from(FASHION_FOLDER))),
        _ if path.is_dir() => Ok((base_name(path), path.to_owned())),
        FASHION => {
            bail!(Failure::Usage(format!(
                "fashion-mnist is not in {FASHION_FOLDER}: `apt install dataset-fashion-mnist`, or name the folder of its IDX files"
            )))
        }
        "cifar10" => bail!(Failure::Usage(
            "cifar10 has no usual place: name the folder that holds data_batch_1.bin .. data_batch_5.bin and test_batch.bin"
                .to_owned()
        )),
        _ => bail!(Failure::Usage(format!(
            "`{source}` is neither a folder nor a known data set: name a folder or one of {}",
            KNOWN.map(|(name, _)| name).join(", ")
        ))),
    }
}

fn base_name(path: &Path) -> String {
    let absolute = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    absolute.file_name().map_or_else(|| "data".to_owned(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn the_default_needs_no_download() {
        let set = load(DEFAULT).unwrap();
        assert_eq!((set.train.len(), set.validation.len(), set.test.len()), (10_000, 2_000, 10_000));
        assert_eq!((set.classes, set.shape().values()), (10, 784));
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = load("fashoin").unwrap_err();
        assert!(error.to_string().contains("mini-fashion"), "{error}");
        assert_eq!(error.downcast_ref::<Failure>().unwrap().exit_code(), 2);
    }

    #[test]
    fn an_empty_folder_says_which_files_it_needs() {
        let folder = tempfile::tempdir().unwrap();
        let message = load(folder.path().to_str().unwrap()).unwrap_err().to_string();
        assert!(message.contains("data_batch_1.bin") && message.contains("PNG or JPEG"), "{message}");
    }
}
