//! FULLY_CONNECTED.

use super::Lowering;
use super::conv2d::multipliers;
use super::network::Lowered;
use super::values::{Quantization, Value, Weights};
use crate::quantize::LayerParameters;
use crate::tflite::graph::{Operator, Options};
use crate::tflite::quantization::range;
use anyhow::{Context, Result, bail, ensure};
use secateur_shared::layer::{Layer, Linear};

/// How far the bias's scale may be from s_in * s_w, in steps of the output; TensorFlow Lite Micro refuses more.
const BIAS_STEPS: f64 = 0.02;

impl Lowering<'_> {
    pub(super) fn linear(&mut self, operator: &Operator) -> Result<()> {
        let Options::FullyConnected { activation, format } = operator.options else {
            bail!("it has no options of a FULLY_CONNECTED")
        };
        ensure!(format == 0, "its weights are shuffled (format {format}), which is not supported");
        let input = self.value(operator, 0)?;
        let weights = self.weights(operator, 2, 0)?;
        let [outputs, inputs] = weights.shape[..] else { bail!("weights of two dimensions") };
        let values = input.shape.bytes().unwrap_or(0) as usize;
        ensure!(
            values == inputs,
            "its weights are for {inputs} inputs, there are {values}: rows that it runs once for each are not supported"
        );
        let output = self.int8(self.output(operator)?)?;
        self.check_bias_scale(operator, &input.quantization, &weights, &output)?;
        let layer = Layer::Linear(Linear {
            outputs: u16::try_from(outputs).context("too many outputs")?,
            zero_point: output.zero_point,
            activation: range(activation, output.scale, output.zero_point)?,
        });
        let multipliers = multipliers(&input.quantization, &weights, &output, outputs)?;
        let bias = self.bias(operator, outputs)?;
        let parameters = LayerParameters { bias, multipliers, weights: weights.values.to_vec() };
        // It takes values of any shape: no view of them need be made.
        let stored = Value { shape: self.shapes[input.tensor], ..input };
        let tensor = self.tensor(&stored)?;
        self.push(Lowered { parameters: Some(parameters), ..self.lowered(layer, tensor) })
    }

    /// With one scale for all weights, TensorFlow Lite Micro reads the bias's.
    fn check_bias_scale(
        &self,
        operator: &Operator,
        input: &Quantization,
        weights: &Weights,
        output: &Quantization,
    ) -> Result<()> {
        let bias = operator.inputs.get(2).copied().flatten().map(|bias| &self.graph.tensors[bias].scales[..]);
        if let (Some([bias]), [scale]) = (bias, weights.scales) {
            let product = f64::from(input.scale) * f64::from(*scale);
            let steps = (product - f64::from(*bias)).abs() / f64::from(output.scale);
            ensure!(steps <= BIAS_STEPS, "the bias's scale {bias} is not the input's times the weights', {product}");
        }
        Ok(())
    }
}
