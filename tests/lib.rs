//! What the end-to-end tests share.

pub mod bench;
pub mod case;
#[cfg(feature = "network")]
pub mod small;
pub mod untrained;
