//! The burn module of a network.

use std::ops::Range;

use anyhow::{Result, bail};
use burn::module::{Module, Param, ParamId, RunningState};
use burn::nn::{BatchNorm as BurnNorm, BatchNormConfig};
use burn::tensor::activation::relu;
use burn::tensor::module::{conv2d, linear, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData};

use super::arch::Item;
use super::weights::{BatchNorm, Layer, Network};

/// What a layer gives after its ReLU, or takes.
#[derive(Debug, Clone)]
pub enum Tap {
    /// Of a convolution or pool: `[n, channels, height, width]`.
    Maps(Tensor<4>),
    /// Of a hidden layer: `[n, outputs]`.
    Values(Tensor<2>),
}

impl Tap {
    fn flat(self) -> Tensor<2> {
        match self {
            Tap::Maps(maps) => maps.flatten(1, 3),
            Tap::Values(values) => values,
        }
    }
}

/// A convolution, weight `[output, input, 3, 3]`, with its batch norm.
#[derive(Module, Debug)]
struct ConvBlock {
    weight: Param<Tensor<4>>,
    norm: BurnNorm,
}

/// A fully connected layer, weight `[input, output]` (burn's order), with its batch norm.
#[derive(Module, Debug)]
struct HiddenBlock {
    weight: Param<Tensor<2>>,
    norm: BurnNorm,
}

/// A network that burn can run and train. On an autodiff device batch norm uses and updates the batch's statistics,
/// on any other device it uses the running ones.
#[derive(Module, Debug)]
pub struct Vgg {
    convs: Vec<ConvBlock>,
    hidden: Vec<HiddenBlock>,
    /// `[input, class]`.
    classifier: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
    #[module(skip)]
    items: Vec<Item>,
}

impl Vgg {
    /// The network's parameters on `device`. Parameter ids are counted from 1, so that an optimizer's saved state
    /// finds them again in another process.
    ///
    /// # Errors
    /// A network without its last layer.
    pub fn new(network: &Network, device: &Device) -> Result<Vgg> {
        let mut place = Place { device, next_id: 1 };
        let (mut convs, mut hidden) = (Vec::new(), Vec::new());
        for layer in &network.layers {
            match layer {
                Layer::Conv(conv) => convs.push(ConvBlock {
                    weight: place.parameter(conv.weight_oihw.clone(), [conv.outputs, conv.inputs, 3, 3]),
                    norm: place.norm(&conv.norm),
                }),
                Layer::Pool => {}
                Layer::Hidden(layer) => hidden.push(HiddenBlock {
                    weight: place.parameter(transposed(&layer.weight_oi, layer.inputs), [layer.inputs, layer.outputs]),
                    norm: place.norm(&layer.norm),
                }),
                Layer::Classifier(last) => {
                    let weight = transposed(&last.weight_oi, last.inputs);
                    let classifier = place.parameter(weight, [last.inputs, last.outputs]);
                    let bias = place.parameter(last.bias.clone(), [last.outputs]);
                    return Ok(Vgg { convs, hidden, classifier, bias, items: network.arch.items().to_vec() });
                }
            }
        }
        bail!("the network {} has no classifier: train it again", network.arch)
    }

    /// Logits `[n, classes]` of normalized images `[n, channels, height, width]`.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.classified(self.run(Tap::Maps(images), 0..self.items.len(), |_| ()))
    }

    /// As `forward`, with what each prunable layer gave, in order.
    pub fn forward_with_taps(&self, images: Tensor<4>) -> (Vec<Tap>, Tensor<2>) {
        let mut taps = Vec::new();
        let last = self.run(Tap::Maps(images), 0..self.items.len(), |tap| taps.push(tap.clone()));
        (taps, self.classified(last))
    }

    /// What the layer at the range's end takes, from what the one at its start does; pools count.
    pub fn through(&self, taken: Tap, layers: Range<usize>) -> Tap {
        self.run(taken, layers, |_| ())
    }

    /// What these layers give; `tap` sees what each prunable one of them does.
    fn run(&self, taken: Tap, layers: Range<usize>, mut tap: impl FnMut(&Tap)) -> Tap {
        let (before, items) = (&self.items[..layers.start], &self.items[layers]);
        let earlier = |is_kind: fn(&Item) -> bool| before.iter().filter(|item| is_kind(item)).count();
        let mut convs = self.convs.iter().skip(earlier(|item| matches!(item, Item::Conv(_))));
        let mut hidden = self.hidden.iter().skip(earlier(|item| matches!(item, Item::Hidden(_))));
        let mut now = taken;
        for item in items {
            now = match (item, now) {
                (Item::Conv(_), Tap::Maps(maps)) => {
                    let Some(block) = convs.next() else { return Tap::Maps(maps) };
                    Tap::Maps(relu(block.norm.forward(conv2d(maps, block.weight.val(), None, padded()))))
                }
                (Item::Hidden(_), before) => {
                    let Some(block) = hidden.next() else { return before };
                    Tap::Values(relu(block.norm.forward(linear(before.flat(), block.weight.val(), None))))
                }
                (Item::Pool, Tap::Maps(maps)) => Tap::Maps(max_pool2d(maps, MaxPoolOptions::new([2, 2]))),
                // An architecture has no convolution and no pool after a hidden layer.
                (Item::Conv(_) | Item::Pool, values) => return values,
            };
            if *item != Item::Pool {
                tap(&now);
            }
        }
        now
    }

    fn classified(&self, last: Tap) -> Tensor<2> {
        linear(last.flat(), self.classifier.val(), Some(self.bias.val()))
    }

    /// The present parameters as a network that is otherwise `like`.
    ///
    /// # Errors
    /// Parameters that cannot be read back from the device.
    pub fn to_network(&self, like: &Network) -> Result<Network> {
        let mut network = like.clone();
        let (mut convs, mut hidden) = (self.convs.iter(), self.hidden.iter());
        for layer in &mut network.layers {
            match layer {
                Layer::Conv(conv) => {
                    let Some(block) = convs.next() else { continue };
                    conv.weight_oihw = numbers(block.weight.val())?;
                    conv.norm = plain_norm(&block.norm, conv.norm.epsilon)?;
                }
                Layer::Pool => {}
                Layer::Hidden(layer) => {
                    let Some(block) = hidden.next() else { continue };
                    layer.weight_oi = transposed(&numbers(block.weight.val())?, layer.outputs);
                    layer.norm = plain_norm(&block.norm, layer.norm.epsilon)?;
                }
                Layer::Classifier(last) => {
                    last.weight_oi = transposed(&numbers(self.classifier.val())?, last.outputs);
                    last.bias = numbers(self.bias.val())?;
                }
            }
        }
        Ok(network)
    }
}

/// Stride 1, padding 1.
fn padded() -> ConvOptions<2> {
    ConvOptions::new([1, 1], [1, 1], [1, 1], 1)
}

/// Where parameters go, and the id that the next one gets.
struct Place<'a> {
    device: &'a Device,
    next_id: u64,
}

impl Place<'_> {
    fn parameter<const D: usize>(&mut self, values: Vec<f32>, shape: [usize; D]) -> Param<Tensor<D>> {
        let tensor = self.tensor(values, shape);
        let tensor = if self.device.is_autodiff() { tensor.require_grad() } else { tensor };
        Param::initialized(self.id(), tensor)
    }

    fn norm(&mut self, norm: &BatchNorm) -> BurnNorm {
        let channels = [norm.gamma.len()];
        let mut burn = BatchNormConfig::new(channels[0]).with_epsilon(f64::from(norm.epsilon)).init(self.device);
        burn.gamma = self.parameter(norm.gamma.clone(), channels);
        burn.beta = self.parameter(norm.beta.clone(), channels);
        burn.running_mean = RunningState::with_id(self.id(), self.tensor(norm.mean.clone(), channels));
        burn.running_var = RunningState::with_id(self.id(), self.tensor(norm.variance.clone(), channels));
        burn
    }

    fn tensor<const D: usize>(&self, values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(values, shape), self.device)
    }

    fn id(&mut self) -> ParamId {
        let id = self.next_id;
        self.next_id += 1;
        ParamId::from(id)
    }
}

/// The numbers of a tensor, row by row.
pub(super) fn numbers<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    tensor.try_into_vec_as::<f32>().map_err(|why| anyhow::anyhow!("cannot read a tensor back: {why:?}"))
}

fn plain_norm(norm: &BurnNorm, epsilon: f32) -> Result<BatchNorm> {
    Ok(BatchNorm {
        gamma: numbers(norm.gamma.val())?,
        beta: numbers(norm.beta.val())?,
        mean: numbers(norm.running_mean.value_sync())?,
        variance: numbers(norm.running_var.value_sync())?,
        epsilon,
    })
}

/// A matrix with rows of `columns` numbers, transposed.
fn transposed(rows: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| rows.iter().skip(column).step_by(columns).copied()).collect()
}
