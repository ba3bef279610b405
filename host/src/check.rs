//! The verb `test`: every check, the cheapest first.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::rig::firmware::{self, Profile};
use crate::rig::on_device;
use crate::rig::setup::{self, Need};

/// The checks that are cargo commands: a name, then the arguments.
const CHECKS: [(&str, &[&str]); 5] = [
    ("format", &["fmt", "--all", "--check"]),
    // With every backend: only here is their code looked at, and metadata of them costs little.
    (
        "lints",
        &[
            "clippy",
            "--release",
            "--locked",
            "--quiet",
            "--workspace",
            "--all-targets",
            "--features",
            "secateur/ndarray,secateur/cuda,secateur/wgpu",
            "--",
            "--deny",
            "warnings",
        ],
    ),
    // The one build that has probes; none is connected, so that their code is looked at and not run.
    (
        "lints of probes",
        &[
            "clippy",
            "--release",
            "--locked",
            "--quiet",
            "-p",
            "secateur",
            "-p",
            "secateur-tests",
            "--all-targets",
            "--no-default-features",
            "--features",
            "probe",
            "--",
            "--deny",
            "warnings",
        ],
    ),
    // Unoptimised, so that an overflow panics.
    (
        "engine tests",
        &[
            "test",
            "--locked",
            "--quiet",
            "-p",
            "secateur-shared",
            "-p",
            "secateur-firmware",
            "-p",
            "secateur-boards",
            "-p",
            "secateur-counter",
            "--features",
            "secateur-boards/host",
        ],
    ),
    // Optimised, as they train and rank: burn is built once, for these and for `xtask`.
    ("desk tests", &["test", "--release", "--locked", "-p", "secateur", "-p", "secateur-tests"]),
];

/// Sets up what the tests need, builds every board's firmware, and runs all checks.
///
/// # Errors
/// The first check that fails.
pub fn run() -> Result<()> {
    let [format, lints, probes, engine_tests, desk_tests] = CHECKS;
    cargo(format, &[])?;
    cargo(engine_tests, &[])?;
    boards()?;
    on_device::emulated()?;
    // As for docs.rs, the build of `cuda` then fetches no LLVM, which only linking needs.
    cargo(lints, &[("DOCS_RS", "1")])?;
    cargo(probes, &[])?;
    cargo(desk_tests, &[])
}

/// Every board's firmware links, for speed, and that of boards that are emulated for size too.
fn boards() -> Result<()> {
    let operators = ["conv2d", "max-pool2d", "linear"].into();
    for board in secateur_boards::all()? {
        setup::ensure(&[Need::Thumb(&board.target)])?;
        board.emulator.iter().try_for_each(|emulator| setup::ensure(&[emulator.into()]).map(drop))?;
        let profiles = [Profile::Firmware, Profile::Small].into_iter();
        for profile in profiles.filter(|profile| board.emulator.is_some() || *profile == Profile::Firmware) {
            let begun = Instant::now();
            let firmware = firmware::build(&board, profile, &operators)?;
            let code = crate::report::bytes(firmware.footprint.code_bytes);
            println!(
                "firmware {} {}: code {code} ({:.0} s)",
                board.name,
                profile.name(),
                begun.elapsed().as_secs_f64()
            );
        }
    }
    Ok(())
}

/// Runs cargo in the workspace, with these environment variables.
///
/// # Errors
/// Where it fails.
pub(crate) fn cargo((name, arguments): (&str, &[&str]), variables: &[(&str, &str)]) -> Result<()> {
    println!("{name}: cargo {}", arguments.join(" "));
    let begun = Instant::now();
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut cargo = Command::new("cargo");
    cargo.args(arguments).envs(variables.iter().copied()).current_dir(workspace);
    let status = cargo.status().context("cannot start cargo")?;
    ensure!(status.success(), "{name} failed: see above");
    println!("{name}: good ({:.0} s)", begun.elapsed().as_secs_f64());
    Ok(())
}
