//! The layer table: what a network computes, without its weights. Every field that depends on the weights has a fixed
//! size, so that the table's length is known from the shapes alone, before anything is trained or quantised.

use crate::quant::{Activation, ZeroPoint};
use crate::refusal::Refusal;
use serde::{Deserialize, Serialize};

/// The largest number of layers in a table; VGG16 with two hidden fully connected layers has 21.
pub const LAYERS_MAX: usize = 32;

/// The largest tensor, in bytes: keeps every product of sizes within 32 bits.
pub const TENSOR_BYTES_MAX: u32 = 1 << 24;

/// The size of one image's tensor, stored HWC, one byte a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Rows.
    pub height: u16,
    /// Columns.
    pub width: u16,
    /// Channels, the fastest-running index.
    pub channels: u16,
}

impl Shape {
    /// Bytes of the tensor; `None` where it is empty or larger than [`TENSOR_BYTES_MAX`].
    pub fn bytes(self) -> Option<u32> {
        let plane = u32::from(self.height) * u32::from(self.width);
        let bytes = plane.checked_mul(u32::from(self.channels))?;
        (1..=TENSOR_BYTES_MAX).contains(&bytes).then_some(bytes)
    }
}

/// Where a window may hang over the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Padding {
    /// Output size ceil(input / stride); the zero point pads, the smaller half at top and left.
    Same,
    /// Windows stay inside the input.
    Valid,
}

impl Padding {
    /// Output size and leading padding along one dimension; `None` where no window fits.
    pub fn fit(self, input: u16, kernel: u8, stride: u8) -> Option<(u16, u16)> {
        let (input, kernel, stride) = (u32::from(input), u32::from(kernel), u32::from(stride));
        if input == 0 || kernel == 0 || stride == 0 {
            return None;
        }
        let (output, before) = match self {
            Padding::Same => {
                let output = input.div_ceil(stride);
                let total = ((output - 1) * stride + kernel).saturating_sub(input);
                (output, total / 2)
            }
            Padding::Valid => (input.checked_sub(kernel)? / stride + 1, 0),
        };
        Some((u16::try_from(output).ok()?, u16::try_from(before).ok()?))
    }
}

/// A 2-D convolution with a fused activation; weights OHWI, one scale per output channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conv2d {
    /// Output channels.
    pub outputs: u16,
    /// Kernel rows and columns.
    pub kernel_hw: (u8, u8),
    /// Step, in both directions.
    pub stride: u8,
    /// At the edges.
    pub padding: Padding,
    /// Of the output.
    pub zero_point: ZeroPoint,
    /// Range of the output.
    pub activation: Activation,
    /// Where the parameters start, from the payload's start, in bytes.
    #[serde(with = "postcard::fixint::le")]
    pub parameters_at: u32,
}

/// The maximum over square windows; no padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaxPool2d {
    /// Rows and columns of the window.
    pub window: u8,
    /// Step, in both directions.
    pub stride: u8,
}

/// A fully connected layer over the flattened (HWC) input; weights OI, one scale per output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linear {
    /// Output values.
    pub outputs: u16,
    /// Of the output.
    pub zero_point: ZeroPoint,
    /// Range of the output.
    pub activation: Activation,
    /// Where the parameters start, from the payload's start, in bytes.
    #[serde(with = "postcard::fixint::le")]
    pub parameters_at: u32,
}

/// One step of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Layer {
    /// See [`Conv2d`].
    Conv2d(Conv2d),
    /// See [`MaxPool2d`].
    MaxPool2d(MaxPool2d),
    /// See [`Linear`].
    Linear(Linear),
}

impl Layer {
    /// The output for an input of this shape; `None` where the layer cannot take it.
    pub fn output(&self, input: Shape) -> Option<Shape> {
        let shape = match self {
            Layer::Conv2d(conv) => Shape {
                height: conv.padding.fit(input.height, conv.kernel_hw.0, conv.stride)?.0,
                width: conv.padding.fit(input.width, conv.kernel_hw.1, conv.stride)?.0,
                channels: conv.outputs,
            },
            Layer::MaxPool2d(pool) => Shape {
                height: Padding::Valid.fit(input.height, pool.window, pool.stride)?.0,
                width: Padding::Valid.fit(input.width, pool.window, pool.stride)?.0,
                channels: input.channels,
            },
            Layer::Linear(linear) => Shape { height: 1, width: 1, channels: linear.outputs },
        };
        shape.bytes().map(|_| shape)
    }

    /// Weights per output channel, for an input of this shape; 0 for a layer without weights.
    pub fn weights_per_output(&self, input: Shape) -> u32 {
        match self {
            Layer::Conv2d(conv) => {
                u32::from(conv.kernel_hw.0) * u32::from(conv.kernel_hw.1) * u32::from(input.channels)
            }
            Layer::MaxPool2d(_) => 0,
            Layer::Linear(_) => input.bytes().unwrap_or(0),
        }
    }

    /// The output's zero point; a max pool passes its input's on.
    pub fn zero_point(&self, input: ZeroPoint) -> ZeroPoint {
        match self {
            Layer::Conv2d(conv) => conv.zero_point,
            Layer::Linear(linear) => linear.zero_point,
            Layer::MaxPool2d(_) => input,
        }
    }

    /// Where and how many: offset of the parameters and number of output channels; `None` for a layer without any.
    pub fn parameters(&self) -> Option<(u32, u16)> {
        match self {
            Layer::Conv2d(conv) => Some((conv.parameters_at, conv.outputs)),
            Layer::Linear(linear) => Some((linear.parameters_at, linear.outputs)),
            Layer::MaxPool2d(_) => None,
        }
    }

    /// Bytes of the parameters in the payload: int32 bias, int32 mantissa, int8 exponent and the weights of each output
    /// channel, rounded up to a multiple of 4. `None` where they do not fit 32 bits.
    pub fn parameter_bytes(&self, input: Shape) -> Option<u32> {
        let Some((_, outputs)) = self.parameters() else { return Some(0) };
        let per_output = self.weights_per_output(input).checked_add(9)?;
        per_output.checked_mul(u32::from(outputs))?.checked_next_multiple_of(4)
    }

    /// Multiply-accumulates for an input of this shape, padding counted as if it were data.
    pub fn macs(&self, input: Shape) -> u64 {
        let per_output = u64::from(self.weights_per_output(input));
        let outputs = self.output(input).and_then(Shape::bytes).unwrap_or(0);
        u64::from(outputs) * per_output
    }

    /// The operator's name, as the kernels, the Cargo features and the golden cases have it.
    pub fn operator(&self) -> &'static str {
        match self {
            Layer::Conv2d(_) => "conv2d",
            Layer::MaxPool2d(_) => "max-pool2d",
            Layer::Linear(_) => "linear",
        }
    }
}

/// The network: its input and its layers, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// One image.
    pub input: Shape,
    /// Of the input: an image's byte p enters as p - 128.
    pub input_zero_point: ZeroPoint,
    /// The first layer first.
    pub layers: heapless::Vec<Layer, LAYERS_MAX>,
}

impl Table {
    /// A table without layers.
    pub fn new(input: Shape, input_zero_point: ZeroPoint) -> Self {
        Self { input, input_zero_point, layers: heapless::Vec::new() }
    }

    /// Appends a layer, its parameters placed right after those of the layer before.
    ///
    /// # Errors
    /// [`Refusal::Geometry`] where the layer cannot take the last output, [`Refusal::Table`] where the table is full.
    pub fn push(&mut self, mut layer: Layer) -> Result<(), Refusal> {
        let index = self.layers.len() as u8;
        let (input, at) = self.end()?;
        match &mut layer {
            Layer::Conv2d(conv) => conv.parameters_at = at,
            Layer::Linear(linear) => linear.parameters_at = at,
            Layer::MaxPool2d(_) => {}
        }
        layer.output(input).ok_or(Refusal::Geometry(index))?;
        self.layers.push(layer).map_err(|_| Refusal::Table)
    }

    /// The last output's shape, and the payload's length.
    ///
    /// # Errors
    /// [`Refusal::Geometry`] where a layer cannot take its input, or its parameters do not fit 32 bits.
    pub fn end(&self) -> Result<(Shape, u32), Refusal> {
        let mut end = (self.input, 0_u32);
        for (index, step) in self.steps().enumerate() {
            let step = step?;
            let bytes = step.layer.parameter_bytes(step.input);
            let payload = bytes.and_then(|bytes| end.1.checked_add(bytes));
            end = (step.output, payload.ok_or(Refusal::Geometry(index as u8))?);
        }
        Ok(end)
    }

    /// Every layer with its input and output; ends early, with an error naming it, at a layer that cannot take its input.
    pub fn steps(&self) -> impl Iterator<Item = Result<Step<'_>, Refusal>> {
        let mut input = Some(self.input);
        self.layers.iter().enumerate().map_while(move |(index, layer)| {
            let from = input?;
            input = layer.output(from);
            let step = input.map(|output| Step { layer, input: from, output });
            Some(step.ok_or(Refusal::Geometry(index as u8)))
        })
    }
}

/// A layer in its place.
#[derive(Clone, Copy, Debug)]
pub struct Step<'t> {
    /// What is computed.
    pub layer: &'t Layer,
    /// From.
    pub input: Shape,
    /// To.
    pub output: Shape,
}
