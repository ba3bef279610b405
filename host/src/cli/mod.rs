//! The command line: words as typed (`Cli`), turned into a plan of work.

mod board;
#[cfg(feature = "network")]
mod compare;
mod flash;
mod import;
mod infer;
#[cfg(feature = "network")]
mod prune;
#[cfg(feature = "network")]
mod train;
mod verify;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::{check, data, rig};

/// Prunes a VGG-style network until it fits a microcontroller, and proves it there.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Rank, prune to a budget, fine-tune, quantise, export, and run on the board.
    #[cfg(feature = "network")]
    Prune(prune::PruneWords),
    /// Prune by several rankings to several budgets, and compare what is left.
    #[cfg(feature = "network")]
    Compare(compare::CompareWords),
    /// Run a pruned network's test images on the board and compare every logit with the desk's.
    Verify(verify::VerifyWords),
    /// Take in a network of another tool: a quantised one as a blob, with the same outputs to the bit, or weights to prune.
    Import(import::ImportWords),
    /// Run a blob on inputs from a file, here or on a board.
    Infer(infer::InferWords),
    /// Start a pruned network on the board and show some of its answers.
    Run(verify::RunWords),
    /// Count a pruned network's instructions on the emulated board, layer by layer, and estimate its cycles; or count cycles by
    /// the counter of a board on the desk.
    Bench(board::BenchWords),
    /// Flash a pruned network's image, or its model alone, onto a board on the desk; or write a UF2 file.
    Flash(flash::FlashWords),
    /// Show where the flash and RAM of a pruned network's image go, by function.
    Sizes(board::SizesWords),
    /// List the boards, what is connected, and which hold the default network.
    Boards(board::BoardsWords),
    /// Rank the filters of a network and show how much each layer tells.
    #[cfg(feature = "network")]
    Survey(prune::SurveyWords),
    /// Train a network and save it.
    #[cfg(feature = "network")]
    Train(train::TrainWords),
    /// List the data sets, or make the embedded one.
    Data(DataWords),
    /// Install what the other verbs need: a compiler for the chips, an emulator.
    Setup(board::SetupWords),
    /// Check everything: format, lints, unit tests, golden cases, the emulated board.
    Test,
    /// Check what a board can do, hardware or emulated: one test a capability.
    Hil(board::HilWords),
}

/// Does what the command line says.
///
/// # Errors
/// Whatever the verb returns; see `failure` for the exit codes.
pub fn run(cli: Cli) -> Result<()> {
    match cli.verb {
        #[cfg(feature = "network")]
        Verb::Prune(words) => crate::prune::verb::run(&words.request()?),
        #[cfg(feature = "network")]
        Verb::Compare(words) => words.run(),
        Verb::Verify(words) => words.run(),
        Verb::Import(words) => words.run(),
        Verb::Infer(words) => rig::infer::run(&words.request()?),
        Verb::Run(words) => rig::run::run(&words.request()?),
        Verb::Bench(words) => words.run(),
        Verb::Flash(words) => rig::flash::run(&words.request()?),
        Verb::Sizes(words) => words.run(),
        Verb::Boards(words) => words.run(),
        #[cfg(feature = "network")]
        Verb::Survey(words) => crate::prune::survey_verb::run(&words.request()?),
        #[cfg(feature = "network")]
        Verb::Train(words) => crate::network::verb::run(&words.plan()?),
        Verb::Data(words) => data::verb::run(&words.plan()),
        Verb::Setup(words) => words.run(),
        Verb::Test => check::run(),
        Verb::Hil(words) => words.run(),
    }
}

#[derive(Debug, Args)]
struct DataWords {
    /// Write the embedded data set again, from the full Fashion-MNIST in DIR.
    #[arg(long, value_name = "DIR")]
    make_mini: Option<PathBuf>,
    /// Write the list to FILE, as data.
    #[arg(long, value_name = "FILE", conflicts_with = "make_mini")]
    json: Option<PathBuf>,
}

impl DataWords {
    fn plan(self) -> data::verb::Plan {
        self.make_mini.map_or(data::verb::Plan::List(self.json), data::verb::Plan::MakeMini)
    }
}
