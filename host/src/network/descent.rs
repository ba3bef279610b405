//! One training's moving parts: the module, its optimizer, the order and the changes of images.

use std::ops::Range;

use anyhow::{Result, ensure};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, LearningRate, ModuleOptimizer, Optimizer, Sgd, SgdConfig, SgdState};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Bytes, Device, Tensor, TensorData};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::augment::Augmentation;
use super::batch::nchw_tensor;
use super::schedule::Schedule;
use super::train::{FitOptions, State, Watch};
use super::vgg::Vgg;
use super::weights::{Network, Normalization};
use crate::data::Images;

/// A training under way.
pub(super) struct Descent<'a> {
    vgg: Vgg,
    /// Shares `[image][class]` that are learned in place of the labels. Hinton et al. 2015 (arXiv 1503.02531), at temperature 1:
    /// what a network that was trained on smoothed labels says is soft already.
    answers: Option<&'a [f32]>,
    optimizer: ModuleOptimizer,
    device: Device,
    images: &'a Images,
    options: &'a FitOptions,
    classes: usize,
    normalization: Normalization,
    schedule: Schedule,
}

impl<'a> Descent<'a> {
    pub(super) fn new(
        state: &State,
        answers: Option<&'a [f32]>,
        images: &'a Images,
        options: &'a FitOptions,
        device: &Device,
    ) -> Result<Descent<'a>> {
        let device = device.clone().autodiff();
        let mut optimizer = ModuleOptimizer::from(DecayedSgd::new(options));
        if !state.momentum.is_empty() {
            let bytes = Bytes::from_bytes_vec(state.momentum.clone());
            let damaged = |why| anyhow::anyhow!("cannot read the optimizer's state ({why:?}): train without --resume");
            optimizer = optimizer.from_bytes(bytes).map_err(damaged)?;
        }
        Ok(Descent {
            vgg: Vgg::new(&state.network, &device)?,
            answers,
            optimizer,
            device,
            images,
            options,
            classes: state.network.classes,
            normalization: state.network.normalization,
            schedule: Schedule {
                peak: options.learning_rate,
                warm_up: options.warm_up,
                steps: options.steps(images.len()),
            },
        })
    }

    /// Does the steps `steps`, which lie in one epoch and start where it starts.
    pub(super) fn epoch(&mut self, steps: Range<usize>, watch: &mut dyn Watch) -> Result<()> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.options.seed);
        rng.set_stream((steps.start / self.options.steps_per_epoch(self.images.len())) as u64 + 1);
        let mut order: Vec<usize> = (0..self.images.len()).collect();
        order.shuffle(&mut rng);
        let batch = self.options.batch.min(order.len());
        for (step, indices) in steps.zip(order.chunks_exact(batch)) {
            let loss = self.step(step, indices, &mut rng)?;
            ensure!(
                loss.is_finite(),
                "the loss is {loss} at step {}: lower the learning rate, now {}",
                step + 1,
                self.options.learning_rate
            );
            watch.step(step + 1, loss, indices.len());
        }
        Ok(())
    }

    /// One step on the images at `indices`; their mean loss.
    fn step(&mut self, step: usize, indices: &[usize], rng: &mut ChaCha8Rng) -> Result<f64> {
        let augmentation =
            Augmentation { flips: self.options.flips, shifts: self.options.shifts, fill: self.normalization.mean };
        let pixels = augmentation.pixels(self.images, indices, rng);
        let answer = |answers: &'a [f32], index: usize| &answers[index * self.classes..(index + 1) * self.classes];
        let targets = match self.answers {
            Some(answers) => indices.iter().flat_map(|&index| answer(answers, index)).copied().collect(),
            None => self.labels(indices),
        };
        let inputs = nchw_tensor(&pixels, self.images.shape, self.normalization, &self.device);
        let targets = TensorData::new(targets, [indices.len(), self.classes]);
        let loss = cross_entropy(self.vgg.forward(inputs), Tensor::from_data(targets, &self.device));
        let gradients = GradientsParams::from_grads(loss.backward(), &self.vgg);
        self.vgg = self.optimizer.step(self.schedule.rate(step), self.vgg.clone(), gradients);
        Ok(f64::from(loss.into_scalar::<f32>()))
    }

    /// Labels, smoothed, `[image][class]`. Szegedy et al. 2016, section 7.
    fn labels(&self, indices: &[usize]) -> Vec<f32> {
        let smoothing = self.options.label_smoothing;
        let mut targets = vec![smoothing / self.classes as f32; indices.len() * self.classes];
        for (row, &index) in targets.chunks_exact_mut(self.classes).zip(indices) {
            row[usize::from(self.images.labels[index])] += 1.0 - smoothing;
        }
        targets
    }

    /// The network so far, otherwise `like`.
    pub(super) fn network(&self, like: &Network) -> Result<Network> {
        self.vgg.to_network(like)
    }

    /// The optimizer's state, in burn's format.
    pub(super) fn momentum(&self) -> Result<Vec<u8>> {
        let bytes = self.optimizer.into_bytes();
        Ok(bytes.map_err(|why| anyhow::anyhow!("cannot keep the optimizer's state: {why:?}"))?.to_vec())
    }
}

/// Cross entropy in nats, the mean over images; targets `[image][class]`.
fn cross_entropy(logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    let images = logits.dims()[0] as f32;
    (log_softmax(logits, 1) * targets).sum().div_scalar(-images)
}

/// Gradient descent with Nesterov momentum whose weight decay spares batch norms and biases, the parameters of rank 1.
#[derive(Clone)]
struct DecayedSgd {
    weights: Sgd,
    rest: Sgd,
}

impl DecayedSgd {
    fn new(options: &FitOptions) -> DecayedSgd {
        let momentum = MomentumConfig::new().with_momentum(options.momentum).with_dampening(0.0).with_nesterov(true);
        let rest = SgdConfig::new().with_momentum(Some(momentum));
        let weights = rest.clone().with_weight_decay(Some(WeightDecayConfig::new(options.weight_decay)));
        DecayedSgd { weights: weights.build(), rest: rest.build() }
    }
}

impl Optimizer for DecayedSgd {
    type State<const D: usize> = SgdState<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<SgdState<D>>,
    ) -> (Tensor<D>, Option<SgdState<D>>) {
        let sgd = if D > 1 { &self.weights } else { &self.rest };
        sgd.step(rate, parameter, gradient, state)
    }

    fn to_device<const D: usize>(state: SgdState<D>, device: &Device) -> SgdState<D> {
        Sgd::to_device(state, device)
    }
}
