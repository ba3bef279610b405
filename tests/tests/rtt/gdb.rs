//! QEMU's debugger port: as much of GDB's remote protocol as stops a chip, reads and writes its memory, and lets it run on.

use std::io::{BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// How long QEMU may take for anything.
const PATIENCE: Duration = Duration::from_secs(30);
/// The byte that stops a chip.
const STOP: u8 = 3;

/// A debugger at a chip, which runs but while something is done to it.
pub(crate) struct Gdb {
    port: BufReader<UnixStream>,
}

impl Gdb {
    /// Waits for QEMU's socket. To connect stops the chip: it is let run.
    pub(crate) fn connect(path: &Path) -> Result<Self> {
        let begun = Instant::now();
        let port = loop {
            match UnixStream::connect(path) {
                Err(_) if begun.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(10)),
                port => break port.context("QEMU's debugger port")?,
            }
        };
        port.set_read_timeout(Some(PATIENCE))?;
        let mut gdb = Self { port: BufReader::new(port) };
        gdb.stopped()?;
        gdb.send("c")?;
        Ok(gdb)
    }

    /// Does something while the chip stands still.
    pub(crate) fn halted<T>(&mut self, work: impl FnOnce(&mut Halted) -> Result<T>) -> Result<T> {
        self.port.get_mut().write_all(&[STOP])?;
        self.stopped()?;
        let done = work(&mut Halted(self))?;
        self.send("c")?;
        Ok(done)
    }

    fn stopped(&mut self) -> Result<()> {
        let said = self.packet()?;
        ensure!(said.starts_with('T'), "the chip does not stop: {said}");
        Ok(())
    }

    /// What a question is answered with.
    fn ask(&mut self, words: &str) -> Result<String> {
        self.send(words)?;
        self.packet()
    }

    fn send(&mut self, words: &str) -> Result<()> {
        let sum = words.bytes().fold(0_u8, u8::wrapping_add);
        self.port.get_mut().write_all(format!("${words}#{sum:02x}").as_bytes())?;
        let heard = self.byte()?;
        ensure!(heard == b'+', "QEMU did not understand {words}");
        Ok(())
    }

    fn packet(&mut self) -> Result<String> {
        while self.byte()? != b'$' {}
        let mut words = String::new();
        loop {
            match self.byte()? {
                b'#' => break,
                byte => words.push(byte.into()),
            }
        }
        // The checksum of a socket is always right.
        self.byte()?;
        self.byte()?;
        self.port.get_mut().write_all(b"+")?;
        Ok(words)
    }

    fn byte(&mut self) -> Result<u8> {
        let mut byte = [0];
        self.port.read_exact(&mut byte).context("QEMU closed its debugger port")?;
        Ok(byte[0])
    }
}

/// A chip that stands still.
pub(crate) struct Halted<'g>(&'g mut Gdb);

impl Halted<'_> {
    /// Fills `bytes` from memory.
    pub(crate) fn read(&mut self, address: u32, bytes: &mut [u8]) -> Result<()> {
        let hex = self.0.ask(&format!("m{address:x},{:x}", bytes.len()))?;
        ensure!(hex.len() == 2 * bytes.len(), "{address:#010x} cannot be read: {hex}");
        for (byte, digits) in bytes.iter_mut().zip(hex.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits)?, 16)?;
        }
        Ok(())
    }

    /// Writes bytes to memory.
    pub(crate) fn write(&mut self, address: u32, bytes: &[u8]) -> Result<()> {
        match &*self.0.ask(&format!("M{address:x},{:x}:{}", bytes.len(), hex(bytes)))? {
            "OK" => Ok(()),
            refused => bail!("{address:#010x} cannot be written: {refused}"),
        }
    }

    /// Gives an order to QEMU's monitor.
    pub(crate) fn order(&mut self, words: &str) -> Result<()> {
        match &*self.0.ask(&format!("qRcmd,{}", hex(words.as_bytes())))? {
            "OK" => Ok(()),
            refused => bail!("QEMU does not {words}: {refused}"),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
