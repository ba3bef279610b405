//! What a layer's record says without a case for each operator: checks and plans go by these alone, on a chip too, where every
//! case is code.

use super::operator::*;
use super::{Record, Shape};
use crate::packing::Order;
use crate::quant::{Activation, Multiplier, ZeroPoint};

/// What of its input an output is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// What lies in its place: it is written where that was read.
    Place,
    /// A window of its own channel.
    Channel,
    /// A window of all channels.
    Channels,
    /// All of it.
    Whole,
}

impl Record {
    /// Whether there is such an operator.
    pub(crate) fn is_known(&self) -> bool {
        self.operator <= SOFTMAX
    }

    /// What of its input an output is made from.
    pub fn reach(&self) -> Reach {
        match self.operator {
            CONV2D => Reach::Channels,
            MAX_POOL2D | AVERAGE_POOL2D | DEPTHWISE_CONV2D => Reach::Channel,
            LINEAR => Reach::Whole,
            _ => Reach::Place,
        }
    }

    /// How many tensors back the layer's second input is, as [`super::Node::from`] says; the first one's where it has one.
    pub(crate) fn other(&self) -> u8 {
        if self.is_sum() { self.extra } else { self.from }
    }

    /// Whether it has two inputs.
    pub(crate) fn is_sum(&self) -> bool {
        self.operator == ADD
    }

    /// Rows, and columns, of outputs of which the largest is written.
    pub fn pool(&self) -> u8 {
        if self.operator == CONV2D && self.extra != 0 { 2 } else { 1 }
    }

    /// Whether each output channel has a multiplier and weights.
    pub(crate) fn has_weights(&self) -> bool {
        matches!(self.operator, CONV2D | LINEAR | DEPTHWISE_CONV2D)
    }

    /// The order of its weights in the payload.
    pub(crate) fn order(&self) -> Order {
        if self.operator == DEPTHWISE_CONV2D { Order::Plain } else { Order::Pairs }
    }

    /// The output's zero point, given the input's.
    pub(crate) fn zero_point(&self, input: ZeroPoint) -> ZeroPoint {
        match self.operator {
            MAX_POOL2D | AVERAGE_POOL2D | RESHAPE => input,
            SOFTMAX => ZeroPoint(i8::MIN),
            _ => ZeroPoint(self.zero_point),
        }
    }

    /// The range of the output.
    pub fn activation(&self) -> Activation {
        match self.operator {
            RESHAPE | SOFTMAX => Activation::NONE,
            _ => Activation { low: self.low, high: self.high },
        }
    }

    /// The output for an input of this shape; `None` where the layer cannot take it.
    pub(crate) fn output(&self, input: Shape) -> Option<Shape> {
        let channels = match self.operator {
            CONV2D | LINEAR => self.outputs.into(),
            DEPTHWISE_CONV2D => u32::from(input.channels) * u32::from(self.extra),
            _ => input.channels.into(),
        };
        let halvings = self.pool() / 2;
        let (height, width) = match self.reach() {
            Reach::Whole => (1, 1),
            Reach::Place => (input.height, input.width),
            _ => self.window().output_hw(input)?,
        };
        let (height, width) = (height >> halvings, width >> halvings);
        let windowed = Shape { height, width, channels: u16::try_from(channels).ok()? };
        let output = if self.operator == RESHAPE { self.reshaped() } else { windowed };
        let bytes = output.bytes()?;
        (self.operator != RESHAPE || bytes == input.volume()).then_some(output)
    }

    /// Multipliers; 0 for a layer without parameters.
    pub(crate) fn multipliers(&self, output: Shape) -> u16 {
        match self.operator {
            ADD => 3,
            SOFTMAX => 1,
            _ if self.has_weights() => output.channels,
            _ => 0,
        }
    }

    /// The smallest and the largest exponent of a multiplier.
    pub(crate) fn exponents(&self) -> (i8, i8) {
        match self.operator {
            ADD => (*Multiplier::EXPONENTS.start(), 0),
            SOFTMAX => (0, *Multiplier::EXPONENTS.end()),
            _ => (*Multiplier::EXPONENTS.start(), *Multiplier::EXPONENTS.end()),
        }
    }

    /// Weights of each multiplier's output channel; 0 for a layer without weights.
    pub(crate) fn weights_per_output(&self, input: Shape) -> u32 {
        match self.operator {
            CONV2D => self.window().area() * u32::from(input.channels),
            DEPTHWISE_CONV2D => self.window().area(),
            LINEAR => input.volume(),
            _ => 0,
        }
    }
}
