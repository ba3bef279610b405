//! Stochastic gradient descent with Nesterov momentum on the smoothed cross entropy.

use anyhow::{Result, ensure};

use super::backend;
use super::descent::Descent;
use super::weights::Network;
use crate::data::Images;
use crate::failure::Failure;

/// How a network is trained.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct FitOptions {
    /// How often each image is seen; may be a fraction.
    pub epochs: f64,
    /// Images per step.
    pub batch: usize,
    /// The highest learning rate.
    pub learning_rate: f64,
    /// The share of the steps in which the learning rate rises; then it falls to 0.
    pub warm_up: f64,
    /// How much of the last step's direction is kept.
    pub momentum: f64,
    /// L2 penalty on the weights of convolutions and linear layers.
    pub weight_decay: f32,
    /// The share of the target that goes to all classes alike.
    pub label_smoothing: f32,
    /// Mirror half of the images.
    pub flips: bool,
    /// Shift images by up to so many pixels.
    pub shifts: usize,
    /// Same seed, same training.
    pub seed: u64,
}

impl Default for FitOptions {
    fn default() -> FitOptions {
        FitOptions {
            epochs: 20.0,
            batch: 64,
            learning_rate: 0.05,
            warm_up: 0.1,
            momentum: 0.9,
            weight_decay: 5e-4,
            label_smoothing: 0.1,
            flips: true,
            shifts: 2,
            seed: 1,
        }
    }
}

impl FitOptions {
    /// Refuses options that make no sense.
    ///
    /// # Errors
    /// A value out of its range.
    pub fn check(&self) -> Result<()> {
        let complain = |what: &str| Err(Failure::Usage(what.to_owned()).into());
        match self {
            _ if !(self.epochs > 0.0 && self.epochs.is_finite()) => complain("epochs must be above 0"),
            _ if self.batch < 2 => complain("a batch must be 2 images or more: batch norm needs several"),
            _ if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) => {
                complain("the learning rate must be above 0")
            }
            _ if !(0.0..1.0).contains(&self.warm_up) => complain("the warm-up must be from 0 to below 1"),
            _ if !(0.0..1.0).contains(&self.label_smoothing) => {
                complain("the label smoothing must be from 0 to below 1")
            }
            _ if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) => {
                complain("the weight decay must not be negative")
            }
            _ => Ok(()),
        }
    }

    /// Steps per pass over `images` images; what does not fill a batch waits for another pass.
    pub fn steps_per_epoch(&self, images: usize) -> usize {
        (images / self.batch).max(1)
    }

    /// All steps.
    pub fn steps(&self, images: usize) -> usize {
        (self.epochs * self.steps_per_epoch(images) as f64).ceil() as usize
    }
}

/// A training that can go on: after `steps` steps.
#[derive(Debug, Clone)]
pub struct State {
    /// The network so far.
    pub network: Network,
    /// The optimizer's momentum, in burn's own format; empty at the start.
    pub momentum: Vec<u8>,
    /// Steps done.
    pub steps: usize,
}

/// What a training reports. Both methods may stay empty.
pub trait Watch {
    /// After each step: how many are done, the loss (nats per image), the number of images.
    fn step(&mut self, _done: usize, _loss: f64, _images: usize) {}

    /// After each whole epoch and at the end, with the state.
    ///
    /// # Errors
    /// Whatever should end the training.
    fn epoch(&mut self, _state: &State) -> Result<()> {
        Ok(())
    }
}

/// Watches nothing.
impl Watch for () {}

/// Trains `network` on `images`.
///
/// # Errors
/// A loss that is no number, or what `watch` returns.
pub fn fit(network: Network, images: &Images, options: &FitOptions, watch: &mut dyn Watch) -> Result<Network> {
    resume(State { network, momentum: Vec::new(), steps: 0 }, images, options, watch)
}

/// Goes on with a training; with the same images and options it ends where an uninterrupted one does. Errors as `fit`.
pub fn resume(state: State, images: &Images, options: &FitOptions, watch: &mut dyn Watch) -> Result<Network> {
    descend(state, None, images, options, watch)
}

/// Trains `network` to answer as another one does, whatever the labels say; `answers` are the other's to `images`, as
/// [`super::evaluate::answers`] gives them.
///
/// # Errors
/// As `fit`; flipped or shifted images, of which no answer is known.
pub fn distill(
    network: Network,
    answers: &[f32],
    images: &Images,
    options: &FitOptions,
    watch: &mut dyn Watch,
) -> Result<Network> {
    ensure!(!options.flips && options.shifts == 0, "answers are to images as they are: neither flip nor shift them");
    ensure!(
        answers.len() == images.len() * network.classes,
        "{} answers for {} images in {} classes",
        answers.len(),
        images.len(),
        network.classes
    );
    descend(State { network, momentum: Vec::new(), steps: 0 }, Some(answers), images, options, watch)
}

fn descend(
    mut state: State,
    answers: Option<&[f32]>,
    images: &Images,
    options: &FitOptions,
    watch: &mut dyn Watch,
) -> Result<Network> {
    ensure!(!images.is_empty(), "there are no training images: choose another --data");
    ensure!(
        images.shape == state.network.input,
        "the images are {}, the network takes {}",
        images.shape,
        state.network.input
    );
    let (per_epoch, steps) = (options.steps_per_epoch(images.len()), options.steps(images.len()));
    let mut run = Descent::new(&state, answers, images, options, &backend::device())?;
    while state.steps < steps {
        let to = ((state.steps / per_epoch + 1) * per_epoch).min(steps);
        run.epoch(state.steps..to, watch)?;
        state = State { network: run.network(&state.network)?, momentum: run.momentum()?, steps: to };
        watch.epoch(&state)?;
    }
    Ok(state.network)
}
