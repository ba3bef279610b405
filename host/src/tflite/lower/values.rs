//! What operators read: values of the network, and constants.

use super::Lowering;
use crate::tflite::graph::{Graph, Operator, Tensor, Type};
use crate::tflite::order::not_int8;
use anyhow::{Context, Result, bail, ensure};
use secateur_shared::layer::Shape;
use secateur_shared::quant::ZeroPoint;

/// How int8 stands for real numbers: scale * (q - zero point).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quantization {
    pub(super) scale: f32,
    pub(super) zero_point: ZeroPoint,
}

/// What a tensor of the graph is here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    /// The engine's number of the tensor that has the values: 0 is the input.
    pub(super) tensor: usize,
    /// As the graph reads it: the engine's tensor may have another one of as many values.
    pub(super) shape: Shape,
    pub(super) quantization: Quantization,
    /// Zeros around it that are not stored, but left to the layer that reads it.
    pub(super) padding: Padding,
}

/// Rows and columns of zeros.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Padding {
    pub(super) before_hw: (u8, u8),
    pub(super) after_hw: (u8, u8),
}

/// The weights of a layer, as the file has them.
pub(super) struct Weights<'g> {
    /// In the tensor's order.
    pub(super) values: &'g [i8],
    /// Of each output; one where all have the same.
    pub(super) scales: &'g [f32],
    /// Sizes of the tensor's dimensions.
    pub(super) shape: Vec<usize>,
}

impl Value {
    pub(super) fn new(tensor: usize, shape: Shape, quantization: Quantization) -> Self {
        Self { tensor, shape, quantization, padding: Padding::default() }
    }
}

impl<'g> Lowering<'g> {
    /// The number of an operator's input.
    pub(super) fn input(&self, operator: &Operator, index: usize) -> Result<usize> {
        operator.inputs.get(index).copied().flatten().with_context(|| format!("input {index} is missing"))
    }

    /// The number of an operator's only output.
    pub(super) fn output(&self, operator: &Operator) -> Result<usize> {
        let [output] = operator.outputs[..] else { bail!("it has {} outputs, not one", operator.outputs.len()) };
        Ok(output)
    }

    /// A value, not padded.
    pub(super) fn value(&self, operator: &Operator, index: usize) -> Result<Value> {
        let value = self.padded_value(operator, index)?;
        ensure!(
            value.padding == Padding::default(),
            "its input is padded by a PAD before it, which only convolutions can take over"
        );
        Ok(value)
    }

    /// A value, and the zeros around it.
    pub(super) fn padded_value(&self, operator: &Operator, index: usize) -> Result<Value> {
        let tensor = self.input(operator, index)?;
        let name = || self.graph.tensor_name(tensor);
        ensure!(self.graph.tensors[tensor].data.is_none(), "{} is a constant, which is not supported here", name());
        self.values[tensor].with_context(|| format!("{} has no value here", name()))
    }

    /// An int8 tensor's scale and zero point.
    pub(super) fn int8(&self, tensor: usize) -> Result<Quantization> {
        let Tensor { kind, scales, zero_points, .. } = &self.graph.tensors[tensor];
        ensure!(*kind == Type::INT8, "{}", not_int8(self.graph, tensor));
        let name = || self.graph.tensor_name(tensor);
        let (&[scale], &[point]) = (&scales[..], &zero_points[..]) else {
            bail!("{} has {} scales, a value between layers has one", name(), scales.len())
        };
        ensure!(scale.is_finite() && scale > 0.0, "{} has the scale {scale}", name());
        let zero_point = i8::try_from(point).map_err(|_| anyhow::anyhow!("{} has the zero point {point}", name()))?;
        Ok(Quantization { scale, zero_point: ZeroPoint(zero_point) })
    }

    /// A tensor's rows, columns and channels: of a vector, as many channels.
    pub(super) fn hwc(&self, tensor: usize) -> Result<Shape> {
        let sizes = sizes(self.graph, tensor)?;
        let hwc = match sizes[..] {
            [channels] | [1, channels] => [1, 1, channels],
            [1, width, channels] => [1, width, channels],
            [1, height, width, channels] => [height, width, channels],
            _ => bail!(
                "{} is of {sizes:?}: only a batch of 1, and at most 3 dimensions more",
                self.graph.tensor_name(tensor)
            ),
        };
        let [height, width, channels] = hwc.map(|size| u16::try_from(size).unwrap_or(0));
        let shape = Shape { height, width, channels };
        ensure!(shape.bytes().is_some(), "{} is of {sizes:?}: empty, or too large", self.graph.tensor_name(tensor));
        Ok(shape)
    }

    /// The int8 weights of a layer with so many dimensions, whose outputs are counted by one of them.
    pub(super) fn weights(&self, operator: &Operator, dimensions: usize, axis: usize) -> Result<Weights<'g>> {
        let index = self.input(operator, 1)?;
        let tensor = &self.graph.tensors[index];
        weights(self.graph, index, dimensions, axis)
            .with_context(|| format!("the weights, {} ({})", self.graph.tensor_name(index), tensor.kind))
    }

    /// The biases of a layer of so many outputs; zeros where it has none.
    pub(super) fn bias(&self, operator: &Operator, outputs: usize) -> Result<Vec<i32>> {
        let Some(index) = operator.inputs.get(2).copied().flatten() else { return Ok(vec![0; outputs]) };
        let bias = self.integers(index).context("the bias")?;
        ensure!(
            bias.len() == outputs,
            "{} has {} biases for {outputs} outputs",
            self.graph.tensor_name(index),
            bias.len()
        );
        Ok(bias)
    }

    /// The values of a constant int32 tensor.
    pub(super) fn integers(&self, tensor: usize) -> Result<Vec<i32>> {
        let Tensor { kind, data, .. } = &self.graph.tensors[tensor];
        let name = || self.graph.tensor_name(tensor);
        ensure!(*kind == Type::INT32, "{} is {kind}, not INT32", name());
        let data = data.with_context(|| format!("{} is no constant", name()))?;
        let (numbers, rest) = data.as_chunks();
        ensure!(rest.is_empty() && numbers.len() == self.graph.tensors[tensor].elements(), "{} is cut off", name());
        Ok(numbers.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect())
    }
}

fn sizes(graph: &Graph, tensor: usize) -> Result<Vec<usize>> {
    let shape = &graph.tensors[tensor].shape;
    let sizes = shape.iter().map(|size| usize::try_from(*size)).collect();
    let unknown = || {
        format!("{} is of {shape:?}, known only when it runs: export it with fixed sizes", graph.tensor_name(tensor))
    };
    Result::ok(sizes).with_context(unknown)
}

fn weights<'g>(graph: &'g Graph, index: usize, dimensions: usize, axis: usize) -> Result<Weights<'g>> {
    let Tensor { kind, scales, zero_points, data, .. } = &graph.tensors[index];
    ensure!(*kind == Type::INT8, "only int8 weights run here: export with full integer quantisation");
    let shape = sizes(graph, index)?;
    ensure!(shape.len() == dimensions, "they are of {shape:?}, not of {dimensions} dimensions");
    let data = data.context("they are no constant")?;
    ensure!(data.len() == graph.tensors[index].elements(), "they are cut off: {} of {shape:?}", data.len());
    let is_per_output = scales.len() == shape[axis] && (scales.len() == 1 || graph.tensors[index].axis == axis as i32);
    ensure!(scales.len() == 1 || is_per_output, "{} scales for {} outputs", scales.len(), shape[axis]);
    ensure!(scales.iter().all(|scale| scale.is_finite() && *scale >= 0.0), "a scale is negative or no number");
    ensure!(zero_points.iter().all(|point| *point == 0), "a zero point is not 0");
    Ok(Weights { values: bytemuck::cast_slice(data), scales, shape })
}
