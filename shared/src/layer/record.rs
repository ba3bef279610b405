//! The layer table as a blob has it. Every field is bytes, so that postcard writes a record as it lies in memory, and a chip
//! reads it where it lies in flash.

use super::{
    Add, Conv2d, DepthwiseConv2d, Layer, Linear, Node, Pool2d, Reshape, Shape, Softmax, Table, Tensor, Window,
};
use crate::quant::{Activation, ZeroPoint};
use bytemuck::{Pod, Zeroable};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Serialize, Serializer};

/// The start of a table: the network's input, and how many records follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Pod, Zeroable)]
#[repr(C)]
pub struct Head {
    shape: [u8; 6],
    at: [u8; 4],
    zero_point: i8,
    /// 1 to [`super::LAYERS_MAX`].
    pub layers: u8,
}

impl Head {
    /// Of a table with this input.
    pub fn new(input: &Tensor, layers: u8) -> Self {
        let (at, zero_point) = (input.at.to_le_bytes(), input.zero_point.0);
        Self { shape: shape_bytes(input.shape), at, zero_point, layers }
    }

    /// The network's input.
    pub fn input(&self) -> Tensor {
        let (shape, zero_point) = (shape(self.shape), ZeroPoint(self.zero_point));
        Tensor { shape, zero_point, at: u32::from_le_bytes(self.at) }
    }
}

/// A layer. Fields that its operator does not have are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Pod, Zeroable)]
#[repr(C)]
pub struct Record {
    /// The layer's place in [`Layer`], from 0.
    operator: u8,
    from: u8,
    /// Whether a convolution pools, a depthwise convolution's multiplier, a sum's other input.
    extra: u8,
    zero_point: i8,
    outputs: [u8; 2],
    low: i8,
    high: i8,
    /// Kernel, stride, padding before and after; or a shape.
    window: [u8; 8],
    output_at: [u8; 4],
    scratch_at: [u8; 4],
}

impl Record {
    /// The layer; `None` for an operator that there is not.
    #[inline(always)]
    pub fn node(&self) -> Option<Node> {
        let zero_point = ZeroPoint(self.zero_point);
        let activation = Activation { low: self.low, high: self.high };
        let outputs = u16::from_le_bytes(self.outputs);
        let [k0, k1, s0, s1, b0, b1, a0, a1] = self.window;
        let window = Window { kernel_hw: (k0, k1), stride_hw: (s0, s1), before_hw: (b0, b1), after_hw: (a0, a1) };
        let layer = match self.operator {
            0 => Layer::Conv2d(Conv2d { outputs, window, is_pooled: self.extra != 0, zero_point, activation }),
            1 => Layer::MaxPool2d(Pool2d { window, activation }),
            2 => Layer::Linear(Linear { outputs, zero_point, activation }),
            3 => Layer::DepthwiseConv2d(DepthwiseConv2d { multiplier: self.extra, window, zero_point, activation }),
            4 => Layer::AveragePool2d(Pool2d { window, activation }),
            5 => Layer::Add(Add { other: self.extra, zero_point, activation }),
            6 => Layer::Reshape(Reshape { shape: shape([k0, k1, s0, s1, b0, b1]) }),
            7 => Layer::Softmax(Softmax {}),
            _ => return None,
        };
        let [output_at, scratch_at] = [self.output_at, self.scratch_at].map(u32::from_le_bytes);
        Some(Node { layer, from: self.from, output_at, scratch_at })
    }
}

impl From<&Node> for Record {
    fn from(node: &Node) -> Self {
        let (output_at, scratch_at) = (node.output_at.to_le_bytes(), node.scratch_at.to_le_bytes());
        let zero_point = node.layer.zero_point(ZeroPoint(0)).0;
        let Activation { low, high } = node.layer.activation();
        let any = Self { from: node.from, zero_point, low, high, output_at, scratch_at, ..Self::default() };
        let window = |window: &Window| {
            let [(k0, k1), (s0, s1)] = [window.kernel_hw, window.stride_hw];
            let [(b0, b1), (a0, a1)] = [window.before_hw, window.after_hw];
            [k0, k1, s0, s1, b0, b1, a0, a1]
        };
        match node.layer {
            Layer::Conv2d(conv) => {
                let (outputs, extra) = (conv.outputs.to_le_bytes(), conv.is_pooled.into());
                Self { operator: 0, outputs, extra, window: window(&conv.window), ..any }
            }
            Layer::MaxPool2d(pool) => Self { operator: 1, window: window(&pool.window), ..any },
            Layer::Linear(linear) => Self { operator: 2, outputs: linear.outputs.to_le_bytes(), ..any },
            Layer::DepthwiseConv2d(conv) => {
                Self { operator: 3, extra: conv.multiplier, window: window(&conv.window), ..any }
            }
            Layer::AveragePool2d(pool) => Self { operator: 4, window: window(&pool.window), ..any },
            Layer::Add(add) => Self { operator: 5, extra: add.other, ..any },
            Layer::Reshape(reshape) => {
                let [h0, h1, w0, w1, c0, c1] = shape_bytes(reshape.shape);
                Self { operator: 6, window: [h0, h1, w0, w1, c0, c1, 0, 0], ..any }
            }
            Layer::Softmax(_) => Self { operator: 7, ..any },
        }
    }
}

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

fn shape(bytes: [u8; 6]) -> Shape {
    let [h0, h1, w0, w1, c0, c1] = bytes;
    let [height, width, channels] = [[h0, h1], [w0, w1], [c0, c1]].map(u16::from_le_bytes);
    Shape { height, width, channels }
}

fn shape_bytes(shape: Shape) -> [u8; 6] {
    let [[h0, h1], [w0, w1], [c0, c1]] = [shape.height, shape.width, shape.channels].map(u16::to_le_bytes);
    [h0, h1, w0, w1, c0, c1]
}
