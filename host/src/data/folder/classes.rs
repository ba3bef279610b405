//! Which classes a folder has, and which files.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};

/// An image's file. Files are in the order of their hashes.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct File {
    /// SHA-256 of class and file name.
    hash: [u8; 32],
    pub(super) path: PathBuf,
    /// The class, counted in the order of names.
    pub(super) class: usize,
}

/// A class's folder.
pub(super) struct Class {
    pub(super) name: String,
    pub(super) folder: PathBuf,
    /// In order; at least one.
    pub(super) files: Vec<File>,
}

/// The sub-folders of a folder, by name; hidden ones are left out.
pub(super) fn folders(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut entries = entries(folder)?;
    entries.retain(|(_, path)| path.is_dir());
    Ok(entries)
}

/// What lies in a folder, by name, without what is hidden.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let context = || format!("cannot read the folder {}: check its rights", folder.display());
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(context)? {
        let entry = entry.with_context(context)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            entries.push((name, entry.path()));
        }
    }
    entries.sort();
    Ok(entries)
}

/// The classes in a part's folder, in the order of their names.
///
/// # Errors
/// A class without images, or with something else than images.
pub(super) fn classes(part: &Path) -> Result<Vec<Class>> {
    folders(part)?.into_iter().enumerate().map(|(index, (name, folder))| class(index, name, folder)).collect()
}

fn class(index: usize, name: String, folder: PathBuf) -> Result<Class> {
    let mut files = Vec::new();
    for (file, path) in entries(&folder)? {
        ensure!(
            is_image(&path),
            "{} is neither a PNG nor a JPEG file (.png, .jpg, .jpeg): convert it, or move it out of its class's folder",
            path.display()
        );
        files.push(File { hash: Sha256::digest(format!("{name}/{file}")).into(), path, class: index });
    }
    ensure!(!files.is_empty(), "{} is empty: put the class's images there, or remove the folder", folder.display());
    files.sort();
    Ok(Class { name, folder, files })
}

fn is_image(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    path.is_file() && matches!(extension.as_deref(), Some("png" | "jpg" | "jpeg"))
}

/// Whether another part has the classes of the training part.
///
/// # Errors
/// The class that only one of them has.
pub(super) fn agree(train: &[Class], part: &[Class]) -> Result<()> {
    for (these, those) in [(train, part), (part, train)] {
        for class in these {
            if !those.iter().any(|other| other.name == class.name) {
                let other = those.first().and_then(|other| other.folder.parent()).unwrap_or(Path::new("another part"));
                bail!(
                    "{} is a class, {} has no such folder: name the classes alike in all parts",
                    class.folder.display(),
                    other.display()
                );
            }
        }
    }
    Ok(())
}
