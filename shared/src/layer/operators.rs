//! What a layer may be.

use super::{Shape, Window};
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
        let windowed = |window: &Window, channels: u32| {
            let (height, width) = window.output_hw(input)?;
            Some(Shape { height, width, channels: u16::try_from(channels).ok()? })
        };
        let shape = match self {
            Layer::Conv2d(conv) => {
                let full = windowed(&conv.window, conv.outputs.into())?;
                let half = |size: u16| if conv.is_pooled { size / 2 } else { size };
                Shape { height: half(full.height), width: half(full.width), ..full }
            }
            Layer::DepthwiseConv2d(conv) => {
                windowed(&conv.window, u32::from(input.channels) * u32::from(conv.multiplier))?
            }
            Layer::MaxPool2d(pool) | Layer::AveragePool2d(pool) => windowed(&pool.window, input.channels.into())?,
            Layer::Linear(linear) => Shape { height: 1, width: 1, channels: linear.outputs },
            Layer::Reshape(reshape) if reshape.shape.bytes() == input.bytes() => reshape.shape,
            Layer::Reshape(_) => return None,
            Layer::Add(_) | Layer::Softmax(_) => input,
        };
        shape.bytes().map(|_| shape)
    }

    /// Multipliers, for an input of this shape: one per output channel of a layer with weights; `None` for a layer without
    /// parameters.
    pub fn multipliers(&self, input: Shape) -> Option<u16> {
        match self {
            Layer::Conv2d(conv) => Some(conv.outputs),
            Layer::Linear(linear) => Some(linear.outputs),
            Layer::DepthwiseConv2d(conv) => input.channels.checked_mul(conv.multiplier.into()),
            Layer::Add(_) => Some(3),
            Layer::Softmax(_) => Some(1),
            Layer::MaxPool2d(_) | Layer::AveragePool2d(_) | Layer::Reshape(_) => None,
        }
    }

    /// Weights of each multiplier's output channel, for an input of this shape; 0 for a layer without weights.
    pub fn weights_per_output(&self, input: Shape) -> u32 {
        match self {
            Layer::Conv2d(conv) => conv.window.area() * u32::from(input.channels),
            Layer::DepthwiseConv2d(conv) => conv.window.area(),
            Layer::Linear(_) => input.bytes().unwrap_or(0),
            _ => 0,
        }
    }

    /// The order of its weights in the payload.
    pub fn order(&self) -> Order {
        match self {
            Layer::DepthwiseConv2d(_) => Order::Plain,
            _ => Order::Pairs,
        }
    }

    /// The output's zero point, given the input's.
    pub fn zero_point(&self, input: ZeroPoint) -> ZeroPoint {
        match self {
            Layer::Conv2d(conv) => conv.zero_point,
            Layer::DepthwiseConv2d(conv) => conv.zero_point,
            Layer::Linear(linear) => linear.zero_point,
            Layer::Add(add) => add.zero_point,
            Layer::Softmax(_) => ZeroPoint(i8::MIN),
            Layer::MaxPool2d(_) | Layer::AveragePool2d(_) | Layer::Reshape(_) => input,
        }
    }

    /// The range of the output.
    pub fn activation(&self) -> Activation {
        match self {
            Layer::Conv2d(conv) => conv.activation,
            Layer::DepthwiseConv2d(conv) => conv.activation,
            Layer::Linear(linear) => linear.activation,
            Layer::Add(add) => add.activation,
            Layer::MaxPool2d(pool) | Layer::AveragePool2d(pool) => pool.activation,
            Layer::Reshape(_) | Layer::Softmax(_) => Activation::NONE,
        }
    }

    /// Bytes of the parameters in the payload: int32 bias, int32 mantissa, int8 exponent and the weights of each
    /// multiplier, rounded up to a multiple of 4. `None` where they do not fit 32 bits.
    pub fn parameter_bytes(&self, input: Shape) -> Option<u32> {
        let Some(outputs) = self.multipliers(input) else { return Some(0) };
        let per_output = self.weights_per_output(input).checked_add(9)?;
        per_output.checked_mul(u32::from(outputs))?.checked_next_multiple_of(4)
    }

    /// Multiply-accumulates for an input of this shape, padding counted as if it were data, and outputs that a fused pool
    /// drops left out.
    pub fn macs(&self, input: Shape) -> u64 {
        let per_output = u64::from(self.weights_per_output(input));
        let pooled = if matches!(self, Layer::Conv2d(conv) if conv.is_pooled) { 4 } else { 1 };
        let outputs = self.output(input).and_then(Shape::bytes).unwrap_or(0);
        u64::from(outputs) * pooled * per_output
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
