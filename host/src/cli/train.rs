//! The words of `train`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::data;
use crate::network::{arch, backend::Backend, train::FitOptions, verb as train};

#[derive(Debug, Args)]
pub(super) struct TrainWords {
    /// A named architecture (vgg-small, vgg11, vgg13, vgg16) or a specification such as 24,P,48,P,F256.
    #[arg(long, default_value = arch::DEFAULT)]
    arch: String,
    /// A data set (mini-fashion, fashion-mnist) or a folder: images in a sub-folder a class (PNG, JPEG), IDX files, or
    /// CIFAR-10's binary files.
    #[arg(long, default_value = data::DEFAULT, value_name = "NAME|DIR")]
    data: String,
    /// The part of burn that runs the network.
    #[arg(long, value_enum, default_value_t)]
    backend: Backend,
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

impl TrainWords {
    pub(super) fn plan(self) -> Result<train::Plan> {
        self.backend.choose()?;
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
