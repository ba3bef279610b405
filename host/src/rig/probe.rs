//! Debug probes, in builds with the feature `probe`; others have none, and say how to build one that has.

#[cfg(not(feature = "probe"))]
mod absent;
mod chip;
#[cfg(feature = "probe")]
mod log;
#[cfg(feature = "probe")]
mod memory;
#[cfg(feature = "probe")]
mod present;

#[cfg(not(feature = "probe"))]
pub use absent::{Log, Probe, find, list};
#[cfg(feature = "probe")]
pub use log::Log;
#[cfg(feature = "probe")]
pub use present::{Probe, find, list};

/// How to build a program that knows probes and no training, and run this very command with it.
pub fn build_command() -> String {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let cargo = "cargo run --release --package secateur --no-default-features --features probe --bin xtask --";
    format!("{cargo} {}", words.join(" "))
}
