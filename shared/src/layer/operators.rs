//! What a layer may be.

use super::{Record, Shape, Window};
use crate::packing::Order;
use crate::quant::{Activation, ZeroPoint};

/// The operators' names, as the kernels, the Cargo features and the golden cases have them, by their numbers in a blob's table.
pub const OPERATORS: [&str; 8] =
    ["conv2d", "max-pool2d", "linear", "depthwise-conv2d", "average-pool2d", "add", "reshape", "softmax"];

/// A 2-D convolution with a fused activation; weights OHWI, one scale per output channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2d {
    /// Output channels.
    pub outputs: u16,
    /// Over the input, whose zero point pads it.
    pub window: Window,
    /// Whether only the largest of each 2 x 2 outputs is written, in one pass with the convolution; an odd last row or
    /// column is dropped.
    pub is_pooled: bool,
    /// Of the output.
    pub zero_point: ZeroPoint,
    /// Range of the output.
    pub activation: Activation,
}

/// A 2-D convolution of each channel apart; weights OHW, one scale per output channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthwiseConv2d {
    /// Output channels of each input channel, neighbors: output o is of channel o / multiplier.
    pub multiplier: u8,
    /// Over the input, whose zero point pads it.
    pub window: Window,
    /// Of the output.
    pub zero_point: ZeroPoint,
    /// Range of the output.
    pub activation: Activation,
}

/// The maximum or the mean over windows, of which padding is no part; scale and zero point are the input's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool2d {
    /// Over the input.
    pub window: Window,
    /// Range of the output.
    pub activation: Activation,
}

impl Pool2d {
    /// Over each 2 x 2 values, a VGG's.
    pub const HALVING: Self = Self { window: Window::tiles(2), activation: Activation::NONE };
}

/// A fully connected layer over the flattened (HWC) input; weights OI, one scale per output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear {
    /// Output values.
    pub outputs: u16,
    /// Of the output.
    pub zero_point: ZeroPoint,
    /// Range of the output.
    pub activation: Activation,
}

/// The sum of two tensors of one shape: TFLite's ADD, its inputs shifted left by 20 bits. Its parameters are three
/// multipliers: s_1 / twice and s_2 / twice, where twice = 2 max(s_1, s_2), and twice / (2^20 s_out).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Add {
    /// How many tensors back the second one is, as [`super::Node::from`] says of the first.
    pub other: u8,
    /// Of the output.
    pub zero_point: ZeroPoint,
    /// Range of the output.
    pub activation: Activation,
}

/// The same values in another shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reshape {
    /// Of the output.
    pub shape: Shape,
}

/// exp(beta x) over its sum, over the channels: scale 1/256, zero point -128. Its parameter is one multiplier: beta s_in
/// 2^26, which makes differences Q5.26.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Softmax {}

/// One step of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// See [`Conv2d`].
    Conv2d(Conv2d),
    /// The maximum: see [`Pool2d`].
    MaxPool2d(Pool2d),
    /// See [`Linear`].
    Linear(Linear),
    /// See [`DepthwiseConv2d`].
    DepthwiseConv2d(DepthwiseConv2d),
    /// The mean: see [`Pool2d`].
    AveragePool2d(Pool2d),
    /// See [`Add`].
    Add(Add),
    /// See [`Reshape`].
    Reshape(Reshape),
    /// See [`Softmax`].
    Softmax(Softmax),
}

impl Layer {
    /// The output for an input of this shape; `None` where the layer cannot take it.
    pub fn output(&self, input: Shape) -> Option<Shape> {
        Record::from(self).output(input)
    }

    /// Multipliers, for an input that the layer can take: one per output channel of a layer with weights; `None` for a layer
    /// without parameters.
    pub fn multipliers(&self, input: Shape) -> Option<u16> {
        let record = Record::from(self);
        Some(record.multipliers(record.output(input)?)).filter(|multipliers| *multipliers > 0)
    }

    /// Weights of each multiplier's output channel, for an input of this shape; 0 for a layer without weights.
    pub fn weights_per_output(&self, input: Shape) -> u32 {
        Record::from(self).weights_per_output(input)
    }

    /// The order of its weights in the payload.
    pub fn order(&self) -> Order {
        Record::from(self).order()
    }

    /// The range of the output.
    pub fn activation(&self) -> Activation {
        Record::from(self).activation()
    }

    /// The operator's name: one of [`OPERATORS`].
    pub fn operator(&self) -> &'static str {
        match self {
            Layer::Conv2d(_) => "conv2d",
            Layer::MaxPool2d(_) => "max-pool2d",
            Layer::Linear(_) => "linear",
            Layer::DepthwiseConv2d(_) => "depthwise-conv2d",
            Layer::AveragePool2d(_) => "average-pool2d",
            Layer::Add(_) => "add",
            Layer::Reshape(_) => "reshape",
            Layer::Softmax(_) => "softmax",
        }
    }
}
