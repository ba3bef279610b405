//! QEMU: the one on PATH, or else Debian's packages; unpacked in the folder for data of this program where apt-get may not
//! install them.
//!
//! It may not without root, and where another version's `qemu-utils` is installed, which would have to be removed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::packages::{self, Packages, on_path};
use super::{child, data_folder, files, say};

const PROGRAM: &str = "qemu-system-arm";

const QEMU: Packages = Packages {
    names: &[PROGRAM],
    takes: "about 1 minute",
    elsewhere: "the emulated board needs the program qemu-system-arm: install QEMU \
                (for example `brew install qemu`) and try again",
};

/// The program; installs what is missing.
pub(super) fn ensure() -> Result<PathBuf> {
    if on_path(PROGRAM) {
        return Ok(PROGRAM.into());
    }
    let home = data_folder().join("qemu");
    if program(&home).exists() {
        return Ok(program(&home));
    }
    let Err(refused) = packages::install(&QEMU) else { return Ok(PROGRAM.into()) };
    if !on_path("apt-get") {
        return Err(refused);
    }
    say(format_args!("unpacking {PROGRAM} in {} instead (seconds)", home.display()));
    unpack(&home).with_context(|| format!("{refused:#}; nor could its packages be unpacked"))?;
    Ok(program(&home))
}

fn program(home: &Path) -> PathBuf {
    home.join("bin").join(PROGRAM)
}

/// The package and those that it needs and the machine lacks, in a folder beside `home`, so that it appears whole.
fn unpack(home: &Path) -> Result<()> {
    let _lock = files::lock(home)?;
    // Another run may have been faster.
    if program(home).exists() {
        return Ok(());
    }
    let staged = files::empty_sibling(home, "new")?;
    let simulated =
        child::answer(child::command("apt-get").args(["install", "-s", "--no-install-recommends", PROGRAM]));
    let simulated = simulated.context("apt-get knows no package of it: run `sudo apt-get update`")?;
    let debs = staged.join("debs");
    std::fs::create_dir(&debs)?;
    child::run(child::command("apt-get").current_dir(&debs).arg("download").args(to_install(&simulated)), None)?;
    for deb in debs.read_dir()? {
        child::run(child::command("dpkg-deb").arg("--extract").arg(deb?.path()).arg(staged.join("root")), None)?;
    }
    files::remove(&debs)?;
    files::write_program(&program(&staged), &wrapper(home, &libraries(&staged.join("root"))?))?;
    files::replace(&staged, home)?;
    let starts = child::answer(child::command(program(home)).arg("--version")).is_some();
    if !starts {
        // Or the next run would take it for a good one.
        files::remove(home)?;
    }
    ensure!(starts, "what was unpacked does not start: install QEMU by hand");
    Ok(())
}

/// The packages that a simulated `apt-get install` would install.
fn to_install(simulated: &str) -> Vec<&str> {
    simulated.lines().filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next()).collect()
}

/// The folders of shared libraries in an unpacked root, relative to it: `usr/lib/x86_64-linux-gnu`.
fn libraries(root: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for parent in ["usr/lib", "lib"] {
        let entries = root.join(parent).read_dir().into_iter().flatten();
        let names = entries.map(|entry| Ok(entry?.file_name())).collect::<Result<Vec<_>>>()?;
        let of_machine = names.into_iter().filter(|name| name.to_string_lossy().contains("-linux-"));
        folders.extend(of_machine.map(|name| Path::new(parent).join(name)));
    }
    Ok(folders)
}

/// A wrapper, for its libraries are where no loader looks.
fn wrapper(home: &Path, libraries: &[PathBuf]) -> String {
    let root = home.join("root");
    let folders: Vec<_> = libraries.iter().map(|folder| root.join(folder).display().to_string()).collect();
    let (folders, program) = (folders.join(":"), root.join("usr/bin").join(PROGRAM));
    format!("#!/bin/sh\nLD_LIBRARY_PATH=\"{folders}\" exec \"{}\" \"$@\"\n", program.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_installed_is_read_and_what_would_go_is_not() {
        let simulated = "Reading package lists...\nRemv qemu-utils [1:10.0.2]\nInst libfdt1 (1.6.1-4+b1 Debian:12)\n\
                         Inst qemu-system-arm (1:7.2 Debian:12 [amd64])\nConf libfdt1 (1.6.1-4+b1 Debian:12)\n";
        assert_eq!(to_install(simulated), ["libfdt1", "qemu-system-arm"]);
    }

    #[test]
    fn the_wrapper_names_the_folders_of_libraries_that_are_there() -> Result<()> {
        let root = tempfile::tempdir()?;
        for folder in ["usr/lib/x86_64-linux-gnu", "usr/lib/systemd", "lib/x86_64-linux-gnu"] {
            std::fs::create_dir_all(root.path().join(folder))?;
        }
        let script = wrapper(Path::new("/home/a b"), &libraries(root.path())?);
        let folders = "\"/home/a b/root/usr/lib/x86_64-linux-gnu:/home/a b/root/lib/x86_64-linux-gnu\"";
        assert!(script.contains(&format!("LD_LIBRARY_PATH={folders} exec \"/home/a b/root/usr/bin/")), "{script}");
        Ok(())
    }
}
