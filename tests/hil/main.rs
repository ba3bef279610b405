//! What a board must be able to do, hardware or emulated: a module for each capability, every test on each board.
//!
//! The boards are those of the environment variable `SECATEUR_BOARDS`, which `cargo xtask hil --board B,B` sets, or
//! else every emulated one. A board that cannot be reached fails every test, with words on what to do.

mod cut;
mod faults;
mod hello;
mod infer;
mod line;
mod load;
mod memory;
mod place;
mod profile;
mod refuse;
mod restart;
mod verify;
