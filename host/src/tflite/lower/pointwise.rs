//! ADD, RELU, RELU6, QUANTIZE and SOFTMAX: every output value is of the input values at its place.

use super::Lowering;
use super::network::{Lowered, both, text};
use super::values::{Quantization, Value};
use crate::quantize::LayerParameters;
use crate::tflite::graph::{Fused, Operator, Options};
use crate::tflite::quantization::{multiplier, range};
use anyhow::{Result, bail, ensure};
use secateur_shared::layer::{Add, Layer, Pool2d, Softmax, Window};
use secateur_shared::quant::{Activation, Multiplier, ZeroPoint};

/// Bits that ADD shifts its inputs by.
const ADD_SHIFT: i32 = 20;

/// A softmax's output.
const PROBABILITY: Quantization = Quantization { scale: 1.0 / 256.0, zero_point: ZeroPoint(i8::MIN) };

impl Lowering<'_> {
    pub(super) fn add(&mut self, operator: &Operator) -> Result<()> {
        let Options::Add(fused) = operator.options else { bail!("it has no options of an ADD") };
        let (first, second) = (self.value(operator, 0)?, self.value(operator, 1)?);
        let (one, other) = (text(first.shape), text(second.shape));
        ensure!(one == other, "it adds {one} and {other}: only tensors of one shape are added");
        let output = self.int8(self.output(operator)?)?;
        let scales = [first, second].map(|value| f64::from(value.quantization.scale));
        let twice = 2.0 * scales[0].max(scales[1]);
        let layer = Layer::Add(Add {
            other: 0,
            zero_point: output.zero_point,
            activation: range(fused, output.scale, output.zero_point)?,
        });
        let output = twice / (f64::from(1 << ADD_SHIFT) * f64::from(output.scale));
        let multipliers = vec![below_one(scales[0] / twice)?, below_one(scales[1] / twice)?, below_one(output)?];
        let (input, other) = (self.tensor(&first)?, self.tensor(&second)?);
        let parameters = Some(LayerParameters::of_multipliers(multipliers));
        self.push(Lowered { other: Some(other), parameters, ..self.lowered(layer, input) })
    }

    pub(super) fn relu(&mut self, operator: &Operator) -> Result<()> {
        self.clamp(operator, Fused::RELU)
    }

    pub(super) fn relu6(&mut self, operator: &Operator) -> Result<()> {
        self.clamp(operator, Fused::RELU6)
    }

    pub(super) fn quantize(&mut self, operator: &Operator) -> Result<()> {
        self.clamp(operator, Fused::NONE)
    }

    /// A clamp becomes part of the layer before it where only it reads that, else a pool of one value. Between other
    /// scales or zero points it is a convolution of ones: (x - z_in) * s_in / s_out.
    fn clamp(&mut self, operator: &Operator, fused: Fused) -> Result<()> {
        let (value, output) = (self.value(operator, 0)?, self.int8(self.output(operator)?)?);
        if value.quantization != output {
            ensure!(fused != Fused::RELU6, "its output has another scale or zero point than its input: not supported");
            let ratio = multiplier(f64::from(value.quantization.scale) / f64::from(output.scale))?;
            return self.push_sum(&value, (1, 1), ratio, fused);
        }
        let (tensor, activation) = (self.input(operator, 0)?, range(fused, output.scale, output.zero_point)?);
        let maker = self.only_reader_of(tensor).and_then(|maker| clamped(&mut maker.layer));
        if let Some(before) = maker {
            *before = both(*before, activation);
            return self.fold(tensor, "its range is that of");
        }
        self.push_clamp(&value, activation)
    }

    fn push_clamp(&mut self, value: &Value, activation: Activation) -> Result<()> {
        let window = Window { kernel_hw: (1, 1), stride_hw: (1, 1), before_hw: (0, 0), after_hw: (0, 0) };
        let tensor = self.tensor(value)?;
        self.push(self.lowered(Layer::MaxPool2d(Pool2d { window, activation }), tensor))
    }

    pub(super) fn softmax(&mut self, operator: &Operator) -> Result<()> {
        let Options::Softmax(beta) = operator.options else { bail!("it has no options of a SOFTMAX") };
        let (value, output) = (self.value(operator, 0)?, self.int8(self.output(operator)?)?);
        ensure!(output == PROBABILITY, "its output must have scale 1/256 and zero point -128, not {output:?}");
        // Differences become Q5.26.
        let real = f64::from(beta) * f64::from(value.quantization.scale) * f64::from(1 << 26);
        ensure!(real > 1.0, "its beta times the input's scale, {}, is too small", beta * value.quantization.scale);
        let tensor = self.tensor(&value)?;
        let parameters = Some(LayerParameters::of_multipliers(vec![multiplier(real)?]));
        self.push(Lowered { parameters, ..self.lowered(Layer::Softmax(Softmax {}), tensor) })
    }
}

/// A multiplier that shifts to the right alone.
fn below_one(real: f64) -> Result<Multiplier> {
    ensure!(real < 1.0, "the ratio of its scales is {real}, which must be below 1");
    multiplier(real)
}

/// The range of a layer's output, where it has one.
fn clamped(layer: &mut Layer) -> Option<&mut Activation> {
    match layer {
        Layer::Conv2d(conv) => Some(&mut conv.activation),
        Layer::DepthwiseConv2d(conv) => Some(&mut conv.activation),
        Layer::Linear(linear) => Some(&mut linear.activation),
        Layer::Add(add) => Some(&mut add.activation),
        Layer::MaxPool2d(pool) | Layer::AveragePool2d(pool) => Some(&mut pool.activation),
        Layer::Reshape(_) | Layer::Softmax(_) => None,
    }
}
