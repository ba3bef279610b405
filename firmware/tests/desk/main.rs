//! The engine and its session on the desk: whatever a blob or a frame holds, nothing panics.

mod blob;
mod cut;
mod example;
mod extremes;
mod faults;
mod formulas;
mod hostile;
mod hot;
mod pipe;
mod requests;
mod session;
#[path = "../../../shared/tests/support/tables.rs"]
mod tables;
