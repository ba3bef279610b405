//! The verb `prune` on a small real case, and its search of widths on many invented ones.
#![cfg(feature = "network")]

mod real_maps;
mod search;
mod whole_way;
