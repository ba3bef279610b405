//! `cargo xtask`: see `secateur::cli`.

use std::process::ExitCode;

use clap::Parser;
use secateur::{cli, failure::Failure};

fn main() -> ExitCode {
    match cli::run(cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(error.downcast_ref::<Failure>().map_or(1, Failure::exit_code))
        }
    }
}
