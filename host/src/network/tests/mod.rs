//! The float network against its formulas, and what training promises.

#[cfg(any(feature = "cuda", feature = "ndarray", feature = "wgpu"))]
mod backends;
mod formulas;
mod forward;
mod training;

use super::{BatchNorm, Layer, Network, Normalization};
use crate::data::{Images, Shape};

const SHAPE: Shape = Shape { height: 9, width: 8, channels: 2 };
const CLASSES: usize = 3;

/// A network with an odd map, every kind of layer, and batch norms that are not the identity.
fn network(seed: u64) -> Network {
    let arch = "5,6,P,4,F7,F3".parse().expect("an architecture");
    let normalization = Normalization { mean: 10, deviation: 60.0 };
    let mut network = Network::random(arch, SHAPE, CLASSES, normalization, seed).expect("fits");
    for layer in &mut network.layers {
        match layer {
            Layer::Conv(conv) => vary(&mut conv.norm),
            Layer::Pool => {}
            Layer::Hidden(hidden) => vary(&mut hidden.norm),
            Layer::Classifier(last) => last.bias = vec![0.5, -0.25, 0.0],
        }
    }
    network
}

fn vary(norm: &mut BatchNorm) {
    let numbers = |scale: f32, least: f32| (0..norm.gamma.len()).map(move |at| least + scale * (at * 7 % 5) as f32);
    let [gamma, beta, mean, variance] =
        [(0.2, 0.5), (0.1, -0.2), (0.3, -0.5), (0.4, 0.6)].map(|(scale, least)| numbers(scale, least).collect());
    *norm = BatchNorm { gamma, beta, mean, variance, epsilon: norm.epsilon };
}

/// Images of noise over a brightness that tells the class.
fn images(count: usize) -> Images {
    let label = |image: usize| image * 5 % CLASSES;
    let pixel = |image: usize, at: usize| (80 * label(image) + (image * 31 + at * 37) % 61) as u8;
    Images {
        shape: SHAPE,
        pixels: (0..count).flat_map(|image| (0..SHAPE.values()).map(move |at| pixel(image, at))).collect(),
        labels: (0..count).map(|image| label(image) as u8).collect(),
    }
}
