//! A network as a `.tflite` file has it: tensors, and operators between them.

use super::names;
use std::fmt;

/// Number of the operator in the schema.
const RESHAPE: i32 = 22;

/// The network of a file; weights are read in place.
#[derive(Clone, Debug)]
pub struct Graph<'b> {
    /// Values and constants.
    pub tensors: Vec<Tensor<'b>>,
    /// In the file's order.
    pub operators: Vec<Operator>,
    /// The tensor that is fed.
    pub input: usize,
    /// The tensor that is the answer.
    pub output: usize,
}

/// A type of numbers, by its number in the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Type(pub i8);

impl Type {
    /// Four bytes, not quantised.
    pub const FLOAT32: Self = Self(0);
    /// Biases and shapes.
    pub const INT32: Self = Self(2);
    /// Older quantised networks, and the ends of newer ones.
    pub const UINT8: Self = Self(3);
    /// All that this program runs.
    pub const INT8: Self = Self(9);
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&names::number_type(self.0))
    }
}

/// A value between operators, or a constant.
#[derive(Clone, Debug)]
pub struct Tensor<'b> {
    /// As the file has it.
    pub name: String,
    /// Of its elements.
    pub kind: Type,
    /// Outermost first; sizes that are only known when it runs are -1, a batch's is 1.
    pub shape: Vec<i32>,
    /// Real = scale * (q - zero point): one, or one for each index of `axis`; none where it is not quantised.
    pub scales: Vec<f32>,
    /// As many as scales.
    pub zero_points: Vec<i64>,
    /// The dimension that several scales belong to.
    pub axis: i32,
    /// The elements of a constant, little-endian.
    pub data: Option<&'b [u8]>,
}

/// What is computed, from which tensors.
#[derive(Clone, Debug)]
pub struct Operator {
    /// Number of the operator in the schema.
    pub code: i32,
    /// Name of an operator that is none of TensorFlow Lite's own.
    pub custom: String,
    /// Of the operator's definition; goes up with what it can be asked for.
    pub version: i32,
    /// Tensors; `None` where one that may be left out is.
    pub inputs: Vec<Option<usize>>,
    /// Tensors.
    pub outputs: Vec<usize>,
    /// How.
    pub options: Options,
}

/// How an operator computes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Options {
    /// Nothing to say, or nothing that is read here.
    None,
    /// A convolution's.
    Conv2d(Sliding),
    /// A depthwise convolution's, with its outputs per channel.
    DepthwiseConv2d(Sliding, i32),
    /// A pool's, with its window's rows and columns.
    Pool2d(Sliding, (i32, i32)),
    /// A fully connected layer's: weights in another order than row by row have a format other than 0.
    FullyConnected {
        /// In the same step.
        activation: Fused,
        /// Order of the weights.
        format: i8,
    },
    /// An addition's.
    Add(Fused),
    /// A softmax's factor of its input.
    Softmax(f32),
}

/// How a window goes over an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sliding {
    /// Whether windows may hang over the edge (SAME).
    pub is_same: bool,
    /// Rows and columns from one output to the next.
    pub stride_hw: (i32, i32),
    /// Rows and columns from one weight to the next.
    pub dilation_hw: (i32, i32),
    /// In the same step.
    pub activation: Fused,
}

/// An activation in the same step as an operator, by its number in the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fused(pub i8);

impl Fused {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// From 0 on.
    pub const RELU: Self = Self(1);
    /// From -1 to 1.
    pub const RELU_N1_TO_1: Self = Self(2);
    /// From 0 to 6.
    pub const RELU6: Self = Self(3);
}

impl Graph<'_> {
    /// An operator's place for a message: `operator 3 (CONV_2D)`.
    pub fn operator_name(&self, index: usize) -> String {
        match self.operators.get(index) {
            Some(operator) if operator.custom.is_empty() => format!("operator {index} ({})", operator.kind()),
            Some(operator) => format!("operator {index} (CUSTOM {:?})", operator.custom),
            None => format!("operator {index}"),
        }
    }

    /// A tensor's place for a message: ``tensor 7 `conv/Relu` ``.
    pub fn tensor_name(&self, index: usize) -> String {
        match self.tensors.get(index) {
            Some(tensor) => format!("tensor {index} `{}`", tensor.name),
            None => format!("tensor {index}"),
        }
    }
}

impl Operator {
    /// The tensors that its output is made from. A RESHAPE's shape is not among them, for the output has one: some
    /// exporters have it computed when the network runs.
    pub fn sources(&self) -> impl Iterator<Item = usize> {
        let count = if self.code == RESHAPE { 1 } else { self.inputs.len() };
        self.inputs.iter().take(count).flatten().copied()
    }

    /// The operator's name in the schema.
    pub fn kind(&self) -> String {
        names::operator(self.code)
    }
}

impl Tensor<'_> {
    /// The elements, 0 where their number is not known before it runs, or too large.
    pub fn elements(&self) -> usize {
        let mut sizes = self.shape.iter().map(|size| usize::try_from(*size).ok());
        sizes.try_fold(1_usize, |product, size| product.checked_mul(size?)).unwrap_or(0)
    }
}
