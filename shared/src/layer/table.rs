//! Layers as a graph: which tensor each reads, and where it lies.

use super::{Conv2d, LAYERS_MAX, Layer, Pool2d, Record, Shape, Softmax, times};
use crate::quant::ZeroPoint;
use crate::refusal::Refusal;
use bytemuck::Zeroable;

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Zeroable)]
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

    /// Its layers as a blob has them.
    pub(crate) fn records(&self) -> heapless::Vec<Record, LAYERS_MAX> {
        self.nodes.iter().map(Record::from).collect()
    }

    /// Every layer with its tensors; ends, with an error naming it, at a layer that cannot take its input.
    pub fn steps(&self) -> Steps<impl Iterator<Item = Record> + Clone + '_> {
        Steps::new(self.input, self.nodes.iter().map(Record::from))
    }
}

/// A layer in its place.
#[derive(Clone, Copy, Debug, Zeroable)]
pub struct Step {
    /// Its number, from 0.
    pub index: usize,
    /// What is computed: see [`Step::layer`].
    pub record: Record,
    /// Multipliers; 0 for a layer without parameters.
    pub multipliers: u16,
    /// Weights of each.
    pub weights_per_output: u32,
    /// From.
    pub input: Tensor,
    /// The number of that tensor.
    pub input_index: usize,
    /// And from: see [`Step::other`].
    pub second: Tensor,
    /// The number of that tensor.
    pub second_index: usize,
    /// To.
    pub output: Tensor,
    /// Where the scratch starts in the arena.
    pub scratch_at: u32,
    /// Where the parameters start in the payload, and end.
    pub parameters_at: u32,
    /// See [`Step::parameters_at`].
    pub parameters_end: u32,
}

/// The tensors and parameters of a table's layers so far: the shapes follow from layer to layer.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    tensors: heapless::Vec<Tensor, { LAYERS_MAX + 1 }>,
    parameters_end: u32,
}

impl Graph {
    /// From the input on.
    #[inline(always)]
    pub(crate) fn new(input: Tensor) -> Self {
        let mut tensors = heapless::Vec::new();
        // There is room for one.
        let _ = tensors.push(input);
        Self { tensors, parameters_end: 0 }
    }

    /// The input, and the output of every layer so far.
    pub(crate) fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// Fills in the step of the next layer by its record; `None` where it cannot take its input.
    // Firmware has it once, and fills in memory what registers cannot hold.
    #[inline(never)]
    pub(crate) fn turn(&mut self, step: &mut Step) -> Option<()> {
        let record = &step.record;
        step.index = self.tensors.len() - 1;
        let (first, second) = (usize::from(record.from), usize::from(record.other()));
        step.input_index = step.index.wrapping_sub(first);
        step.second_index = step.index.wrapping_sub(second);
        let (input, other) = (self.tensors.get(step.input_index)?, self.tensors.get(step.second_index)?);
        // The network's input has not been an output.
        input.shape.bytes()?;
        if other.shape != input.shape {
            return None;
        }
        step.input = *input;
        step.second = *other;
        step.output.shape = record.output(input.shape)?;
        step.output.zero_point = record.zero_point(input.zero_point);
        step.output.at = record.output_at;
        step.scratch_at = record.scratch_at;
        step.multipliers = record.multipliers(step.output.shape);
        step.weights_per_output = record.weights_per_output(input.shape);
        step.parameters_at = self.parameters_end;
        let bytes = parameter_bytes(step.multipliers, step.weights_per_output)?;
        step.parameters_end = step.parameters_at.checked_add(bytes)?;
        self.parameters_end = step.parameters_end;
        self.tensors.push(step.output).ok()
    }
}

/// Walks a table.
#[derive(Clone, Debug)]
pub struct Steps<Records> {
    records: Records,
    graph: Graph,
}

impl<Records: Iterator<Item = Record>> Steps<Records> {
    /// From the input on.
    pub fn new(input: Tensor, records: Records) -> Self {
        Self { records, graph: Graph::new(input) }
    }

    /// The input, and the output of every layer so far.
    pub fn tensors(&self) -> &[Tensor] {
        self.graph.tensors()
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

    fn next(&mut self) -> Option<Self::Item> {
        let mut step = Step { record: self.records.next()?, ..Step::zeroed() };
        Some(self.graph.turn(&mut step).map(|()| step).ok_or(Refusal::Geometry(step.index as u8)))
    }
}

impl Step {
    /// What is computed. A chip reads the record, and has no code for this.
    pub fn layer(&self) -> Layer {
        // A table's operators are known, and so are a checked model's.
        self.record.layer().unwrap_or(Layer::Softmax(Softmax {}))
    }

    /// The second tensor and its number, where the layer reads two.
    pub fn other(&self) -> Option<(Tensor, usize)> {
        self.record.is_sum().then_some((self.second, self.second_index))
    }

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
