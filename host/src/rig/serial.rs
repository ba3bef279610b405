//! Serial ports: those there are, and one opened as the line to a board.

use std::io::{self, ErrorKind, Read, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::{Result, anyhow};
use serial2::SerialPort;

use super::link::Link;
use super::usb::{self, Usb};
use crate::failure::Failure;

/// Of every board's firmware; 8 data bits, no parity, 1 stop bit.
const BAUD: u32 = 115_200;
/// How often a reader looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(100);
/// How long a port may take a frame.
const WRITE: Duration = Duration::from_secs(2);

/// A serial port of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// What it is opened by.
    pub path: String,
    /// The USB device that it is on; `None` where it is on none, or the system does not say.
    pub usb: Option<Usb>,
}

impl std::fmt::Display for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.path)?;
        self.usb.as_ref().map_or(Ok(()), |usb| write!(f, " ({usb})"))
    }
}

/// The serial ports that could lead to a board: on Linux those on USB, elsewhere all.
pub fn ports() -> Vec<Port> {
    let paths = SerialPort::available_ports().unwrap_or_default();
    let port = |path: PathBuf| Port { usb: usb::of_port(&path), path: path.to_string_lossy().into_owned() };
    let mut ports: Vec<Port> = paths.into_iter().map(port).collect();
    ports.retain(|port| port.usb.is_some() || !cfg!(target_os = "linux"));
    ports.sort_by(|one, other| one.path.cmp(&other.path));
    ports
}

/// The ports in words: a list, or that there is none.
pub fn listed() -> String {
    let ports: Vec<String> = ports().iter().map(ToString::to_string).collect();
    if ports.is_empty() { "no USB serial port is there".to_owned() } else { format!("there are {}", ports.join(", ")) }
}

/// Opens a port as the line to a board. It belongs to this program alone, until the link is dropped.
///
/// # Errors
/// [`Failure::BoardMissing`] with what to do: no such port, no right to it, another program has it.
pub fn open(path: &str) -> Result<Link> {
    let (from_board, to_board) = open_both(path).map_err(|error| refused(path, &error))?;
    let (wanted, (end, ended)) = (Arc::new(()), channel());
    let reader = Reader { port: from_board, wanted: Arc::downgrade(&wanted), _end: end };
    Ok(Link::new(reader, Writer { port: to_board, wanted: Some(wanted), ended }))
}

fn open_both(path: &str) -> io::Result<(SerialPort, SerialPort)> {
    let mut to_board = SerialPort::open(path, BAUD)?;
    lock(&to_board)?;
    to_board.set_write_timeout(WRITE)?;
    let mut from_board = to_board.try_clone()?;
    from_board.set_read_timeout(LOOK)?;
    // What the board said to whoever had the port before.
    from_board.discard_input_buffer()?;
    Ok((from_board, to_board))
}

/// Keeps other programs that ask from the port, and finds out whether one has it.
#[cfg(unix)]
fn lock(port: &SerialPort) -> io::Result<()> {
    use std::fs::{File, TryLockError};
    use std::os::fd::AsFd;
    // The lock is that of the open port: the copy of its descriptor may go.
    File::from(port.as_fd().try_clone_to_owned()?).try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => ErrorKind::ResourceBusy.into(),
        TryLockError::Error(error) => error,
    })
}

/// An open port belongs to one program there.
#[cfg(not(unix))]
fn lock(_: &SerialPort) -> io::Result<()> {
    Ok(())
}

/// What keeps a port from being opened, and the way out.
fn refused(path: &str, error: &io::Error) -> anyhow::Error {
    let message = match error.kind() {
        ErrorKind::NotFound => {
            format!("there is no serial port {path}: plug the board in, or name another by --port; {}", listed())
        }
        ErrorKind::PermissionDenied => format!(
            "no right to use {path}: join the group that may, on Debian by `sudo usermod -aG dialout $USER`, and log in again"
        ),
        ErrorKind::ResourceBusy => {
            format!(
                "{path} is in use: close the program that has it (a terminal, another `cargo xtask`), and try again"
            )
        }
        _ => format!("{path} cannot be opened as a serial port: {error}; {}", listed()),
    };
    anyhow!(Failure::BoardMissing(message))
}

/// The port's input: it ends when the writer is gone, or the port.
struct Reader {
    port: SerialPort,
    wanted: Weak<()>,
    /// After the port, so that it is closed first.
    _end: Sender<()>,
}

impl Read for Reader {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.wanted.strong_count() > 0 {
            match self.port.read(bytes) {
                Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
                result => return result,
            }
        }
        Ok(0)
    }
}

/// The port's output. It outlives the reader, which would keep the port and swallow what the board says to whoever has it next.
struct Writer {
    port: SerialPort,
    wanted: Option<Arc<()>>,
    ended: Receiver<()>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.wanted = None;
        // Nothing is ever sent: this returns when the reader has closed its end.
        let _ = self.ended.recv();
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.port.write(bytes)
    }

    /// The driver sends by itself; to wait for it could be for ever where the line is dead.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
