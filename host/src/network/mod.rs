//! The float VGG: what it is (`arch`), its weights without burn (`weights`, `checkpoint`), the burn module
//! (`vgg`), and what is done with it (`train`, `evaluate`).

pub mod arch;
mod augment;
pub mod backend;
pub mod batch;
pub mod checkpoint;
mod descent;
pub mod evaluate;
pub mod gradients;
pub mod import;
pub mod schedule;
pub mod taps;
#[cfg(test)]
mod tests;
pub mod train;
pub mod verb;
pub mod vgg;
pub mod weights;

pub use arch::{Arch, Item};
pub use weights::{BatchNorm, Classifier, Conv, Hidden, Layer, Network, Normalization};
