//! The layers of golden cases.

use anyhow::{Context, Result};
use secateur::quantize::LayerParameters;
use secateur_shared::layer::{self, Padding, Shape, Window};
use secateur_shared::quant::{self, Multiplier, ZeroPoint};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct Layer {
    /// How many tensors before the last one its input is.
    pub(super) from: Option<u8>,
    #[serde(flatten)]
    pub(super) op: Operator,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(super) enum Operator {
    Conv2d {
        kernel_hw: (u8, u8),
        stride: Sides,
        padding: CasePadding,
        outputs: u16,
        weights_ohwi: Vec<i8>,
        #[serde(flatten)]
        weighted: Weighted,
        #[serde(flatten)]
        output: Output,
    },
    DepthwiseConv2d {
        kernel_hw: (u8, u8),
        stride: Sides,
        padding: CasePadding,
        multiplier: u8,
        weights_ohw: Vec<i8>,
        #[serde(flatten)]
        weighted: Weighted,
        #[serde(flatten)]
        output: Output,
    },
    Linear {
        outputs: u16,
        weights_oi: Vec<i8>,
        #[serde(flatten)]
        weighted: Weighted,
        #[serde(flatten)]
        output: Output,
    },
    MaxPool2d(Pool),
    AveragePool2d(Pool),
    Add {
        other: u8,
        #[serde(flatten)]
        output: Output,
    },
    Softmax {
        beta: f32,
    },
    Reshape {
        shape_hwc: (u16, u16, u16),
    },
}

#[derive(Debug, Deserialize)]
pub(super) struct Weighted {
    weight_scales: Vec<f32>,
    bias: Vec<i32>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Output {
    activation: Activation,
    output_scale: f32,
    output_zero_point: i8,
}

#[derive(Debug, Deserialize)]
pub(super) struct Pool {
    window: Sides,
    stride: Sides,
    #[serde(default)]
    padding: CasePadding,
    #[serde(default)]
    activation: Activation,
}

/// Rows and columns, alike where there is one number.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Sides {
    Alike(u8),
    Apart(u8, u8),
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CasePadding {
    Same,
    #[default]
    Valid,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Activation {
    #[default]
    None,
    Relu,
    Relu6,
}

impl Sides {
    fn pair(self) -> (u8, u8) {
        match self {
            Self::Alike(side) => (side, side),
            Self::Apart(rows, columns) => (rows, columns),
        }
    }
}

impl Activation {
    /// The range of an output of this scale and zero point; 6 / scale in float.
    fn range(self, scale: f32, zero_point: ZeroPoint) -> quant::Activation {
        let relu = quant::Activation::relu(zero_point);
        match self {
            Self::None => quant::Activation::NONE,
            Self::Relu => relu,
            Self::Relu6 => {
                let high = f32::from(zero_point.0) + (6.0 / scale).round();
                quant::Activation { high: high.min(127.0) as i8, ..relu }
            }
        }
    }
}

impl Output {
    fn parts(&self) -> (ZeroPoint, quant::Activation) {
        let zero_point = ZeroPoint(self.output_zero_point);
        (zero_point, self.activation.range(self.output_scale, zero_point))
    }
}

impl Pool {
    fn layer(&self, input: Shape, scale: f32, zero_point: ZeroPoint) -> Result<layer::Pool2d> {
        let window = window(input, self.window.pair(), self.stride, self.padding)?;
        Ok(layer::Pool2d { window, activation: self.activation.range(scale, zero_point) })
    }
}

fn window(input: Shape, kernel_hw: (u8, u8), stride: Sides, padding: CasePadding) -> Result<Window> {
    let padding = match padding {
        CasePadding::Same => Padding::Same,
        CasePadding::Valid => Padding::Valid,
    };
    padding.window((input.height, input.width), kernel_hw, stride.pair()).context("a size of zero")
}

fn multiplier(real: f64) -> Result<Multiplier> {
    Multiplier::from_real(real).with_context(|| format!("the multiplier {real} is out of range"))
}

impl Operator {
    /// How many tensors before the last one the second input is.
    pub(super) fn other(&self) -> Option<u8> {
        if let Self::Add { other, .. } = self { Some(*other) } else { None }
    }

    /// The engine's layer, for an input of this shape and inputs of these scales.
    pub(super) fn layer(&self, (input, zero_point): (Shape, ZeroPoint), scales: [f32; 2]) -> Result<layer::Layer> {
        Ok(match self {
            Self::Conv2d { kernel_hw, stride, padding, outputs, output, .. } => {
                let (window, outputs) = (window(input, *kernel_hw, *stride, *padding)?, *outputs);
                let (zero_point, activation) = output.parts();
                layer::Layer::Conv2d(layer::Conv2d { outputs, window, is_pooled: false, zero_point, activation })
            }
            Self::DepthwiseConv2d { kernel_hw, stride, padding, multiplier, output, .. } => {
                let (window, multiplier) = (window(input, *kernel_hw, *stride, *padding)?, *multiplier);
                let (zero_point, activation) = output.parts();
                layer::Layer::DepthwiseConv2d(layer::DepthwiseConv2d { multiplier, window, zero_point, activation })
            }
            Self::Linear { outputs, output, .. } => {
                let (zero_point, activation) = output.parts();
                layer::Layer::Linear(layer::Linear { outputs: *outputs, zero_point, activation })
            }
            Self::MaxPool2d(pool) => layer::Layer::MaxPool2d(pool.layer(input, scales[0], zero_point)?),
            Self::AveragePool2d(pool) => layer::Layer::AveragePool2d(pool.layer(input, scales[0], zero_point)?),
            Self::Add { other, output } => {
                let (other, (zero_point, activation)) = (*other, output.parts());
                layer::Layer::Add(layer::Add { other, zero_point, activation })
            }
            Self::Softmax { .. } => layer::Layer::Softmax(layer::Softmax {}),
            Self::Reshape { shape_hwc: (height, width, channels) } => {
                let shape = Shape { height: *height, width: *width, channels: *channels };
                layer::Layer::Reshape(layer::Reshape { shape })
            }
        })
    }

    /// The output's scale, where it is not the input's.
    pub(super) fn output_scale(&self) -> Option<f32> {
        match self {
            Self::Conv2d { output, .. }
            | Self::DepthwiseConv2d { output, .. }
            | Self::Linear { output, .. }
            | Self::Add { output, .. } => Some(output.output_scale),
            Self::Softmax { .. } => Some(1.0 / 256.0),
            Self::MaxPool2d(_) | Self::AveragePool2d(_) | Self::Reshape { .. } => None,
        }
    }

    /// M = s_in * s_w / s_out in f64, one scale standing for all outputs; or the multipliers of a layer without weights.
    pub(super) fn parameters(&self, scales: [f32; 2]) -> Result<Option<LayerParameters>> {
        let (weights, Weighted { weight_scales, bias }, output) = match self {
            Self::Conv2d { weights_ohwi, weighted, output, .. } => (weights_ohwi, weighted, output),
            Self::DepthwiseConv2d { weights_ohw, weighted, output, .. } => (weights_ohw, weighted, output),
            Self::Linear { weights_oi, weighted, output, .. } => (weights_oi, weighted, output),
            Self::Add { output, .. } => return alone(&sum(output, scales)),
            Self::Softmax { beta } => return alone(&[f64::from(*beta) * f64::from(scales[0]) * f64::from(1 << 26)]),
            _ => return Ok(None),
        };
        let real = |scale: &f32| f64::from(scales[0]) * f64::from(*scale) / f64::from(output.output_scale);
        let mut multipliers =
            weight_scales.iter().map(|scale| multiplier(real(scale))).collect::<Result<Vec<Multiplier>>>()?;
        if let [only] = multipliers[..] {
            multipliers = vec![only; bias.len()];
        }
        Ok(Some(LayerParameters { bias: bias.clone(), multipliers, weights: weights.clone() }))
    }
}

/// The multipliers of a sum of tensors of these scales.
fn sum(output: &Output, scales: [f32; 2]) -> [f64; 3] {
    let [first, second] = scales.map(f64::from);
    let twice = 2.0 * first.max(second);
    [first / twice, second / twice, twice / (f64::from(1 << 20) * f64::from(output.output_scale))]
}

/// Multipliers without weights.
fn alone(reals: &[f64]) -> Result<Option<LayerParameters>> {
    let multipliers = reals.iter().map(|real| multiplier(*real)).collect::<Result<Vec<_>>>()?;
    Ok(Some(LayerParameters::of_multipliers(multipliers)))
}
