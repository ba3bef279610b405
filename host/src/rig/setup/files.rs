//! Folders that appear at once and complete, and the links between them.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::say;

/// Waits until no other run works on this folder. The lock ends with the value, or with the process.
pub(super) fn lock(folder: &Path) -> Result<File> {
    let path = sibling(folder, "lock");
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("no folder {}", parent.display()))?;
    }
    let file = File::create(&path).with_context(|| format!("no lock {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            say("another run is at work in its folder: waiting for it");
            file.lock()?;
        }
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    Ok(file)
}

/// `folder.suffix`, on the same disk as `folder`, so that one can be renamed to the other.
fn sibling(folder: &Path, suffix: &str) -> PathBuf {
    let mut name = folder.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

/// An empty folder beside this one, cleared of what an earlier run left.
pub(super) fn empty_sibling(folder: &Path, suffix: &str) -> Result<PathBuf> {
    let path = sibling(folder, suffix);
    remove(&path)?;
    fs::create_dir_all(&path)?;
    Ok(path)
}

/// Removes a folder, if there is one.
pub(super) fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Puts a finished folder in the place of another one.
pub(super) fn replace(finished: &Path, place: &Path) -> Result<()> {
    let old = sibling(place, "old");
    remove(&old)?;
    if place.exists() {
        fs::rename(place, &old)?;
    }
    fs::rename(finished, place)?;
    remove(&old)
}

/// Copies the libraries of the named crates out of cargo's `deps` folder.
pub(super) fn copy_libraries(deps: &Path, to: &Path, crates: &[&str]) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in deps.read_dir()? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let krate = name.strip_prefix("lib").and_then(|rest| rest.split_once('-')).map(|(krate, _)| krate);
        if name.ends_with(".rlib") && krate.is_some_and(|krate| crates.contains(&krate)) {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}

/// A symbolic link, its folder included.
pub(super) fn link(original: &Path, at: &Path) -> Result<()> {
    fs::create_dir_all(at.parent().unwrap_or(at))?;
    symlink(original, at).with_context(|| format!("no link {} to {}", at.display(), original.display()))
}

/// A script that can be called, its folder included.
pub(super) fn write_program(path: &Path, script: &str) -> Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    fs::write(path, script)?;
    Ok(make_executable(path)?)
}

#[cfg(unix)]
fn symlink(original: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(original, at)
}

#[cfg(unix)]
fn make_executable(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
}

#[cfg(not(unix))]
fn symlink(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_replaced_whole_and_leftovers_vanish() {
        let base = tempfile::tempdir().expect("a temporary folder");
        let place = base.path().join("thumb-1.96");
        fs::create_dir_all(place.join("old")).expect("a folder");
        fs::create_dir_all(base.path().join("thumb-1.96.new/half")).expect("a folder");
        let staged = empty_sibling(&place, "new").expect("staged");
        fs::create_dir(staged.join("whole")).expect("a folder");
        replace(&staged, &place).expect("replaced");
        assert!(place.join("whole").exists() && !place.join("old").exists() && !place.join("half").exists());
        assert_eq!(base.path().read_dir().expect("readable").count(), 1);
    }

    #[test]
    fn only_the_named_libraries_are_copied() {
        let base = tempfile::tempdir().expect("a temporary folder");
        for name in ["libcore-01.rlib", "libcore-01.rmeta", "libsysroot-02.rlib", "libcompiler_builtins-03.rlib"] {
            fs::write(base.path().join(name), name).expect("a file");
        }
        let to = base.path().join("lib");
        copy_libraries(base.path(), &to, &["core", "compiler_builtins"]).expect("copied");
        assert_eq!(to.read_dir().expect("readable").count(), 2);
    }
}
