//! A small network whose weights are noise, the same ones everywhere.

use anyhow::Result;
use secateur::quantize::{IntegerNetwork, LayerParameters};
use secateur_shared::layer::{Conv2d, Layer, Linear, Pool2d, Shape, Window};
use secateur_shared::quant::{Activation, Multiplier, ZeroPoint};

/// A linear congruential generator's high byte.
pub struct Noise(pub u32);

impl Noise {
    /// The next one.
    pub fn byte(&mut self) -> i8 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 24) as i8
    }

    /// The next ones.
    pub fn bytes(&mut self, count: usize) -> Vec<i8> {
        (0..count).map(|_| self.byte()).collect()
    }

    /// A layer's, of so many outputs.
    pub fn parameters(&mut self, outputs: u16, weights_per_output: usize) -> LayerParameters {
        let outputs = usize::from(outputs);
        let multiplier = Multiplier::from_real(0.003).expect("in range");
        LayerParameters {
            bias: (0..outputs).map(|_| i32::from(self.byte()) * 20).collect(),
            multipliers: vec![multiplier; outputs],
            weights: self.bytes(outputs * weights_per_output),
        }
    }
}

/// A small VGG for 28 x 28 images, as if trained on noise.
///
/// # Errors
/// None that a change of this function would not bring.
pub fn untrained() -> Result<IntegerNetwork> {
    let noise = &mut Noise(1);
    let zero_point = ZeroPoint(-128);
    let mut network = IntegerNetwork::new(Shape { height: 28, width: 28, channels: 1 }, ZeroPoint(-55));
    for (inputs, outputs) in [(1, 8), (8, 16)] {
        let convolution = Conv2d {
            outputs,
            window: Window::around(3),
            is_pooled: false,
            zero_point,
            activation: Activation::relu(zero_point),
        };
        network.push(Layer::Conv2d(convolution), Some(noise.parameters(outputs, 9 * inputs)))?;
        network.push(Layer::MaxPool2d(Pool2d::HALVING), None)?;
    }
    let linear = Linear { outputs: 10, zero_point: ZeroPoint(3), activation: Activation::NONE };
    network.push(Layer::Linear(linear), Some(noise.parameters(10, 7 * 7 * 16)))?;
    Ok(network)
}
