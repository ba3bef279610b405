//! A blob, checked once: after [`Model::parse`] the engine and its kernels have nothing left to refuse.

use crate::arena;
use crate::header::{self, ALIGNMENT, HEADER_BYTES};
use crate::layer::{Graph, Head, LAYERS_MAX, Record, Records, Step, Steps, Table, Tensor};
use crate::memory::{self, payload_at};
use crate::packing;
use crate::quant::{ACCUMULATOR_MAX, Multiplier, ZeroPoint};
use crate::refusal::Refusal;
use bytemuck::Zeroable;

/// A checked network, its layers and parameters read in place.
#[derive(Clone, Copy, Debug)]
pub struct Model<'b> {
    input: Tensor,
    output: Tensor,
    records: Records<'b>,
    layers: u8,
    arena_bytes: u32,
    payload: &'b [u8],
    /// A copy of the payload's start, in faster memory.
    hot: &'b [u8],
    identity: u32,
}

/// What is wrong with a layer, by its number.
pub type Fault = fn(u8) -> Refusal;

/// The parameters of a layer that has any, in payload order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parameters<'b> {
    /// One per output, scale s_in * s_w, the input's zero point folded in: bias - z_in * sum w.
    pub bias: &'b [i32],
    /// One per output, in [2^29, 2^31), or 0.
    pub mantissas: &'b [i32],
    /// One per output, -31..=30.
    pub exponents: &'b [i8],
    /// In the order of [`packing`].
    pub weights: &'b [i8],
    /// Weights of one output.
    pub per_output: usize,
    /// Of the weights.
    pub order: packing::Order,
}

impl Parameters<'_> {
    /// Bias and multiplier of an output; nothing past the last.
    #[inline(always)]
    pub fn output(&self, output: usize) -> (i32, Multiplier) {
        let values = (self.bias.get(output), self.mantissas.get(output), self.exponents.get(output));
        let (Some(&bias), Some(&mantissa), Some(&exponent)) = values else { return (0, Multiplier::ZERO) };
        (bias, Multiplier { mantissa, exponent })
    }

    /// Where the weights of an output lie.
    pub fn row(&self, output: usize) -> packing::Row {
        self.order.row(self.bias.len(), self.per_output, output)
    }

    /// The weight at a position of a row; 0 past the last.
    #[inline(always)]
    pub fn weight(&self, row: &packing::Row, position: usize) -> i32 {
        self.weights.get(row.index(position)).copied().unwrap_or(0).into()
    }

    /// The weights of a pair of outputs; `None` past the last pair.
    #[inline(always)]
    pub fn pair(&self, pair: usize) -> Option<packing::Pair<'_>> {
        packing::pair(self.weights, self.bias.len(), self.per_output, pair)
    }

    /// The weights of the last output where their number is odd.
    #[inline(always)]
    pub fn single(&self) -> Option<&[i8]> {
        packing::single(self.weights, self.bias.len(), self.per_output)
    }
}

impl<'b> Model<'b> {
    /// Checks a blob to the last byte: header, CRC, table, shapes, places, quantisation, and that no accumulator can
    /// overflow. What follows the blob in `bytes` (erased flash) is left alone.
    ///
    /// # Errors
    /// The first thing that is wrong, layers counted from 0.
    // It runs once: compiled here, where a chip's profile asks for few bytes.
    #[inline(never)]
    pub fn parse(bytes: &'b [u8]) -> Result<Self, Refusal> {
        let blob = header::open(bytes)?;
        if !(blob.as_ptr() as usize).is_multiple_of(ALIGNMENT) {
            return Err(Refusal::Misaligned);
        }
        let (head, rest) = blob.split_at_checked(HEADER_BYTES + size_of::<Head>()).ok_or(Refusal::CutOff)?;
        let head = head.get(HEADER_BYTES..).unwrap_or_default();
        let head: &Head = bytemuck::try_from_bytes(head).map_err(|_| Refusal::CutOff)?;
        let layers = usize::from(head.layers);
        if !(1..=LAYERS_MAX).contains(&layers) {
            return Err(Refusal::Table);
        }
        let (records, _) = rest.split_at_checked(layers * size_of::<Record>()).ok_or(Refusal::CutOff)?;
        let records = Records::new(records);
        let payload = blob.get(payload_at(layers)..).ok_or(Refusal::CutOff)?;
        let identity = header::identity(blob);
        let input = head.input();
        let mut model =
            Self { input, output: input, records, layers: head.layers, arena_bytes: 0, payload, hot: &[], identity };
        model.check()?;
        Ok(model)
    }

    /// Shows every layer, and the network's tensors up to its output, until `visit` finds a fault.
    ///
    /// # Errors
    /// That fault, or [`Refusal::Geometry`] of a layer that cannot take its input: a checked model has none.
    // Firmware has it once, and the tensors' places where they are: they are a kilobyte.
    #[inline(never)]
    pub fn walk(&self, visit: &mut dyn FnMut(&Step, &[Tensor]) -> Option<Fault>) -> Result<(), Refusal> {
        let (mut graph, mut step) = (Graph::new(self.input), Step::zeroed());
        for record in self.records {
            step.record = *record;
            let fault = match graph.turn(&mut step) {
                Some(()) => visit(&step, graph.tensors()),
                None => Some(Refusal::Geometry as Fault),
            };
            if let Some(fault) = fault {
                return Err(fault(step.index as u8));
            }
        }
        Ok(())
    }

    /// Every layer with its tensors.
    pub fn steps(&self) -> Steps<core::iter::Copied<Records<'b>>> {
        Steps::new(self.input, self.records.copied())
    }

    /// The layer table, decoded: for the desk.
    pub fn table(&self) -> Table {
        // `Model::parse` knows every operator.
        Table { input: self.input, nodes: self.records.map_while(Record::node).collect() }
    }

    /// The arena's length, a multiple of 16.
    pub fn arena_bytes(&self) -> u32 {
        self.arena_bytes
    }

    /// How many layers it has.
    pub fn layers(&self) -> usize {
        self.layers.into()
    }

    /// The input.
    pub fn input(&self) -> &Tensor {
        &self.input
    }

    /// The last layer's output.
    pub fn output(&self) -> &Tensor {
        &self.output
    }

    /// The blob's CRC-32.
    pub fn identity(&self) -> u32 {
        self.identity
    }

    /// As [`memory::hot_bytes`].
    // It runs once, and its walk over the layers is a kilobyte of stack.
    #[inline(never)]
    pub fn hot_bytes(&self, limit_bytes: u32) -> u32 {
        memory::hot_bytes(self.steps(), limit_bytes)
    }

    /// This model with as much of its payload's start copied to `memory`, on a multiple of 4, as fits there; layers whose
    /// parameters lie in it whole read them there.
    pub fn with_hot_weights(self, memory: &'b mut [u8]) -> Self {
        let bytes = memory.len().min(self.payload.len());
        let (memory, _) = memory.split_at_mut(bytes);
        memory.copy_from_slice(self.payload.get(..bytes).unwrap_or_default());
        Self { hot: memory, ..self }
    }

    /// The parameters of a step of this model; `None` for a layer without any.
    #[inline(never)]
    pub fn parameters(&self, step: &Step) -> Option<Parameters<'b>> {
        let (outputs, per_output) = step.parameters()?;
        let is_hot = step.parameters_end as usize <= self.hot.len();
        let rest = if is_hot { self.hot } else { self.payload }.get(step.parameters_at as usize..)?;
        let (bias, rest) = rest.split_at_checked(4 * outputs)?;
        let (mantissas, rest) = rest.split_at_checked(4 * outputs)?;
        let (packed, rest) = rest.split_at_checked(per_output * outputs)?;
        Some(Parameters {
            bias: bytemuck::try_cast_slice(bias).ok()?,
            mantissas: bytemuck::try_cast_slice(mantissas).ok()?,
            exponents: bytemuck::cast_slice(rest.get(..outputs)?),
            weights: bytemuck::cast_slice(packed),
            per_output,
            order: step.record.order(),
        })
    }

    fn check(&mut self) -> Result<(), Refusal> {
        let (model, mut parameters_end) = (*self, 0);
        model.walk(&mut |step, tensors| {
            let fault = model.fault(step);
            let extent = arena::extent(step, tensors, &|tensor| arena::last_reader(model.records, tensor));
            self.arena_bytes = self.arena_bytes.max(extent.unwrap_or(0));
            self.output = step.output;
            parameters_end = step.parameters_end;
            if fault.is_none() && extent.is_none() { Some(|_| Refusal::Places) } else { fault }
        })?;
        if self.payload.len() != parameters_end as usize {
            return Err(Refusal::Parameters(self.layers - 1));
        }
        self.arena_bytes = arena::rounded(self.arena_bytes)?;
        Ok(())
    }

    /// What is wrong with the layer beside its geometry: its operator, or values out of the arithmetic's bounds.
    fn fault(&self, step: &Step) -> Option<Fault> {
        if !step.record.is_built() {
            return Some(if step.record.is_known() { Refusal::Operator } else { |_| Refusal::Table });
        }
        let range = step.record.activation();
        if range.low > range.high {
            return Some(Refusal::Quantization);
        }
        if step.multipliers == 0 {
            return None;
        }
        let Some(parameters) = self.parameters(step) else { return Some(Refusal::Parameters) };
        let (lowest, highest) = step.record.exponents();
        for output in 0..parameters.bias.len() {
            let (bias, multiplier) = parameters.output(output);
            if !multiplier.has_valid_mantissa() || !(lowest..=highest).contains(&multiplier.exponent) {
                return Some(Refusal::Quantization);
            }
            let worst = worst_accumulator(&parameters, output, bias, step.input.zero_point);
            if worst.is_none_or(|worst| worst > ACCUMULATOR_MAX as u32 >> multiplier.exponent.max(0)) {
                return Some(Refusal::Overflow);
            }
        }
        None
    }
}

/// An output's |bias| + sum |w| * max |x - z|; the bias is the one before the zero point was folded in. `None` where it is far
/// out of bounds: 64 bits are a routine on a small core.
fn worst_accumulator(parameters: &Parameters, output: usize, folded: i32, input: ZeroPoint) -> Option<u32> {
    let (row, mut sum, mut sizes) = (parameters.row(output), 0_i32, 0_u32);
    for position in 0..parameters.per_output {
        let weight = parameters.weight(&row, position);
        sum = sum.wrapping_add(weight);
        sizes = sizes.saturating_add(weight.unsigned_abs());
    }
    // The reach is 128 to 255: more would be out of bounds, and so much fits. |sum| is no larger, |z| at most 128.
    let products = if sizes >> 24 == 0 { sizes * input.reach() } else { return None };
    let bias = folded.checked_add(i32::from(input.0) * sum)?;
    bias.unsigned_abs().checked_add(products)
}

const _: () = assert!(LAYERS_MAX <= u8::MAX as usize, "refusals name a layer in one byte");
