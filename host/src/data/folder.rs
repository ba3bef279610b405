//! A folder of images: one sub-folder a class, PNG or JPEG files in it.
//!
//! Either `DIR/{train,validation,test}/CLASS/*.png`, where validation or test may be absent, or `DIR/CLASS/*.png`.
//! Of each class, a tenth of the training files makes an absent validation part, another tenth an absent test part.
//! Which files, and the order of the images, a hash of class and file name says: the same on every machine, and the
//! first images of a part are of all classes.

mod classes;
mod read;
#[cfg(test)]
mod tests;

use std::path::Path;

use anyhow::{Result, bail, ensure};

use self::classes::{Class, File, agree, classes, folders};
use super::DataSet;

/// What the validation part's folder may be called.
const VALIDATION: [&str; 2] = ["validation", "val"];

/// Whether a folder has sub-folders, which then are classes or parts.
pub(super) fn is_in(folder: &Path) -> bool {
    folders(folder).is_ok_and(|folders| !folders.is_empty())
}

/// Loads all parts; one channel where every file is gray, otherwise red, green, blue.
///
/// # Errors
/// Parts with other classes; fewer than 2 or more than 256 classes; a class without files, or with too few to split; a
/// file that is no whole PNG or JPEG image, or of another size than the first.
pub(super) fn load(name: &str, folder: &Path) -> Result<DataSet> {
    let files = Files::in_folder(folder)?;
    let shape = read::shape([&files.train, &files.validation, &files.test].into_iter().flatten())?;
    let images = |part: &[File]| read::images(part, shape);
    DataSet::checked(name, files.classes, images(&files.train)?, images(&files.validation)?, images(&files.test)?)
}

/// The files of each part, in the order of the images.
struct Files {
    classes: usize,
    train: Vec<File>,
    validation: Vec<File>,
    test: Vec<File>,
}

impl Files {
    fn in_folder(folder: &Path) -> Result<Files> {
        let [train, validation, test] = parts(folder)?;
        let Some(mut train) = train else { bail!("{} has no training images: add a folder `train`", folder.display()) };
        ensure!(
            (2..=256).contains(&train.len()),
            "{} has {} sub-folders with images, one a class: 2 to 256 classes are needed, so move images or take another folder",
            folder.display(),
            train.len()
        );
        for part in [&validation, &test].into_iter().flatten() {
            agree(&train, part)?;
        }
        let classes = train.len();
        let tenths: Vec<usize> = train.iter().map(|class| (class.files.len() / 10).max(1)).collect();
        let validation = validation.map_or_else(|| split_off(&mut train, &tenths), Ok)?;
        let test = test.map_or_else(|| split_off(&mut train, &tenths), Ok)?;
        Ok(Files { classes, train: mixed(train), validation: mixed(validation), test: mixed(test) })
    }
}

/// The classes of training, validation and test part, where there is such a part.
fn parts(folder: &Path) -> Result<[Option<Vec<Class>>; 3]> {
    let names: Vec<String> = folders(folder)?.into_iter().map(|(name, _)| name).collect();
    let there = |names_of_part: &[&str]| names.iter().find(|name| names_of_part.contains(&name.as_str()));
    let found = [there(&["train"]), there(&VALIDATION), there(&["test"])];
    let Some(train) = found[0] else {
        ensure!(
            found.iter().all(Option::is_none),
            "{} has parts but no training part: call the folder of the training images `train`",
            folder.display()
        );
        return Ok([Some(classes(folder)?), None, None]);
    };
    if let Some(other) = names.iter().find(|name| !found.contains(&Some(*name))) {
        bail!("{0}/{other} is beside {0}/{train}: only train, validation and test may be there", folder.display());
    }
    let [train, validation, test] = found.map(|name| name.map(|name| classes(&folder.join(name))).transpose());
    Ok([train?, validation?, test?])
}

/// Takes from each class as many files as `counts` says.
fn split_off(train: &mut [Class], counts: &[usize]) -> Result<Vec<Class>> {
    let part = train.iter_mut().zip(counts).map(|(class, &count)| {
        ensure!(
            class.files.len() > count,
            "{} has too few images to train on some and keep some for validation and test: give it 3 or more",
            class.folder.display()
        );
        let files = class.files.split_off(class.files.len() - count);
        Ok(Class { name: class.name.clone(), folder: class.folder.clone(), files })
    });
    part.collect()
}

/// The files of all classes in the order of their hashes.
fn mixed(classes: Vec<Class>) -> Vec<File> {
    let mut files: Vec<File> = classes.into_iter().flat_map(|class| class.files).collect();
    files.sort();
    files
}
