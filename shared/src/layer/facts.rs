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
    /// Whether this build has code for its operator.
    pub(crate) fn is_built(&self) -> bool {
        BUILT.checked_shr(self.operator.into()).is_some_and(|bits| bits & 1 == 1)
    }

    /// Whether there is such an operator.
    pub(crate) fn is_known(&self) -> bool {
        self.operator <= SOFTMAX
    }

    /// Whether this is its operator: never one that is not built, so that no code is left for that.
    #[inline(always)]
    fn is(&self, operator: u8) -> bool {
        BUILT >> operator & 1 == 1 && self.operator == operator
    }

    /// Whether it has two inputs.
    #[inline(always)]
    pub(crate) fn is_sum(&self) -> bool {
        self.is(ADD)
    }

    /// Whether it is a pool of its own.
    #[inline(always)]
    fn is_pool(&self) -> bool {
        self.is(MAX_POOL2D) || self.is(AVERAGE_POOL2D)
    }

    /// What of its input an output is made from.
    pub fn reach(&self) -> Reach {
        match () {
            () if self.is(CONV2D) => Reach::Channels,
            () if self.is(LINEAR) => Reach::Whole,
            () if self.is(DEPTHWISE_CONV2D) || self.is_pool() => Reach::Channel,
            () => Reach::Place,
        }
    }

    /// How many tensors back the layer's second input is, as [`super::Node::from`] says; the first one's where it has one.
    pub(crate) fn other(&self) -> u8 {
        if self.is_sum() { self.extra } else { self.from }
    }

    /// Rows, and columns, of outputs of which the largest is written.
    pub fn pool(&self) -> u8 {
        if self.is(CONV2D) && self.extra != 0 { 2 } else { 1 }
    }

    /// Whether each output channel has a multiplier and weights.
    pub(crate) fn has_weights(&self) -> bool {
        self.is(CONV2D) || self.is(LINEAR) || self.is(DEPTHWISE_CONV2D)
    }

    /// The order of its weights in the payload.
    pub(crate) fn order(&self) -> Order {
        if self.is(DEPTHWISE_CONV2D) { Order::Plain } else { Order::Pairs }
    }

    /// The output's zero point, given the input's.
    pub(crate) fn zero_point(&self, input: ZeroPoint) -> ZeroPoint {
        match () {
            () if self.is_pool() || self.is(RESHAPE) => input,
            () if self.is(SOFTMAX) => ZeroPoint(i8::MIN),
            () => ZeroPoint(self.zero_point),
        }
    }

    /// The range of the output.
    pub fn activation(&self) -> Activation {
        let is_open = self.is(RESHAPE) || self.is(SOFTMAX);
        if is_open { Activation::NONE } else { Activation { low: self.low, high: self.high } }
    }

    /// The output for an input of this shape; `None` where the layer cannot take it.
    pub(crate) fn output(&self, input: Shape) -> Option<Shape> {
        if self.is(RESHAPE) {
            let output = self.reshaped();
            return (output.bytes()? == input.volume()).then_some(output);
        }
        let channels = match () {
            () if self.is(CONV2D) || self.is(LINEAR) => self.outputs.into(),
            () if self.is(DEPTHWISE_CONV2D) => u32::from(input.channels) * u32::from(self.extra),
            () => input.channels.into(),
        };
        let halvings = self.pool() / 2;
        let (height, width) = match self.reach() {
            Reach::Whole => (1, 1),
            Reach::Place => (input.height, input.width),
            _ => self.window().output_hw(input)?,
        };
        let channels = u16::try_from(channels).ok()?;
        let output = Shape { height: height >> halvings, width: width >> halvings, channels };
        output.bytes().map(|_| output)
    }

    /// Multipliers; 0 for a layer without parameters.
    pub(crate) fn multipliers(&self, output: Shape) -> u16 {
        match () {
            () if self.has_weights() => output.channels,
            () if self.is(ADD) => 3,
            () => self.is(SOFTMAX).into(),
        }
    }

    /// The smallest and the largest exponent of a multiplier.
    pub(crate) fn exponents(&self) -> (i8, i8) {
        let (lowest, highest) = (*Multiplier::EXPONENTS.start(), *Multiplier::EXPONENTS.end());
        (if self.is(SOFTMAX) { 0 } else { lowest }, if self.is(ADD) { 0 } else { highest })
    }

    /// Weights of each multiplier's output channel; 0 for a layer without weights.
    pub(crate) fn weights_per_output(&self, input: Shape) -> u32 {
        match () {
            () if self.is(CONV2D) => self.window().area() * u32::from(input.channels),
            () if self.is(LINEAR) => input.volume(),
            () if self.is(DEPTHWISE_CONV2D) => self.window().area(),
            () => 0,
        }
    }
}
