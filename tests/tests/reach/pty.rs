//! A board behind a serial port: QEMU's pseudo-terminal, with the firmware at its other end.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use secateur::export::{Blob, export};
use secateur::rig::firmware::{self, Profile};
use secateur::rig::link::Link;
use secateur::rig::target::Target;
use secateur::rig::{image, serial, setup};
use secateur_boards::Emulator;
use secateur_shared::wire::{Inbox, Response, decode_response};
use secateur_tests::untrained::untrained;
use tempfile::{NamedTempFile, TempDir};

/// A network on a board's firmware, as a file.
pub(crate) struct Linked {
    pub(crate) target: Target,
    pub(crate) blob: Blob,
    pub(crate) image: Vec<u8>,
    folder: TempDir,
}

impl Linked {
    pub(crate) fn new(board: &str) -> Result<Self> {
        Self::with(board, export(&untrained()?)?, |_| true)
    }

    /// Another network, without the operators that are not wanted.
    pub(crate) fn with(board: &str, blob: Blob, is_wanted: impl Fn(&str) -> bool) -> Result<Self> {
        let target = Target::parse(board)?;
        let image = {
            let model = blob.model()?;
            let operators = firmware::operators(&model.table()).into_iter().filter(|name| is_wanted(name)).collect();
            let built = firmware::build(&target.board, Profile::Firmware, &operators)?;
            image::link(&built, blob.bytes(), image::Taken::by(&model, &target.board))?
        };
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("image.elf"), &image)?;
        Ok(Self { target, blob, image, folder })
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("image.elf")
    }
}

/// QEMU with the firmware's serial port on a pseudo-terminal, and its monitor in hand.
pub(crate) struct Pty {
    child: Child,
    monitor: ChildStdin,
    pub(crate) path: String,
    /// Whatever the firmware said.
    said: NamedTempFile,
}

impl Pty {
    pub(crate) fn start(linked: &Linked) -> Result<Self> {
        let Some(Emulator::Qemu(machine)) = &linked.target.board.emulator else { anyhow::bail!("QEMU has this board") };
        let mut qemu = Command::new(setup::qemu()?);
        qemu.args(["-machine", &machine.machine, "-display", "none", "-monitor", "stdio"]);
        for _ in 0..machine.serial {
            qemu.args(["-serial", "null"]);
        }
        let said = NamedTempFile::new()?;
        qemu.args(["-chardev", &format!("pty,id=line,logfile={}", said.path().display())]);
        qemu.args(["-serial", "chardev:line", "-kernel"]).arg(linked.path());
        let mut child = qemu.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("QEMU starts")?;
        let monitor = child.stdin.take().context("is piped")?;
        let mut words = BufReader::new(child.stdout.take().context("is piped")?);
        let mut line = String::new();
        while !line.contains("redirected to") {
            line.clear();
            ensure!(words.read_line(&mut line)? > 0, "QEMU names its terminal");
        }
        let path = line.split_whitespace().find(|word| word.starts_with("/dev/")).context("a path")?.to_owned();
        // What the monitor says must go somewhere.
        std::thread::spawn(move || std::io::copy(&mut words, &mut std::io::sink()));
        Ok(Self { child, monitor, path, said })
    }

    pub(crate) fn order(&mut self, words: &str) -> Result<()> {
        writeln!(self.monitor, "{words}")?;
        self.monitor.flush()?;
        std::thread::sleep(Duration::from_millis(300));
        Ok(())
    }

    pub(crate) fn link(&self) -> Result<Link> {
        serial::open(&self.path)
    }

    /// How many runs of the network the firmware answered with their logits.
    pub(crate) fn runs(&self) -> Result<usize> {
        let (mut inbox, mut numbers) = (Inbox::default(), BTreeSet::new());
        for byte in std::fs::read(self.said.path())? {
            let Some(frame) = inbox.push(byte) else { continue };
            if let Ok((number, Response::Logits { .. })) = decode_response(frame) {
                numbers.insert((number.session, number.sequence));
            }
        }
        Ok(numbers.len())
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
