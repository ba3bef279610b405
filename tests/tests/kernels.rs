//! Every golden case on every kind of core: the inner loops that each core gets return TensorFlow Lite Micro's bytes.

use anyhow::{Context, Result, ensure};
use secateur::rig::setup::{self, Need};
use secateur_tests::case::{self, Case};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A kind of core.
struct Core {
    name: &'static str,
    target: &'static str,
    /// Compiler flags, without which a core is not used to the full.
    flags: &'static str,
    /// QEMU's machine, and where its flash starts.
    machine: &'static str,
    flash: u64,
}

const CORES: [Core; 5] = [
    Core { name: "Cortex-M0", target: "thumbv6m-none-eabi", flags: "", machine: "microbit", flash: 0 },
    Core { name: "Cortex-M3", target: "thumbv7m-none-eabi", flags: "", machine: "mps2-an385", flash: 0 },
    Core { name: "Cortex-M4", target: "thumbv7em-none-eabihf", flags: "", machine: "mps2-an386", flash: 0 },
    Core { name: "Cortex-M7", target: "thumbv7em-none-eabihf", flags: "", machine: "mps2-an500", flash: 0 },
    Core {
        name: "Cortex-M33",
        target: "thumbv8m.main-none-eabi",
        flags: "-Ctarget-cpu=cortex-m33",
        machine: "mps2-an505",
        flash: 0x1000_0000,
    },
];

/// Where the image looks for its cases, from the start of flash.
const CASES_AT: u64 = 0x1_0000;

#[test]
fn every_golden_case_is_equal_on_every_core() -> Result<()> {
    setup::ensure(&[Need::Qemu])?;
    let mut cases = Vec::new();
    for folder in case::folders()? {
        cases.extend(case::cases(&folder)?);
    }
    let list = list(&cases)?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("cases");
    std::fs::write(&path, list)?;
    for core in &CORES {
        let letters = core.run(&core.build()?, &path).with_context(|| core.name)?;
        assert_eq!(letters.len(), cases.len(), "{}: {letters}", core.name);
        let wrong = cases.iter().zip(letters.chars()).filter(|(_, letter)| !matches!(letter, '.' | 's'));
        let wrong: Vec<String> = wrong.map(|(case, letter)| format!("{} {letter}", case.name)).collect();
        assert!(wrong.is_empty(), "{}: {}", core.name, wrong.join(", "));
        let skipped = letters.matches('s').count();
        // The micro:bit has 16 KiB of RAM.
        assert!(skipped <= if core.machine == "microbit" { 4 } else { 0 }, "{}: {skipped} skipped", core.name);
        println!("{}: {} cases equal, {skipped} skipped for lack of RAM", core.name, cases.len() - skipped);
    }
    Ok(())
}

/// The list that the image reads: see its page, firmware/src/bin/golden.rs.
fn list(cases: &[Case]) -> Result<Vec<u8>> {
    let mut list = Vec::new();
    for case in cases {
        let blob = case.blob()?;
        let signed = |values: &[i8]| values.iter().map(|value| value.cast_unsigned()).collect::<Vec<u8>>();
        let parts = [blob.bytes().to_vec(), signed(&case.input), signed(&case.expected.concat())];
        let lengths = parts.iter().map(|part| part.len() as u32).chain([0]);
        list.extend(lengths.flat_map(u32::to_le_bytes));
        for part in parts {
            list.extend(part);
            list.resize(list.len().next_multiple_of(16), 0);
        }
    }
    list.resize(list.len() + 16, 0);
    Ok(list)
}

impl Core {
    /// The image's path.
    fn build(&self) -> Result<PathBuf> {
        let setup = setup::ensure(&[Need::Thumb(self.target)])?;
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let target_dir = workspace.join("target/golden");
        let mut cargo = setup.cargo();
        cargo.current_dir(&workspace);
        cargo.args(["build", "--quiet", "--locked", "--package", "secateur-firmware", "--bin", "golden"]);
        cargo.args(["--features", "golden", "--profile", "firmware", "--target", self.target, "--target-dir"]);
        cargo.arg(&target_dir);
        if !self.flags.is_empty() {
            cargo.env("RUSTFLAGS", self.flags);
        }
        ensure!(cargo.status()?.success(), "{}: the image did not build", self.name);
        Ok(target_dir.join(self.target).join("firmware/golden"))
    }

    /// The letters that the image prints.
    fn run(&self, image: &Path, cases: &Path) -> Result<String> {
        let mut qemu = Command::new("qemu-system-arm");
        qemu.args(["-machine", self.machine, "-display", "none", "-monitor", "none", "-serial", "none"]);
        qemu.args(["-semihosting-config", "enable=on,target=native", "-kernel"]).arg(image);
        let address = self.flash + CASES_AT;
        qemu.args(["-device", &format!("loader,file={},addr={address:#x},force-raw=on", cases.display())]);
        let output = qemu.output().context("cannot start qemu-system-arm")?;
        Ok(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}
