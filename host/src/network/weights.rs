//! The float network as plain numbers: what surgery, batch-norm folding and files work on. No burn here.

use anyhow::Result;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::arch::{Arch, Item};
use crate::data::{Images, Shape};

/// Batch norm over channels: y = γ (x − mean) / sqrt(variance + ε) + β. Ioffe and Szegedy 2015, algorithm 2.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchNorm {
    /// γ, one per channel.
    pub gamma: Vec<f32>,
    /// β, one per channel.
    pub beta: Vec<f32>,
    /// The running mean, one per channel.
    pub mean: Vec<f32>,
    /// The running variance, one per channel.
    pub variance: Vec<f32>,
    /// ε, against division by zero.
    pub epsilon: f32,
}

impl BatchNorm {
    /// The identity (up to ε) on so many channels.
    pub fn identity(channels: usize) -> BatchNorm {
        BatchNorm {
            gamma: vec![1.0; channels],
            beta: vec![0.0; channels],
            mean: vec![0.0; channels],
            variance: vec![1.0; channels],
            epsilon: 1e-5,
        }
    }

    /// The layer before it with the norm folded in: W' = W g and b' = β - μ g, with g = γ / sqrt(variance + ε). The weights
    /// are output by output, each with as many.
    pub fn folded(&self, weights: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let pairs = self.gamma.iter().zip(&self.variance);
        let gains: Vec<f32> = pairs.map(|(gamma, variance)| gamma / (variance + self.epsilon).sqrt()).collect();
        let rows = weights.chunks_exact(weights.len() / gains.len()).zip(&gains);
        let shifts = self.beta.iter().zip(&self.mean).zip(&gains);
        (
            rows.flat_map(|(row, gain)| row.iter().map(move |weight| weight * gain)).collect(),
            shifts.map(|((beta, mean), gain)| beta - mean * gain).collect(),
        )
    }
}

/// 3x3 convolution, stride 1, padding 1, without bias; then batch norm and ReLU.
#[derive(Debug, Clone, PartialEq)]
pub struct Conv {
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// `[output][input][row][column]`, 9 values per pair of channels.
    pub weight_oihw: Vec<f32>,
    /// What follows the convolution.
    pub norm: BatchNorm,
}

/// Fully connected layer without bias; then batch norm and ReLU.
#[derive(Debug, Clone, PartialEq)]
pub struct Hidden {
    /// Inputs; for the first one a map flattened as `[channel][row][column]`.
    pub inputs: usize,
    /// Outputs.
    pub outputs: usize,
    /// `[output][input]`.
    pub weight_oi: Vec<f32>,
    /// What follows the layer.
    pub norm: BatchNorm,
}

/// The last layer: one logit per class, with bias.
#[derive(Debug, Clone, PartialEq)]
pub struct Classifier {
    /// Inputs; without hidden layers a map flattened as `[channel][row][column]`.
    pub inputs: usize,
    /// Classes.
    pub outputs: usize,
    /// `[class][input]`.
    pub weight_oi: Vec<f32>,
    /// One per class.
    pub bias: Vec<f32>,
}

/// One layer of a network.
#[derive(Debug, Clone, PartialEq)]
pub enum Layer {
    /// Convolution, batch norm, ReLU.
    Conv(Conv),
    /// 2x2 max pool, stride 2.
    Pool,
    /// Fully connected, batch norm, ReLU.
    Hidden(Hidden),
    /// Fully connected to the classes.
    Classifier(Classifier),
}

/// How a pixel becomes a number: x = (pixel − mean) / deviation, one pair for all channels. The mean is an integer,
/// so that an int8 engine's input zero point (mean − 128) is exact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normalization {
    /// In pixel units, 0 to 255.
    pub mean: u8,
    /// In pixel units.
    pub deviation: f32,
}

impl Normalization {
    /// The rounded mean of all pixels, and their deviation from it. Images of one color deviate by 1.
    pub fn of(images: &Images) -> Normalization {
        let count = images.pixels.len().max(1) as f64;
        let mean = (images.pixels.iter().map(|&p| f64::from(p)).sum::<f64>() / count).round();
        let squares: f64 = images.pixels.iter().map(|&p| (f64::from(p) - mean).powi(2)).sum();
        let deviation = (squares / count).sqrt() as f32;
        Normalization { mean: mean as u8, deviation: if deviation > 0.0 { deviation } else { 1.0 } }
    }

    /// The number that a pixel stands for.
    pub fn apply(&self, pixel: u8) -> f32 {
        (f32::from(pixel) - f32::from(self.mean)) / self.deviation
    }
}

/// A float network with all that is needed to run it on images.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// The layers' kinds and widths; always those of `layers`.
    pub arch: Arch,
    /// The size of its images.
    pub input: Shape,
    /// The number of logits.
    pub classes: usize,
    /// The name of the data set that it was trained on.
    pub data: String,
    /// What turns pixels into its inputs.
    pub normalization: Normalization,
    /// One per item of `arch`, then the classifier.
    pub layers: Vec<Layer>,
}

impl Network {
    /// A network with random weights: normal with variance 2 / inputs. He et al. 2015, eq. 10.
    ///
    /// # Errors
    /// An architecture that does not fit the images.
    pub fn random(
        arch: Arch,
        input: Shape,
        classes: usize,
        normalization: Normalization,
        seed: u64,
    ) -> Result<Network> {
        let mut network = Network::blank(arch, input, classes, normalization)?;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        network.layers.iter_mut().for_each(|layer| layer.randomize(&mut rng));
        Ok(network)
    }

    /// A network whose layers know their sizes but hold no numbers yet.
    pub(super) fn blank(arch: Arch, input: Shape, classes: usize, normalization: Normalization) -> Result<Network> {
        let maps = arch.maps(input)?;
        let mut layers: Vec<Layer> =
            arch.items().iter().zip(&maps).map(|(item, map)| Layer::blank(*item, *map)).collect();
        let inputs = maps[arch.items().len()].values();
        layers.push(Layer::Classifier(Classifier {
            inputs,
            outputs: classes,
            weight_oi: Vec::new(),
            bias: Vec::new(),
        }));
        Ok(Network { arch, input, classes, data: String::new(), normalization, layers })
    }

    /// Multiply-accumulates for one image.
    ///
    /// # Errors
    /// A network whose `arch` does not fit its `input`.
    pub fn macs(&self) -> Result<usize> {
        self.arch.macs(self.input, self.classes)
    }

    /// The number of weights, without biases and batch norms. Errors as `macs`.
    pub fn weights(&self) -> Result<usize> {
        self.arch.weights(self.input, self.classes)
    }

    /// The indices in `layers` of the layers that can lose outputs: convolutions and hidden layers.
    pub fn prunable(&self) -> Vec<usize> {
        let can = |layer: &Layer| matches!(layer, Layer::Conv(_) | Layer::Hidden(_));
        (0..self.layers.len()).filter(|&index| can(&self.layers[index])).collect()
    }

    /// A name for each layer: `conv1`, `pool1`, `hidden1`, `classifier`.
    pub fn layer_names(&self) -> Vec<String> {
        let [mut convs, mut pools, mut hidden] = [0; 3];
        let mut numbered = |kind: &str| {
            let count = match kind {
                "conv" => &mut convs,
                "pool" => &mut pools,
                _ => &mut hidden,
            };
            *count += 1;
            format!("{kind}{count}")
        };
        let mut name = |layer: &Layer| match layer {
            Layer::Conv(_) => numbered("conv"),
            Layer::Pool => numbered("pool"),
            Layer::Hidden(_) => numbered("hidden"),
            Layer::Classifier(_) => "classifier".to_owned(),
        };
        self.layers.iter().map(&mut name).collect()
    }

    /// The architecture that `layers` have, after surgery for example.
    ///
    /// # Errors
    /// Layers in an impossible order.
    pub fn arch_of_layers(&self) -> Result<Arch> {
        let item = |layer: &Layer| match layer {
            Layer::Conv(conv) => Some(Item::Conv(conv.outputs)),
            Layer::Pool => Some(Item::Pool),
            Layer::Hidden(hidden) => Some(Item::Hidden(hidden.outputs)),
            Layer::Classifier(_) => None,
        };
        Arch::new(self.layers.iter().filter_map(item).collect())
    }
}

#[cfg(test)]
impl Conv {
    /// Makes it hand on its input: the kernel's middle is 1 from each channel to itself.
    pub fn pass_on(&mut self) {
        let is_middle = |at: usize| at % 9 == 4 && at / 9 / self.inputs == at / 9 % self.inputs;
        self.weight_oihw = (0..self.weight_oihw.len()).map(|at| f32::from(u8::from(is_middle(at)))).collect();
    }
}

impl Layer {
    /// The layer of `item` on maps of size `map`, without numbers.
    fn blank(item: Item, map: Shape) -> Layer {
        let (weights, norm) = (Vec::new(), BatchNorm::identity(0));
        match item {
            Item::Conv(outputs) => Layer::Conv(Conv { inputs: map.channels, outputs, weight_oihw: weights, norm }),
            Item::Pool => Layer::Pool,
            Item::Hidden(outputs) => Layer::Hidden(Hidden { inputs: map.values(), outputs, weight_oi: weights, norm }),
        }
    }

    /// Makes it take this map, whatever it took: its filters repeat their weights as often as there are inputs, so that they are as
    /// long as before for each input, and are to be fitted.
    pub fn take(&mut self, map: Shape) {
        let repeat = |weights: &mut Vec<f32>, was: usize, now: usize| {
            let filters = weights.chunks_exact(was);
            *weights = filters.flat_map(|filter| filter.iter().copied().cycle().take(now)).collect();
        };
        match self {
            Layer::Conv(conv) => {
                repeat(&mut conv.weight_oihw, conv.inputs * 9, map.channels * 9);
                conv.inputs = map.channels;
            }
            Layer::Pool => {}
            Layer::Hidden(hidden) => {
                repeat(&mut hidden.weight_oi, hidden.inputs, map.values());
                hidden.inputs = map.values();
            }
            Layer::Classifier(last) => {
                repeat(&mut last.weight_oi, last.inputs, map.values());
                last.inputs = map.values();
            }
        }
    }

    fn randomize(&mut self, rng: &mut ChaCha8Rng) {
        match self {
            Layer::Conv(conv) => {
                conv.weight_oihw = kaiming(conv.inputs * 9, conv.inputs * 9 * conv.outputs, rng);
                conv.norm = BatchNorm::identity(conv.outputs);
            }
            Layer::Pool => {}
            Layer::Hidden(hidden) => {
                hidden.weight_oi = kaiming(hidden.inputs, hidden.inputs * hidden.outputs, rng);
                hidden.norm = BatchNorm::identity(hidden.outputs);
            }
            Layer::Classifier(last) => {
                last.weight_oi = kaiming(last.inputs, last.inputs * last.outputs, rng);
                last.bias = vec![0.0; last.outputs];
            }
        }
    }
}

/// Normal with variance 2 / inputs, by Box and Muller 1958.
fn kaiming(inputs: usize, count: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let deviation = (2.0 / inputs as f32).sqrt();
    let mut normal = || {
        let (u, v): (f32, f32) = (1.0 - rng.random::<f32>(), rng.random());
        (-2.0 * u.ln()).sqrt() * (std::f32::consts::TAU * v).cos()
    };
    (0..count).map(|_| deviation * normal()).collect()
}
