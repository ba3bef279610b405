//! The layers of a network, and how they are put one after the other.

use super::Lowering;
use super::values::{Padding, Value};
use crate::quantize::LayerParameters;
use anyhow::{Context, Result, ensure};
use secateur_shared::layer::{Layer, Reshape, Shape};
use secateur_shared::quant::{Activation, ZeroPoint};

/// A network of the engine's layers.
#[derive(Debug)]
pub struct Network {
    /// Of one image.
    pub input: Shape,
    /// Of the input.
    pub input_zero_point: ZeroPoint,
    /// Real = scale * (q - zero point).
    pub input_scale: f32,
    /// Of the output.
    pub output_scale: f32,
    /// In order; the last one's output is the answer.
    pub layers: Vec<Lowered>,
    /// What became of operators that are no layer.
    pub notes: Vec<String>,
}

/// A layer with the numbers of the tensors that it reads: 0 is the input, i + 1 layer i's output.
#[derive(Debug)]
pub struct Lowered {
    /// What is computed; the distance in an addition is not yet set.
    pub layer: Layer,
    /// Of a layer with weights.
    pub parameters: Option<LayerParameters>,
    /// What it reads.
    pub input: usize,
    /// What an addition reads too.
    pub other: Option<usize>,
    /// The graph's operators that it computes, the first one first.
    pub operators: Vec<usize>,
    /// The graph's tensor that it writes; `None` where that is another view of one.
    pub output: Option<usize>,
}

impl Lowering<'_> {
    /// The engine's tensor that has a value in its shape: a layer makes it so where it is stored in another.
    pub(super) fn tensor(&mut self, value: &Value) -> Result<usize> {
        let stored = self.shapes[value.tensor];
        // The input has any shape of as many values, until it is read.
        if value.tensor == 0 && !std::mem::replace(&mut self.is_input_read, true) {
            self.shapes[0] = value.shape;
        } else if stored != value.shape {
            let layer = Layer::Reshape(Reshape { shape: value.shape });
            return self.append(Lowered { output: None, ..self.lowered(layer, value.tensor) });
        }
        Ok(value.tensor)
    }

    /// A layer without weights, of the operator at hand.
    pub(super) fn lowered(&self, layer: Layer, input: usize) -> Lowered {
        let output = self.graph.operators[self.operator].outputs.first().copied();
        Lowered { layer, parameters: None, input, other: None, operators: vec![self.operator], output }
    }

    /// Appends the layer that makes the output of the operator at hand.
    pub(super) fn push(&mut self, lowered: Lowered) -> Result<()> {
        let tensor = self.append(lowered)?;
        self.define(tensor)
    }

    /// The output of the operator at hand is one of the engine's tensors.
    pub(super) fn define(&mut self, tensor: usize) -> Result<()> {
        let output = self.output(&self.graph.operators[self.operator])?;
        let (declared, made) = (self.hwc(output)?, self.shapes[tensor]);
        ensure!(
            declared == made,
            "{} is of {}, the operator gives {}",
            self.graph.tensor_name(output),
            text(declared),
            text(made)
        );
        self.values[output] = Some(Value::new(tensor, declared, self.int8(output)?));
        Ok(())
    }

    fn append(&mut self, lowered: Lowered) -> Result<usize> {
        let input = self.shapes[lowered.input];
        let output = lowered.layer.output(input);
        self.shapes
            .push(output.with_context(|| format!("windows or sizes are impossible for an input of {}", text(input)))?);
        self.layers.push(lowered);
        Ok(self.layers.len())
    }

    /// The layer that made a value of the graph, where only the operator at hand reads it, and reads it as it was made.
    pub(super) fn only_reader_of(&mut self, tensor: usize) -> Option<&mut Lowered> {
        let value = self.values[tensor]?;
        let maker = self.layers.get_mut(value.tensor.checked_sub(1)?)?;
        (maker.output == Some(tensor) && self.plan.readers[tensor] == 1).then_some(maker)
    }

    /// Takes the operator at hand into the layer that made its input: the layer now writes its output, of this shape.
    pub(super) fn fold(&mut self, tensor: usize, what: &str) -> Result<()> {
        let output = self.output(&self.graph.operators[self.operator])?;
        let Some(Value { tensor: made, .. }) = self.values[tensor] else { return Ok(()) };
        let lowered = &mut self.layers[made - 1];
        lowered.operators.push(self.operator);
        lowered.output = Some(output);
        let shape = lowered.layer.output(self.shapes[lowered.input]);
        self.shapes[made] = shape.context("the output would be empty")?;
        let (name, layer) = (self.graph.operator_name(self.operator), made - 1);
        self.notes.push(format!("{name}: {what} layer {layer}"));
        self.define(made)
    }

    pub(super) fn finish(self) -> Result<Network> {
        let (input, output) = (self.int8(self.plan.input)?, self.int8(self.plan.output)?);
        let end = self.values[self.plan.output].context("no layer makes it")?;
        ensure!(end.padding == Padding::default(), "it is padded by a PAD, which only convolutions can take over");
        // Every operator leads to the answer, so that the last layer makes it.
        ensure!(
            end.tensor > 0 && end.tensor == self.layers.len(),
            "no layer makes it: the network only moves its input"
        );
        Ok(Network {
            input: self.shapes[0],
            input_zero_point: input.zero_point,
            input_scale: input.scale,
            output_scale: output.scale,
            layers: self.layers,
            notes: self.notes,
        })
    }
}

/// The range of one clamp after another, which is a clamp.
pub(super) fn both(first: Activation, second: Activation) -> Activation {
    let clamp = |value: i8| second.clamp(value.into());
    Activation { low: clamp(first.low), high: clamp(first.high) }
}

/// `5x4x3`.
pub(in crate::tflite) fn text(shape: Shape) -> String {
    format!("{}x{}x{}", shape.height, shape.width, shape.channels)
}
