//! Training after surgery.

use std::sync::OnceLock;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};

use crate::data::Images;
use crate::network::train::{FitOptions, Watch, distill};
use crate::network::{Network, evaluate};

/// What fine-tuning starts from: the training's own recipe, shorter and gentler, and on images as they are: the unpruned network
/// answers for them, and a network that was reconstructed on them needs no others (README, "What was tried").
pub fn defaults() -> FitOptions {
    FitOptions { epochs: 2.0, learning_rate: 0.005, warm_up: 0.05, flips: false, shifts: 0, ..FitOptions::default() }
}

/// The network that pruned ones learn from, and what it says of the training images: found out when first asked for, once.
pub struct Teacher {
    network: Network,
    answers: OnceLock<Vec<f32>>,
}

impl Teacher {
    /// Of this network's pruned ones.
    pub fn new(network: &Network) -> Self {
        Self { network: network.clone(), answers: OnceLock::new() }
    }

    /// As trained.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// To the training images, which are always the same.
    ///
    /// # Errors
    /// Images of another size.
    pub(super) fn answers(&self, train: &Images) -> Result<&[f32]> {
        if let Some(known) = self.answers.get() {
            return Ok(known);
        }
        let answers = evaluate::answers(&self.network, train)?;
        Ok(self.answers.get_or_init(|| answers))
    }
}

/// Trains a pruned network on the training images to answer as the unpruned one does: at equal epochs that wins back more
/// than the labels do (README, "What was tried"). Where nothing was removed there is nothing to win back.
///
/// # Errors
/// Those of `distill`.
pub fn fine_tune(pruned: Network, teacher: &Teacher, train: &Images, options: &FitOptions) -> Result<Network> {
    if pruned.arch == teacher.network.arch {
        return Ok(pruned);
    }
    let options = FitOptions { epochs: epochs(options.epochs, &teacher.network, &pruned)?, ..options.clone() };
    self::train(pruned, teacher, train, &options)
}

/// As [`fine_tune`], for just so many epochs; 0 are none.
pub(super) fn train(pruned: Network, teacher: &Teacher, train: &Images, options: &FitOptions) -> Result<Network> {
    if options.epochs == 0.0 {
        return Ok(pruned);
    }
    let style = ProgressStyle::with_template("fine-tune {bar:40} {pos}/{len} steps, {msg}, {eta} left");
    let bar = ProgressBar::new(options.steps(train.len()) as u64);
    let mut watch = Bar(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())));
    let flags = "fine-tuning (--fine-tune-epochs, --fine-tune-rate)";
    let network = distill(pruned, teacher.answers(train)?, train, options, &mut watch).context(flags)?;
    watch.0.finish_and_clear();
    Ok(network)
}

/// A network that keeps the share s of its weights is trained 1 / sqrt(s) times as long as one that keeps them all.
pub(super) fn epochs(whole: f64, unpruned: &Network, pruned: &Network) -> Result<f64> {
    Ok(whole * (unpruned.weights()? as f64 / pruned.weights()? as f64).sqrt())
}

struct Bar(ProgressBar);

impl Watch for Bar {
    fn step(&mut self, done: usize, loss: f64, _images: usize) {
        self.0.set_position(done as u64);
        self.0.set_message(format!("loss {loss:.3}"));
    }
}
