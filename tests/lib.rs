//! What the end-to-end tests share.

pub mod bench;
pub mod case;
pub mod small;
pub mod untrained;
