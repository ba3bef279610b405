//! How the loss, or a logit, answers when one filter's maps are scaled.

use anyhow::{Context, Result, ensure};
use burn::tensor::activation::{log_softmax, relu};
use burn::tensor::module::{conv2d, linear, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

use super::backend;
use super::batch::tensor;
use super::vgg::numbers;
use super::weights::{Layer, Network};
use crate::data::Images;
use crate::inform::Maps;

/// Images that run at once.
const BATCH: usize = 32;

/// d/dg of one layer's gates, `[image][filter]`.
#[derive(Clone, Debug, PartialEq)]
pub struct GateGradients {
    /// Filters, or hidden units.
    pub filters: usize,
    /// Per unit of the gate.
    pub values: Vec<f32>,
}

/// What is derived by the gates.
#[derive(Clone, Copy)]
enum Objective {
    /// Each image's own cross entropy with its label, in nats.
    Loss,
    /// Its logit of one class.
    Logit(usize),
}

/// dL/dg at g = 1 of every filter's gate g, which scales the filter's maps a after the ReLU: the sum over positions of
/// a dL/da. L is the image's own cross entropy with its label, in nats. One entry per prunable layer.
///
/// The network is the one that infers: its batch norms use their running statistics. Images therefore do not see each
/// other, and one backward pass over a batch gives each image's gradient exactly.
///
/// # Errors
/// Images of another size than the network's.
pub fn of_gates(network: &Network, images: &Images) -> Result<Vec<GateGradients>> {
    gates(network, images, Objective::Loss)
}

/// What every filter adds to each class's logit z_c, to first order: dz_c/dg = the sum over positions of a dz_c/da, less its mean
/// over the classes, which softmax does not see. One entry per prunable layer, with a position for each class.
///
/// Gradient times activation (Ancona et al. 2018, arXiv 1711.06104), of a whole filter. No label is read. It takes a forward and
/// a backward pass a class.
///
/// # Errors
/// Images of another size than the network's; values that are not finite.
pub fn contributions(network: &Network, images: &Images) -> Result<Vec<Maps>> {
    let of = |class| gates(network, images, Objective::Logit(class));
    let classes: Vec<Vec<GateGradients>> = (0..network.classes).into_par_iter().map(of).collect::<Result<_>>()?;
    let layer = |layer: usize| {
        let filters = classes[0][layer].filters;
        let values = (0..filters).flat_map(|filter| (0..images.len()).map(move |image| image * filters + filter));
        let centred = |at: usize| {
            let mean = classes.iter().map(|class| class[layer].values[at]).sum::<f32>() / classes.len() as f32;
            classes.iter().map(move |class| class[layer].values[at] - mean)
        };
        Maps::new(images.len(), filters, classes.len(), values.flat_map(centred).collect())
    };
    (0..network.prunable().len()).map(layer).collect()
}

fn gates(network: &Network, images: &Images, objective: Objective) -> Result<Vec<GateGradients>> {
    ensure!(
        images.shape == network.input,
        "the images are {}, the network was trained on {}: choose another --data",
        images.shape,
        network.input
    );
    let device = backend::device().autodiff();
    let steps: Vec<Step> = network.layers.iter().map(|layer| Step::new(layer, &device)).collect();
    let mut layers: Vec<GateGradients> = Vec::new();
    for from in (0..images.len()).step_by(BATCH) {
        let to = (from + BATCH).min(images.len());
        let inputs = tensor(images, from, to, network.normalization, &device);
        let batch = batch(&steps, inputs, |logits| match objective {
            Objective::Loss => {
                let targets = one_hot(&images.labels[from..to], network.classes, &device);
                (log_softmax(logits, 1) * targets).sum().neg()
            }
            Objective::Logit(class) => logits.narrow(1, class, 1).sum(),
        })?;
        if layers.is_empty() {
            layers = batch;
        } else {
            layers.iter_mut().zip(batch).for_each(|(layer, batch)| layer.values.extend(batch.values));
        }
    }
    Ok(layers)
}

/// A layer with its batch norm folded in.
enum Step {
    Conv {
        weight: Tensor<4>,
        bias: Tensor<1>,
    },
    Pool,
    /// With a ReLU, and weights `[input][output]`.
    Hidden {
        weight: Tensor<2>,
        bias: Tensor<1>,
    },
    Classifier {
        weight: Tensor<2>,
        bias: Tensor<1>,
    },
}

impl Step {
    fn new(layer: &Layer, device: &Device) -> Self {
        let dense = |weights: Vec<f32>, outputs: usize| {
            let inputs = weights.len() / outputs;
            Tensor::<2>::from_data(TensorData::new(weights, [outputs, inputs]), device).transpose()
        };
        let vector = |values: Vec<f32>| {
            let length = values.len();
            Tensor::<1>::from_data(TensorData::new(values, [length]), device)
        };
        match layer {
            Layer::Conv(conv) => {
                let (weight, bias) = conv.norm.folded(&conv.weight_oihw);
                let shape = [conv.outputs, conv.inputs, 3, 3];
                Step::Conv { weight: Tensor::from_data(TensorData::new(weight, shape), device), bias: vector(bias) }
            }
            Layer::Pool => Step::Pool,
            Layer::Hidden(hidden) => {
                let (weight, bias) = hidden.norm.folded(&hidden.weight_oi);
                Step::Hidden { weight: dense(weight, hidden.outputs), bias: vector(bias) }
            }
            Layer::Classifier(last) => Step::Classifier {
                weight: dense(last.weight_oi.clone(), last.outputs),
                bias: vector(last.bias.clone()),
            },
        }
    }
}

fn one_hot(labels: &[u8], classes: usize, device: &Device) -> Tensor<2> {
    let mut targets = vec![0.0_f32; labels.len() * classes];
    targets.chunks_exact_mut(classes).zip(labels).for_each(|(row, &label)| row[usize::from(label)] = 1.0);
    Tensor::from_data(TensorData::new(targets, [labels.len(), classes]), device)
}

/// The gates of one layer, one per image and filter.
enum Gate {
    Maps(Tensor<4>),
    Values(Tensor<2>),
}

/// Runs a batch forward and back. The objective is a sum over images, so that each gate gets its own image's gradient.
fn batch(steps: &[Step], inputs: Tensor<4>, objective: impl Fn(Tensor<2>) -> Tensor<1>) -> Result<Vec<GateGradients>> {
    let (gates, logits) = forward(steps, inputs);
    let gradients = objective(logits).backward();
    let gradient = |gate: &Gate| {
        let (filters, values) = match gate {
            Gate::Maps(gate) => (gate.dims()[1], gate.grad(&gradients).map(numbers)),
            Gate::Values(gate) => (gate.dims()[1], gate.grad(&gradients).map(numbers)),
        };
        Ok(GateGradients { filters, values: values.context("the logits do not depend on a layer")?? })
    };
    gates.iter().map(gradient).collect()
}

/// The gates, and the logits behind them.
fn forward(steps: &[Step], inputs: Tensor<4>) -> (Vec<Gate>, Tensor<2>) {
    let (mut gates, mut maps, mut flat) = (Vec::new(), inputs, None);
    let values = |flat: Option<Tensor<2>>, maps: &Tensor<4>| flat.unwrap_or_else(|| maps.clone().flatten::<2>(1, 3));
    for step in steps {
        match step {
            Step::Conv { weight, bias } => {
                let padded = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
                maps = relu(conv2d(maps, weight.clone(), Some(bias.clone()), padded));
                let [images, filters, ..] = maps.dims();
                let gate = Tensor::<4>::ones([images, filters, 1, 1], &maps.device()).require_grad();
                maps = maps * gate.clone();
                gates.push(Gate::Maps(gate));
            }
            Step::Pool => maps = max_pool2d(maps, MaxPoolOptions::new([2, 2])),
            Step::Hidden { weight, bias } => {
                let output = relu(linear(values(flat, &maps), weight.clone(), Some(bias.clone())));
                let gate = Tensor::<2>::ones(output.dims(), &output.device()).require_grad();
                flat = Some(output * gate.clone());
                gates.push(Gate::Values(gate));
            }
            Step::Classifier { weight, bias } => {
                flat = Some(linear(values(flat, &maps), weight.clone(), Some(bias.clone())));
            }
        }
    }
    (gates, values(flat, &maps))
}
