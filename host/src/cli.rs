//! The command line: words as typed (`Cli`), turned into a plan of work.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::data;
#[cfg(feature = "network")]
use crate::network::{arch, train::FitOptions, verb as train};

/// Prunes a VGG-style network until it fits a microcontroller, and proves it there.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Train a network and save it.
    #[cfg(feature = "network")]
    Train(TrainWords),
    /// List the data sets, or make the embedded one.
    Data(DataWords),
}

/// Does what the command line says.
///
/// # Errors
/// Whatever the verb returns; see `failure` for the exit codes.
pub fn run(cli: Cli) -> Result<()> {
    match cli.verb {
        #[cfg(feature = "network")]
        Verb::Train(words) => train::run(&words.plan()?),
        Verb::Data(words) => data::verb::run(&words.plan()),
    }
}

#[derive(Debug, Args)]
struct DataWords {
    /// Write the embedded data set again, from the full Fashion-MNIST in DIR.
    #[arg(long, value_name = "DIR")]
    make_mini: Option<PathBuf>,
}

impl DataWords {
    fn plan(self) -> data::verb::Plan {
        self.make_mini.map_or(data::verb::Plan::List, data::verb::Plan::MakeMini)
    }
}

#[cfg(feature = "network")]
#[derive(Debug, Args)]
struct TrainWords {
    /// A named architecture (vgg-small, vgg11, vgg13, vgg16) or a specification such as 24,P,48,P,F256.
    #[arg(long, default_value = arch::DEFAULT)]
    arch: String,
    /// A data set (mini-fashion, fashion-mnist) or a folder with IDX or CIFAR-10 binary files.
    #[arg(long, default_value = data::DEFAULT)]
    data: String,
    /// How often each image is seen; may be a fraction.
    #[arg(long, default_value_t = FitOptions::default().epochs)]
    epochs: f64,
    /// Images per step.
    #[arg(long, default_value_t = FitOptions::default().batch)]
    batch: usize,
    /// The highest learning rate of the schedule.
    #[arg(long, default_value_t = FitOptions::default().learning_rate)]
    learning_rate: f64,
    /// The share of the steps in which the learning rate rises.
    #[arg(long, default_value_t = FitOptions::default().warm_up)]
    warm_up: f64,
    /// L2 penalty on the weights.
    #[arg(long, default_value_t = FitOptions::default().weight_decay)]
    weight_decay: f32,
    /// The share of the target that goes to all classes alike.
    #[arg(long, default_value_t = FitOptions::default().label_smoothing)]
    label_smoothing: f32,
    /// Shift training images by up to so many pixels.
    #[arg(long, default_value_t = FitOptions::default().shifts)]
    shifts: usize,
    /// Do not mirror training images.
    #[arg(long)]
    no_flips: bool,
    /// Same seed, same training.
    #[arg(long, default_value_t = FitOptions::default().seed)]
    seed: u64,
    /// Where the network goes [default: out/<arch>-<data>.safetensors].
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Go on with an interrupted training of the same output and flags.
    #[arg(long)]
    resume: bool,
    /// Write the figures to FILE.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[cfg(feature = "network")]
impl TrainWords {
    fn plan(self) -> Result<train::Plan> {
        let options = FitOptions {
            epochs: self.epochs,
            batch: self.batch,
            learning_rate: self.learning_rate,
            warm_up: self.warm_up,
            weight_decay: self.weight_decay,
            label_smoothing: self.label_smoothing,
            flips: !self.no_flips,
            shifts: self.shifts,
            seed: self.seed,
            ..FitOptions::default()
        };
        options.check()?;
        let arch = self.arch.parse()?;
        Ok(train::Plan { arch, data: self.data, options, output: self.output, resume: self.resume, json: self.json })
    }
}
