//! The inner loops of Cortex-M0 and M0+.

pub use super::portable::*;
