//! Batch norms for layers that came without.
//!
//! A batch norm that only adds a bias is right as it stands, but fine-tuning normalizes by the batch's own mean and
//! variance and would begin from another network. So it gets the mean μ and variance σ² that its layer has on training
//! images, γ = sqrt(σ² + ε) and β so that the layer computes what it did: then normalizing by a batch changes little.

use anyhow::Result;
use burn::tensor::activation::relu;
use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData};

use crate::data::{Images, Shape};
use crate::network::vgg::numbers;
use crate::network::{BatchNorm, Layer, Network, backend, batch};

/// Images that run at once.
const BATCH: usize = 64;

/// The sums of one layer's channels, before the ReLU.
#[derive(Debug, Clone, Default)]
struct Sums {
    count: f64,
    values: Vec<f64>,
    squares: Vec<f64>,
}

/// Gives the batch norms of the layers at `indices`, which only add a bias, the statistics of these images.
///
/// # Errors
/// Values that cannot be read back.
pub(super) fn settle(network: &mut Network, indices: &[usize], images: &Images) -> Result<()> {
    if indices.is_empty() {
        return Ok(());
    }
    let sums = sums(network, images)?;
    for &index in indices {
        match &mut network.layers[index] {
            Layer::Conv(conv) => sums[index].settle(&mut conv.norm),
            Layer::Hidden(hidden) => sums[index].settle(&mut hidden.norm),
            Layer::Pool | Layer::Classifier(_) => {}
        }
    }
    Ok(())
}

impl Sums {
    /// Takes in `[sample][channel][position]`.
    fn add(&mut self, values: &[f32], channels: usize, positions: usize) {
        self.values.resize(channels, 0.0);
        self.squares.resize(channels, 0.0);
        for (at, plane) in values.chunks_exact(positions).enumerate() {
            let plane = plane.iter().map(|value| f64::from(*value));
            self.values[at % channels] += plane.clone().sum::<f64>();
            self.squares[at % channels] += plane.map(|value| value * value).sum::<f64>();
        }
        self.count += (values.len() / channels) as f64;
    }

    /// Batch norm's output was x - shift, whose statistics these are.
    fn settle(&self, norm: &mut BatchNorm) {
        for channel in 0..norm.gamma.len() {
            let mean = self.values[channel] / self.count;
            let variance = (self.squares[channel] / self.count - mean * mean).max(0.0) as f32;
            let shift = f64::from(norm.mean[channel]) - f64::from(norm.beta[channel]);
            norm.mean[channel] = (mean + shift) as f32;
            norm.beta[channel] = mean as f32;
            norm.variance[channel] = variance;
            norm.gamma[channel] = (variance + norm.epsilon).sqrt();
        }
    }
}

/// The sums of every layer; empty for those without a ReLU.
fn sums(network: &Network, images: &Images) -> Result<Vec<Sums>> {
    let device = backend::device();
    let maps = network.arch.maps(network.input)?;
    let last = network.layers.len().saturating_sub(1);
    let kernels: Vec<Option<Kernel>> =
        network.layers[..last].iter().zip(maps).map(|(layer, map)| Kernel::of(layer, map, &device)).collect();
    let mut sums = vec![Sums::default(); network.layers.len()];
    for from in (0..images.len()).step_by(BATCH) {
        let to = (from + BATCH).min(images.len());
        let mut maps = batch::tensor(images, from, to, network.normalization, &device);
        for (kernel, sums) in kernels.iter().zip(&mut sums) {
            maps = match kernel {
                Some(kernel) => kernel.run(maps, sums)?,
                None => max_pool2d(maps, MaxPoolOptions::new([2, 2])),
            };
        }
    }
    Ok(sums)
}

/// A convolution, its batch norm folded in; a fully connected layer is one whose kernel is the whole map.
struct Kernel {
    weight_oihw: Tensor<4>,
    bias: Tensor<1>,
    padding: usize,
}

impl Kernel {
    /// Of a layer whose input is `map`; none for a pool.
    fn of(layer: &Layer, map: Shape, device: &Device) -> Option<Kernel> {
        let (weights, norm, shape, padding) = match layer {
            Layer::Conv(conv) => (&conv.weight_oihw, &conv.norm, [conv.outputs, conv.inputs, 3, 3], 1),
            Layer::Hidden(hidden) => {
                let shape = [hidden.outputs, map.channels, map.height, map.width];
                (&hidden.weight_oi, &hidden.norm, shape, 0)
            }
            Layer::Pool | Layer::Classifier(_) => return None,
        };
        let (weights, bias) = norm.folded(weights);
        let weight_oihw = Tensor::from_data(TensorData::new(weights, shape), device);
        let bias = Tensor::from_data(TensorData::new(bias, [shape[0]]), device);
        Some(Kernel { weight_oihw, bias, padding })
    }

    /// From maps `[n, channels, height, width]` to the next layer's; what came before the ReLU is added up.
    fn run(&self, maps: Tensor<4>, sums: &mut Sums) -> Result<Tensor<4>> {
        let options = ConvOptions::new([1, 1], [self.padding; 2], [1, 1], 1);
        let before = conv2d(maps, self.weight_oihw.clone(), Some(self.bias.clone()), options);
        let [_, channels, height, width] = before.dims();
        sums.add(&numbers(before.clone())?, channels, height * width);
        Ok(relu(before))
    }
}
