//! Other programs: started without the traces of an outer `cargo run`, their output kept for the case that they fail.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Seek};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Set by an outer cargo, by rustup's proxy or for the desk's compiler: wrong for a build for a chip.
const NOT_INHERITED: [&str; 11] = [
    "CARGO",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTDOC",
    "RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
    "RUSTUP_TOOLCHAIN_SOURCE",
    "RUST_RECURSION_COUNT",
];
const NOT_INHERITED_PREFIXES: [&str; 2] = ["CARGO_MANIFEST_", "CARGO_PKG_"];

const POLL: Duration = Duration::from_millis(50);
const LINES_SHOWN: usize = 20;

/// A command that inherits everything but what an outer `cargo run` set.
pub(super) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if !is_inherited(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
    command
}

fn is_inherited(name: &str) -> bool {
    !NOT_INHERITED.contains(&name) && !NOT_INHERITED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// What a quick question prints, or nothing if the program is absent or fails.
pub(super) fn answer(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs to the end, or to `limit`; an error carries the end of what the program said.
pub(super) fn run(command: &mut Command, limit: Option<Duration>) -> Result<()> {
    let mut said = tempfile::tempfile().context("no room for a temporary file: free some, or set TMPDIR")?;
    command.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said.try_clone()?);
    let name = shown(command);
    let program = command.get_program().to_string_lossy().into_owned();
    let spawned = command.spawn();
    let mut child = spawned
        .with_context(|| format!("`{name}` could not be started: install {program}, or add its folder to PATH"))?;
    match wait(&mut child, limit)? {
        Some(status) if status.success() => Ok(()),
        Some(status) => bail!("`{name}` failed ({status}):\n{}", last_lines(&mut said)?),
        None => bail!("`{name}` did not end in time and was stopped:\n{}", last_lines(&mut said)?),
    }
}

/// The exit status, or nothing if the limit was reached and the child stopped.
fn wait(child: &mut Child, limit: Option<Duration>) -> Result<Option<ExitStatus>> {
    let Some(limit) = limit else {
        return Ok(Some(child.wait()?));
    };
    let start = Instant::now();
    while start.elapsed() < limit {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        std::thread::sleep(POLL);
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

fn last_lines(said: &mut File) -> Result<String> {
    said.rewind()?;
    let mut bytes = Vec::new();
    said.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outer_cargo_is_not_inherited() {
        for name in ["CARGO", "RUSTUP_TOOLCHAIN", "CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "RUSTFLAGS"] {
            assert!(!is_inherited(name), "{name}");
        }
        for name in ["CARGO_HOME", "CARGO_TARGET_DIR", "RUSTUP_HOME", "PATH"] {
            assert!(is_inherited(name), "{name}");
        }
    }

    #[test]
    fn a_failure_carries_the_last_lines() {
        let error = run(command("sh").args(["-c", "seq 1 30; exit 7"]), None).expect_err("exit 7");
        let text = error.to_string();
        assert!(text.contains("`sh -c seq 1 30; exit 7` failed"), "{text}");
        assert!(text.contains("\n11\n") && text.ends_with("\n30") && !text.contains("\n10\n"), "{text}");
    }

    #[test]
    fn a_child_that_hangs_is_stopped() {
        let error = run(command("sleep").arg("60"), Some(Duration::from_millis(100))).expect_err("stopped");
        assert!(error.to_string().contains("did not end in time"));
    }
}
