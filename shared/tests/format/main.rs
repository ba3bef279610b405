//! The blob's format, held to the byte: what FORMAT.md says is what `Model::parse` reads.

mod example;
mod pinned;
mod refusals;
