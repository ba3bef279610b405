//! The integer engine: runs a checked model over an arena, on the desk and on the chip with the same code.
#![no_std]
#![cfg_attr(not(any(feature = "chip", feature = "bare", kernels = "dsp", kernels = "m0plus")), forbid(unsafe_code))]

#[cfg(feature = "bare")]
pub mod bare;
#[cfg(feature = "chip")]
pub mod chip;
#[cfg(feature = "chip")]
mod counter;
pub mod engine;
pub mod kernels;
#[cfg(target_os = "none")]
mod memory;
pub mod session;
pub mod tensors;
#[cfg(any(all(feature = "chip", armv6m), test))]
mod ticks;

pub use engine::{Engine, argmax};
