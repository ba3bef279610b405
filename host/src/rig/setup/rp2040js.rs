//! rp2040js, an npm package, in the folder for data of this program.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::packages::{self, Packages, on_path};
use super::{child, data_folder, files, say};

/// The version that the counts and the proofs were made with.
const VERSION: &str = "1.4.1";
/// Longer than a megabyte takes.
const NPM_LIMIT: Duration = Duration::from_secs(300);

const NODE: Packages = Packages {
    names: &["nodejs"],
    takes: "about 1 minute",
    elsewhere: "the emulated Pico needs the program node, version 18 or later: install Node.js and try again",
};
const NPM: Packages = Packages {
    names: &["npm"],
    takes: "about 2 minutes",
    elsewhere: "the emulated Pico needs the program npm once: install it and try again",
};

/// The package's folder; installs what is missing.
pub(super) fn ensure() -> Result<PathBuf> {
    if !on_path("node") {
        packages::install(&NODE)?;
    }
    let home = data_folder().join(format!("rp2040js-{VERSION}"));
    let package = package(&home);
    if !package.exists() {
        install(&home).with_context(|| format!("rp2040js {VERSION} was not installed in {}", home.display()))?;
        ensure!(package.exists(), "npm left no {}: remove {} and try again", package.display(), home.display());
    }
    Ok(package)
}

fn package(home: &Path) -> PathBuf {
    home.join("node_modules/rp2040js")
}

/// In a folder beside it, so that it appears whole.
fn install(home: &Path) -> Result<()> {
    if !on_path("npm") {
        packages::install(&NPM)?;
    }
    let _lock = files::lock(home)?;
    // Another run may have been faster.
    if package(home).exists() {
        return Ok(());
    }
    say(format_args!("npm install rp2040js@{VERSION} (seconds)"));
    let staged = files::empty_sibling(home, "new")?;
    let mut npm = child::command("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]).arg(&staged);
    child::run(npm.arg(format!("rp2040js@{VERSION}")), Some(NPM_LIMIT))?;
    files::replace(&staged, home)
}
