//! The layer table as a blob has it: little-endian, without gaps, on words, so that postcard writes a record as it lies in
//! memory, and a chip reads it where it lies in flash.

use super::operator::*;
use super::{
    Add, Conv2d, DepthwiseConv2d, Layer, Linear, Node, Pool2d, Reshape, Shape, Softmax, Table, Tensor, Window,
};
use crate::quant::{Activation, ZeroPoint};
use bytemuck::{Pod, Zeroable};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The start of a table: the network's input, and how many records follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Head {
    shape: [u16; 3],
    /// Its lower half first: it does not lie on a word.
    at: [u16; 2],
    zero_point: i8,
    /// 1 to [`super::LAYERS_MAX`].
    pub layers: u8,
}

impl Head {
    /// Of a table with this input.
    pub fn new(input: &Tensor, layers: u8) -> Self {
        let Shape { height, width, channels } = input.shape;
        let at = [input.at as u16, (input.at >> 16) as u16];
        Self { shape: [height, width, channels], at, zero_point: input.zero_point.0, layers }
    }

    /// The network's input.
    pub fn input(&self) -> Tensor {
        let [height, width, channels] = self.shape;
        let at = u32::from(self.at[0]) | u32::from(self.at[1]) << 16;
        Tensor { shape: Shape { height, width, channels }, zero_point: ZeroPoint(self.zero_point), at }
    }
}

/// A layer. Fields that its operator does not have are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Record {
    /// The layer's place in [`Layer`], from 0.
    pub operator: u8,
    /// See [`Node::from`].
    pub from: u8,
    /// Whether a convolution pools, a depthwise convolution's multiplier, a sum's other input.
    pub extra: u8,
    /// Of the output.
    pub zero_point: i8,
    /// See [`Conv2d`] and [`Linear`].
    pub outputs: u16,
    /// Lowest output.
    pub low: i8,
    /// Highest output.
    pub high: i8,
    /// Kernel, stride, padding before and after; or a shape.
    pub window: [u8; 8],
    /// See [`Node`].
    pub output_at: u32,
    /// See [`Node`].
    pub scratch_at: u32,
}

impl Record {
    /// The layer; `None` for an operator that there is not.
    pub fn layer(&self) -> Option<Layer> {
        let Self { outputs, .. } = *self;
        let (window, zero_point) = (self.window(), ZeroPoint(self.zero_point));
        let activation = Activation { low: self.low, high: self.high };
        Some(match self.operator {
            CONV2D => Layer::Conv2d(Conv2d { outputs, window, is_pooled: self.extra != 0, zero_point, activation }),
            MAX_POOL2D => Layer::MaxPool2d(Pool2d { window, activation }),
            LINEAR => Layer::Linear(Linear { outputs, zero_point, activation }),
            DEPTHWISE_CONV2D => {
                Layer::DepthwiseConv2d(DepthwiseConv2d { multiplier: self.extra, window, zero_point, activation })
            }
            AVERAGE_POOL2D => Layer::AveragePool2d(Pool2d { window, activation }),
            ADD => Layer::Add(Add { other: self.extra, zero_point, activation }),
            RESHAPE => Layer::Reshape(Reshape { shape: self.reshaped() }),
            SOFTMAX => Layer::Softmax(Softmax {}),
            _ => return None,
        })
    }

    /// The layer in the graph; `None` for an operator that there is not.
    pub fn node(&self) -> Option<Node> {
        let Self { from, output_at, scratch_at, .. } = *self;
        Some(Node { layer: self.layer()?, from, output_at, scratch_at })
    }

    /// Of an operator that has one.
    pub fn window(&self) -> Window {
        let [k0, k1, s0, s1, b0, b1, a0, a1] = self.window;
        Window { kernel_hw: (k0, k1), stride_hw: (s0, s1), before_hw: (b0, b1), after_hw: (a0, a1) }
    }

    pub(super) fn reshaped(&self) -> Shape {
        let [h0, h1, w0, w1, c0, c1, ..] = self.window;
        let (height, width) = (u16::from_le_bytes([h0, h1]), u16::from_le_bytes([w0, w1]));
        Shape { height, width, channels: u16::from_le_bytes([c0, c1]) }
    }
}

/// Records where they lie, one after the other: a slice of them would be counted by a division, which is a routine on a
/// Cortex-M0+.
#[derive(Clone, Copy, Debug)]
pub struct Records<'b>(&'b [u8]);

impl<'b> Records<'b> {
    /// Of whole records, on words: else the last ones are missing.
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }
}

impl<'b> Iterator for Records<'b> {
    type Item = &'b Record;

    #[inline(always)]
    fn next(&mut self) -> Option<&'b Record> {
        let (record, rest) = self.0.split_at_checked(size_of::<Record>())?;
        self.0 = rest;
        bytemuck::try_from_bytes(record).ok()
    }
}

impl From<&Node> for Record {
    fn from(node: &Node) -> Self {
        let Node { from, output_at, scratch_at, .. } = *node;
        Self { from, output_at, scratch_at, ..Self::from(&node.layer) }
    }
}

impl From<&Layer> for Record {
    fn from(layer: &Layer) -> Self {
        let windowed = |operator, window: &Window, Activation { low, high }: Activation| {
            let [(k0, k1), (s0, s1)] = [window.kernel_hw, window.stride_hw];
            let [(b0, b1), (a0, a1)] = [window.before_hw, window.after_hw];
            Self { operator, low, high, window: [k0, k1, s0, s1, b0, b1, a0, a1], ..Self::default() }
        };
        let plain = |operator, Activation { low, high }| Self { operator, low, high, ..Self::default() };
        match *layer {
            Layer::Conv2d(conv) => {
                let (outputs, extra, zero_point) = (conv.outputs, conv.is_pooled.into(), conv.zero_point.0);
                Self { outputs, extra, zero_point, ..windowed(CONV2D, &conv.window, conv.activation) }
            }
            Layer::MaxPool2d(pool) => windowed(MAX_POOL2D, &pool.window, pool.activation),
            Layer::Linear(linear) => {
                let (outputs, zero_point) = (linear.outputs, linear.zero_point.0);
                Self { outputs, zero_point, ..plain(LINEAR, linear.activation) }
            }
            Layer::DepthwiseConv2d(conv) => {
                let (extra, zero_point) = (conv.multiplier, conv.zero_point.0);
                Self { extra, zero_point, ..windowed(DEPTHWISE_CONV2D, &conv.window, conv.activation) }
            }
            Layer::AveragePool2d(pool) => windowed(AVERAGE_POOL2D, &pool.window, pool.activation),
            Layer::Add(add) => Self { extra: add.other, zero_point: add.zero_point.0, ..plain(ADD, add.activation) },
            Layer::Reshape(reshape) => {
                let [h0, h1, w0, w1, c0, c1] = shape_bytes(reshape.shape);
                Self { window: [h0, h1, w0, w1, c0, c1, 0, 0], ..plain(RESHAPE, Activation::NONE) }
            }
            Layer::Softmax(_) => Self { zero_point: i8::MIN, ..plain(SOFTMAX, Activation::NONE) },
        }
    }
}

/// As it lies in memory.
macro_rules! as_bytes {
    ($($name:ident),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                bytemuck::cast::<Self, [u8; size_of::<Self>()]>(*self).serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(bytemuck::cast(<[u8; size_of::<Self>()]>::deserialize(deserializer)?))
            }
        }
    )*};
}
as_bytes!(Head, Record);

impl Serialize for Table {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(1 + self.nodes.len())?;
        tuple.serialize_element(&Head::new(&self.input, self.nodes.len() as u8))?;
        for node in &self.nodes {
            tuple.serialize_element(&Record::from(node))?;
        }
        tuple.end()
    }
}

fn shape_bytes(shape: Shape) -> [u8; 6] {
    let [[h0, h1], [w0, w1], [c0, c1]] = [shape.height, shape.width, shape.channels].map(u16::to_le_bytes);
    [h0, h1, w0, w1, c0, c1]
}
