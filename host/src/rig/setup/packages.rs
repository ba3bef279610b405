//! Debian packages: installed where this user may, named where not.

use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{child, say};

/// Packages that serve one purpose.
pub(super) struct Packages {
    pub(super) names: &'static [&'static str],
    /// How long the installation takes, for people: `about 1 minute`.
    pub(super) takes: &'static str,
    /// What to do on a machine without apt-get.
    pub(super) elsewhere: &'static str,
}

/// How this user may install packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Root,
    Sudo,
    /// Debian, but somebody else's.
    Locked,
    NotDebian,
}

/// Whether a program is among the folders of PATH.
pub(in crate::rig) fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Installs the packages, or says who has to.
pub(super) fn install(packages: &Packages) -> Result<()> {
    let access = access();
    if let Some(remedy) = remedy(access, packages) {
        bail!(remedy);
    }
    let names = packages.names.join(" ");
    say(format_args!("installing {names} ({})", packages.takes));
    try_twice(access, packages).with_context(|| format!("apt-get did not install {names}; {}", packages.elsewhere))
}

/// A list that was never fetched, or that is old, shows in a failure: then it is fetched.
fn try_twice(access: Access, packages: &Packages) -> Result<()> {
    let install = || child::run(apt_get(access).args(INSTALL).args(packages.names), None);
    if install().is_ok() {
        return Ok(());
    }
    child::run(apt_get(access).arg("update"), None)?;
    install()
}

/// Nothing is ever removed: a package in conflict with one that its owner chose is an error.
const INSTALL: [&str; 4] = ["install", "-y", "--no-install-recommends", "--no-remove"];

fn apt_get(access: Access) -> Command {
    let mut command = match access {
        Access::Sudo => child::command("sudo"),
        _ => child::command("env"),
    };
    if access == Access::Sudo {
        command.args(["-n", "env"]);
    }
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=300"]);
    command
}

fn access() -> Access {
    if !on_path("apt-get") {
        return Access::NotDebian;
    }
    let is_root = child::answer(child::command("id").arg("-u")).is_some_and(|uid| uid.trim() == "0");
    match is_root {
        true => Access::Root,
        false if child::answer(child::command("sudo").args(["-n", "true"])).is_some() => Access::Sudo,
        false => Access::Locked,
    }
}

/// What the user has to do before anything can be installed.
fn remedy(access: Access, packages: &Packages) -> Option<String> {
    let names = packages.names.join(" ");
    match access {
        Access::Root | Access::Sudo => None,
        Access::Locked => {
            Some(format!("needs Debian packages {names}: run `sudo apt-get install {names}` and try again"))
        }
        Access::NotDebian => Some(packages.elsewhere.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: Packages = Packages { names: &["a", "b"], takes: "", elsewhere: "needs a and b" };

    #[test]
    fn only_those_who_may_install() {
        assert_eq!(remedy(Access::Root, &TWO), None);
        assert_eq!(remedy(Access::Sudo, &TWO), None);
        let locked = "needs Debian packages a b: run `sudo apt-get install a b` and try again";
        assert_eq!(remedy(Access::Locked, &TWO).as_deref(), Some(locked));
        assert_eq!(remedy(Access::NotDebian, &TWO).as_deref(), Some("needs a and b"));
    }

    #[test]
    fn a_program_is_found_on_path() {
        assert!(on_path("sh"));
        assert!(!on_path("no-such-program-anywhere"));
    }
}
