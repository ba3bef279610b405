//! A chip's RTT channels by its debug probe.

use anyhow::Result;
use probe_rs::rtt::{self, Rtt, ScanRegion};
use probe_rs::{Core, Session};

use crate::rig::rtt::Channels;

/// Channels whose control block lies at an address.
pub(super) struct Memory {
    session: Session,
    at: u64,
    rtt: Option<Rtt>,
}

impl Memory {
    pub(super) fn new(session: Session, at: u64) -> Self {
        Self { session, at, rtt: None }
    }

    /// Asks for bytes to be moved. Where the firmware has not made its channels yet, or makes them anew, none are, and they are
    /// looked for again the next time.
    fn ask(&mut self, move_bytes: impl FnOnce(&mut Rtt, &mut Core) -> Result<usize, rtt::Error>) -> Result<usize> {
        let mut core = self.session.core(0)?;
        let found = match self.rtt.take() {
            Some(rtt) => Ok(rtt),
            None => Rtt::attach_region(&mut core, &ScanRegion::Exact(self.at)),
        };
        let moved = found.and_then(|mut rtt| move_bytes(&mut rtt, &mut core).map(|count| (rtt, count)));
        match moved {
            Ok((rtt, count)) => {
                self.rtt = Some(rtt);
                Ok(count)
            }
            Err(rtt::Error::Probe(error)) => Err(error.into()),
            Err(_) => Ok(0),
        }
    }
}

impl Channels for Memory {
    fn take(&mut self, up: usize, bytes: &mut [u8]) -> Result<usize> {
        self.ask(|rtt, core| rtt.up_channel(up).ok_or(rtt::Error::MissingChannel(up))?.read(core, bytes))
    }

    fn give(&mut self, bytes: &[u8]) -> Result<usize> {
        self.ask(|rtt, core| rtt.down_channel(0).ok_or(rtt::Error::MissingChannel(0))?.write(core, bytes))
    }
}
