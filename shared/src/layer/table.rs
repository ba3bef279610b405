//! Layers as a graph: which tensor each reads, and where it lies.

use super::{Conv2d, LAYERS_MAX, Layer, Pool2d, Record, Shape, times};
use crate::quant::ZeroPoint;
use crate::refusal::Refusal;

/// A layer in the graph and in memory. Tensor 0 is the network's input, layer i's output is tensor i + 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// What is computed.
    pub layer: Layer,
    /// How many tensors further back its input is than the output of the layer before.
    pub from: u8,
    /// Where its output starts in the arena.
    pub output_at: u32,
    /// Where its scratch starts: behind every tensor that is still needed.
    pub scratch_at: u32,
}

/// A tensor in the arena.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tensor {
    /// One image's.
    pub shape: Shape,
    /// Of its values.
    pub zero_point: ZeroPoint,
    /// Its first byte.
    pub at: u32,
}

impl Tensor {
    /// Its bytes, up to a multiple of 4.
    pub fn padded_bytes(&self) -> u32 {
        self.shape.volume().wrapping_add(3) & !3
    }

    /// After its last byte, on a multiple of 4.
    pub fn end(&self) -> u32 {
        self.at.saturating_add(self.padded_bytes())
    }

    /// Its bytes in the arena.
    pub fn range(&self) -> core::ops::Range<usize> {
        let at = self.at as usize;
        at..at.wrapping_add(self.shape.volume() as usize)
    }
}

/// The network: its input and its layers, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// One image; a byte p of it enters as p - 128.
    pub input: Tensor,
    /// The first layer first.
    pub nodes: heapless::Vec<Node, LAYERS_MAX>,
}

impl Table {
    /// A table without layers.
    pub fn new(shape: Shape, zero_point: ZeroPoint) -> Self {
        Self { input: Tensor { shape, zero_point, at: 0 }, nodes: heapless::Vec::new() }
    }

    /// Appends a layer that reads the last output. The 2 x 2 max pool of stride 2 right after a convolution becomes part
    /// of it.
    ///
    /// # Errors
    /// As [`Table::push_from`].
    pub fn push(&mut self, layer: Layer) -> Result<(), Refusal> {
        match self.nodes.pop() {
            Some(node) => self.push_after(node, layer),
            None => self.push_from(layer, 0),
        }
    }

    /// Appends the last layer again, with the layer after it.
    fn push_after(&mut self, last: Node, layer: Layer) -> Result<(), Refusal> {
        if let (Layer::Conv2d(conv), Layer::MaxPool2d(Pool2d::HALVING)) = (last.layer, layer)
            && !conv.is_pooled
        {
            let pooled = self.push_from(Layer::Conv2d(Conv2d { is_pooled: true, ..conv }), last.from);
            return pooled.or_else(|refusal| self.push_from(last.layer, last.from).and(Err(refusal)));
        }
        self.push_from(last.layer, last.from)?;
        self.push_from(layer, 0)
    }

    /// Appends a layer that reads the output so many tensors before the last one.
    ///
    /// # Errors
    /// [`Refusal::Geometry`] where the layer cannot take it, [`Refusal::Table`] where the table is full.
    pub fn push_from(&mut self, layer: Layer, from: u8) -> Result<(), Refusal> {
        self.nodes.push(Node { layer, from, output_at: 0, scratch_at: 0 }).map_err(|_| Refusal::Table)?;
        let end = self.end().map(|_| ());
        if end.is_err() {
            self.nodes.pop();
        }
        end
    }

    /// The last output's shape, and the payload's length.
    ///
    /// # Errors
    /// [`Refusal::Geometry`] where a layer cannot take its input, or its parameters do not fit 32 bits.
    pub fn end(&self) -> Result<(Shape, u32), Refusal> {
        let mut end = (self.input.shape, 0);
        for step in self.steps() {
            let step = step?;
            end = (step.output.shape, step.parameters_end);
        }
        Ok(end)
    }

    /// Every layer with its tensors; ends, with an error naming it, at a layer that cannot take its input.
    pub fn steps(&self) -> Steps<impl Iterator<Item = Record> + Clone + '_> {
        Steps::new(self.input, self.nodes.iter().map(Record::from))
    }
}

/// A layer in its place.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Its number, from 0.
    pub index: usize,
    /// What is computed.
    pub layer: Layer,
    /// The same as a blob has it.
    pub record: Record,
    /// Multipliers; 0 for a layer without parameters.
    pub multipliers: u16,
    /// Weights of each.
    pub weights_per_output: u32,
    /// From.
    pub input: Tensor,
    /// The number of that tensor.
    pub input_index: usize,
    /// And from, with its number, where the layer reads two.
    pub other: Option<(Tensor, usize)>,
    /// To.
    pub output: Tensor,
    /// Where the scratch starts in the arena.
    pub scratch_at: u32,
    /// Where the parameters start in the payload, and end.
    pub parameters_at: u32,
    /// See [`Step::parameters_at`].
    pub parameters_end: u32,
}

/// Walks a table: the shapes follow from layer to layer.
#[derive(Clone, Debug)]
pub struct Steps<Records> {
    records: Records,
    tensors: heapless::Vec<Tensor, { LAYERS_MAX + 1 }>,
    parameters_end: u32,
}

impl<Records: Iterator<Item = Record>> Steps<Records> {
    /// From the input on.
    pub fn new(input: Tensor, records: Records) -> Self {
        let mut tensors = heapless::Vec::new();
        // There is room for one.
        let _ = tensors.push(input);
        Self { records, tensors, parameters_end: 0 }
    }

    /// The input, and the output of every layer so far.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    fn tensor(&self, back: u8) -> Option<(Tensor, usize)> {
        let index = self.tensors.len().checked_sub(1 + usize::from(back))?;
        self.tensors.get(index).map(|tensor| (*tensor, index))
    }

    fn step(&mut self, record: Record) -> Option<Step> {
        let [input, other] = record.inputs().map(|back| self.tensor(back));
        let (input, input_index) = input?;
        let other = if record.is_sum() { Some(other?) } else { None };
        if other.is_some_and(|(other, _)| other.shape != input.shape) {
            return None;
        }
        let shape = record.output(input.shape)?;
        let output = Tensor { shape, zero_point: record.zero_point(input.zero_point), at: record.output_at };
        let (multipliers, weights_per_output) = (record.multipliers(shape), record.weights_per_output(input.shape));
        let parameters_at = self.parameters_end;
        self.parameters_end = parameters_at.checked_add(parameter_bytes(multipliers, weights_per_output)?)?;
        let (index, parameters_end) = (self.tensors.len() - 1, self.parameters_end);
        self.tensors.push(output).ok()?;
        Some(Step {
            index,
            layer: record.layer()?,
            record,
            multipliers,
            weights_per_output,
            input,
            input_index,
            other,
            output,
            scratch_at: record.scratch_at,
            parameters_at,
            parameters_end,
        })
    }
}

/// Bytes of a layer's parameters in the payload: int32 bias, int32 mantissa, int8 exponent and the weights of each multiplier,
/// rounded up to a multiple of 4. `None` where they do not fit 32 bits.
fn parameter_bytes(multipliers: u16, weights_per_output: u32) -> Option<u32> {
    let bytes = times(weights_per_output.checked_add(9)?, multipliers)?;
    Some(bytes.checked_add(3)? & !3)
}

impl<Records: Iterator<Item = Record>> Iterator for Steps<Records> {
    type Item = Result<Step, Refusal>;

    // Firmware has it once.
    #[inline(never)]
    fn next(&mut self) -> Option<Self::Item> {
        let index = self.tensors.len() as u8 - 1;
        let record = self.records.next()?;
        Some(self.step(record).ok_or(Refusal::Geometry(index)))
    }
}

impl Step {
    /// Multiply-accumulates, padding counted as if it were data, and outputs that a fused pool drops left out.
    pub fn macs(&self) -> u64 {
        let pool = u64::from(self.record.pool());
        u64::from(self.output.shape.volume()) * pool * pool * u64::from(self.weights_per_output)
    }

    /// Whether a run reads its weights for several outputs, as a convolution does and a linear layer does not.
    pub fn reads_weights_again(&self) -> bool {
        let Shape { height, width, .. } = self.output.shape;
        (height, width) != (1, 1) && self.record.has_weights()
    }

    /// Multipliers, and weights of each; `None` for a layer without parameters.
    pub fn parameters(&self) -> Option<(usize, usize)> {
        (self.multipliers > 0).then_some((self.multipliers.into(), self.weights_per_output as usize))
    }
}
