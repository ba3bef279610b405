//! Secateur's desk side: everything behind `cargo xtask VERB`.

pub mod check;
pub mod cli;
pub mod data;
pub mod export;
pub mod failure;
pub mod inform;
#[cfg(feature = "network")]
pub mod network;
#[cfg(feature = "network")]
pub mod prune;
pub mod quantize;
pub mod report;
pub mod rig;
pub mod tflite;
