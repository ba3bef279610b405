//! CONV_2D and DEPTHWISE_CONV_2D.

use super::Lowering;
use super::network::Lowered;
use super::values::{Padding, Quantization, Value, Weights};
use crate::quantize::LayerParameters;
use crate::tflite::graph::{Operator, Options, Sliding};
use crate::tflite::quantization::{multiplier, range};
use anyhow::{Context, Result, bail, ensure};
use secateur_shared::layer::{self, Conv2d, DepthwiseConv2d, Layer, Shape, Window};
use secateur_shared::quant::Multiplier;

impl Lowering<'_> {
    pub(super) fn conv2d(&mut self, operator: &Operator) -> Result<()> {
        let Options::Conv2d(sliding) = operator.options else { bail!("it has no options of a CONV_2D") };
        let input = self.padded_value(operator, 0)?;
        let weights = self.weights(operator, 4, 0)?;
        let (outputs, channels) = (weights.shape[0], weights.shape[3]);
        ensure!(
            channels == usize::from(input.shape.channels),
            "its weights are for {channels} channels, the input has {}: convolutions in groups are not supported",
            input.shape.channels
        );
        let window = window(&input, &sliding, (weights.shape[1], weights.shape[2]))?;
        let output = self.int8(self.output(operator)?)?;
        let layer = Conv2d {
            outputs: u16::try_from(outputs).context("too many outputs")?,
            window,
            is_pooled: false,
            zero_point: output.zero_point,
            activation: range(sliding.activation, output.scale, output.zero_point)?,
        };
        let multipliers = multipliers(&input.quantization, &weights, &output, outputs)?;
        let bias = self.bias(operator, outputs)?;
        let parameters = LayerParameters { bias, multipliers, weights: weights.values.to_vec() };
        self.push_weighted(Layer::Conv2d(layer), &input, parameters)
    }

    pub(super) fn depthwise_conv2d(&mut self, operator: &Operator) -> Result<()> {
        let Options::DepthwiseConv2d(sliding, factor) = operator.options else {
            bail!("it has no options of a DEPTHWISE_CONV_2D")
        };
        let input = self.padded_value(operator, 0)?;
        let weights = self.weights(operator, 4, 3)?;
        let (outputs, channels) = (weights.shape[3], usize::from(input.shape.channels));
        let is_whole = usize::try_from(factor).ok().and_then(|factor| factor.checked_mul(channels)) == Some(outputs);
        ensure!(
            is_whole && weights.shape[0] == 1,
            "its weights of {:?} are not for {channels} channels of {factor} outputs",
            weights.shape
        );
        let window = window(&input, &sliding, (weights.shape[1], weights.shape[2]))?;
        let output = self.int8(self.output(operator)?)?;
        let layer = DepthwiseConv2d {
            multiplier: u8::try_from(factor).context("too many outputs per channel")?,
            window,
            zero_point: output.zero_point,
            activation: range(sliding.activation, output.scale, output.zero_point)?,
        };
        let multipliers = multipliers(&input.quantization, &weights, &output, outputs)?;
        let bias = self.bias(operator, outputs)?;
        let parameters = LayerParameters { bias, multipliers, weights: by_output(weights.values, outputs) };
        self.push_weighted(Layer::DepthwiseConv2d(layer), &input, parameters)
    }

    /// A depthwise convolution of ones without padding: each channel's sum over a window, times a multiplier.
    pub(super) fn push_sum(
        &mut self,
        input: &Value,
        kernel_hw: (u8, u8),
        multiplier: Multiplier,
        clamp: crate::tflite::graph::Fused,
    ) -> Result<()> {
        let output = self.int8(self.output(&self.graph.operators[self.operator])?)?;
        let window = Window { kernel_hw, stride_hw: (1, 1), before_hw: (0, 0), after_hw: (0, 0) };
        let activation = range(clamp, output.scale, output.zero_point)?;
        let layer = DepthwiseConv2d { multiplier: 1, window, zero_point: output.zero_point, activation };
        let outputs = usize::from(input.shape.channels);
        let parameters = LayerParameters {
            bias: vec![0; outputs],
            multipliers: vec![multiplier; outputs],
            weights: vec![1; window.area() as usize * outputs],
        };
        self.push_weighted(Layer::DepthwiseConv2d(layer), input, parameters)
    }

    pub(super) fn push_weighted(&mut self, layer: Layer, input: &Value, parameters: LayerParameters) -> Result<()> {
        let tensor = self.tensor(input)?;
        self.push(Lowered { parameters: Some(parameters), ..self.lowered(layer, tensor) })
    }
}

/// s_in * s_w / s_out of each output, in f64.
pub(super) fn multipliers(
    input: &Quantization,
    weights: &Weights,
    output: &Quantization,
    outputs: usize,
) -> Result<Vec<Multiplier>> {
    let real = |scale: &f32| f64::from(input.scale) * f64::from(*scale) / f64::from(output.scale);
    let multipliers = weights.scales.iter().map(|scale| multiplier(real(scale))).collect::<Result<Vec<_>>>()?;
    Ok(match multipliers[..] {
        [one] => vec![one; outputs],
        _ => multipliers,
    })
}

/// Weights counted by output last, as HWO is, counted by it first.
fn by_output(weights: &[i8], outputs: usize) -> Vec<i8> {
    (0..outputs).flat_map(|output| weights.iter().skip(output).step_by(outputs).copied()).collect()
}

/// The window over an input, its own padding and that of a PAD before it added up: both are the input's zero point.
pub(super) fn window(input: &Value, sliding: &Sliding, kernel_hw: (usize, usize)) -> Result<Window> {
    let Sliding { is_same, stride_hw, dilation_hw, .. } = *sliding;
    ensure!(dilation_hw == (1, 1), "its weights are {dilation_hw:?} apart: dilation is not supported");
    let small = |(rows, columns): (usize, usize), what: &str| match (u8::try_from(rows), u8::try_from(columns)) {
        (Ok(rows), Ok(columns)) => Ok((rows, columns)),
        _ => bail!("its {what} of {rows}x{columns} is larger than 255"),
    };
    let stride = |stride: i32| usize::try_from(stride).unwrap_or(0);
    let kernel_hw = small(kernel_hw, "window")?;
    let stride_hw = small((stride(stride_hw.0), stride(stride_hw.1)), "stride")?;
    let Padding { before_hw, after_hw } = input.padding;
    let Shape { height, width, .. } = input.shape;
    let padded = |size: u16, before: u8, after: u8| size.saturating_add(before.into()).saturating_add(after.into());
    let padded_hw = (padded(height, before_hw.0, after_hw.0), padded(width, before_hw.1, after_hw.1));
    let own = if is_same { layer::Padding::Same } else { layer::Padding::Valid };
    let own = own.window(padded_hw, kernel_hw, stride_hw).context("its window or stride is 0")?;
    let sum = |one: (u8, u8), other: (u8, u8)| {
        small((usize::from(one.0) + usize::from(other.0), usize::from(one.1) + usize::from(other.1)), "padding")
    };
    let window = Window { before_hw: sum(own.before_hw, before_hw)?, after_hw: sum(own.after_hw, after_hw)?, ..own };
    ensure!(
        window.output_hw(input.shape).is_some(),
        "its window of {kernel_hw:?} does not fit {height}x{width} padded by {:?} and {:?}, or is all padding",
        window.before_hw,
        window.after_hw
    );
    Ok(window)
}
