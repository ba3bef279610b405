//! One folder per board: its facts in `board.toml`, read by the desk and by build scripts, and its start-up for the
//! chip.
#![cfg_attr(not(feature = "host"), no_std)]
#![deny(unsafe_code)]

#[cfg(feature = "host")]
mod spec;
#[cfg(feature = "host")]
pub use spec::{BoardSpec, Emulator, Frames, QemuMachine, Region, Rp2040js, SpecError, all, find};

#[cfg(feature = "netduinoplus2")]
pub mod netduinoplus2;
#[cfg(feature = "nucleo-f446re")]
pub mod nucleo_f446re;
#[cfg(feature = "nucleo-f767zi")]
pub mod nucleo_f767zi;
#[cfg(feature = "nucleo-h743zi")]
pub mod nucleo_h743zi;
#[cfg(feature = "nucleo-l4r5zi")]
pub mod nucleo_l4r5zi;
#[cfg(feature = "pico")]
pub mod pico;
#[cfg(feature = "pico2")]
pub mod pico2;
#[cfg(feature = "rp2")]
pub mod rp2;
#[cfg(feature = "rtt")]
pub mod rtt;
#[cfg(feature = "stm32")]
pub mod stm32;
#[cfg(feature = "stm32f4")]
pub mod stm32f4;
#[cfg(feature = "stm32f4-discovery")]
pub mod stm32f4_discovery;

/// A chip ready to talk.
#[cfg(feature = "chip")]
pub struct Started<Port, Led> {
    /// The byte pipe to the desk.
    pub port: Port,
    /// On while the network runs: its latency, for an oscilloscope.
    pub led: Led,
    /// The clock that really runs.
    pub clock_hz: u32,
}

/// A board's start-up.
#[cfg(feature = "chip")]
pub trait Board {
    /// The byte pipe to the desk.
    type Port: embedded_io::Read + embedded_io::Write;
    /// The activity LED.
    type Led: embedded_hal::digital::OutputPin;
    /// As in `board.toml`.
    const NAME: &'static str;
    /// As in `board.toml`.
    const CHIP: &'static str;

    /// Starts clocks and port; `None` where it was called before.
    fn start() -> Option<Started<Self::Port, Self::Led>>;
}
