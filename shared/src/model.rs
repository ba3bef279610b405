//! A blob, checked once: after [`Model::parse`] the engine and its kernels have nothing left to refuse.

use crate::arena::{Arena, Extent, Place};
use crate::header::{self, ALIGNMENT, HEADER_BYTES};
use crate::layer::{LAYERS_MAX, Layer, Shape, Step, Table};
use crate::packing;
use crate::quant::{ACCUMULATOR_MAX, Activation, Multiplier, ZeroPoint};
use crate::refusal::Refusal;

/// A checked network, its parameters read in place.
#[derive(Clone, Debug)]
pub struct Model<'b> {
    table: Table,
    arena: Arena,
    extent: Extent,
    payload: &'b [u8],
    identity: u32,
}

/// The parameters of a layer with weights, in payload order.
#[derive(Clone, Copy, Debug)]
pub struct Parameters<'b> {
    /// One per output, scale s_in * s_w, the input's zero point folded in: bias - z_in * sum w.
    pub bias: &'b [i32],
    /// One per output, in [2^30, 2^31), or 0.
    pub mantissas: &'b [i32],
    /// One per output, -31..=30.
    pub exponents: &'b [i8],
    /// In the order of [`packing`].
    pub weights: &'b [i8],
    /// Weights of one output.
    pub per_output: usize,
}

impl Parameters<'_> {
    /// Bias and multiplier of an output; nothing past the last.
    #[inline(always)]
    pub fn output(&self, output: usize) -> (i32, Multiplier) {
        let values = (self.bias.get(output), self.mantissas.get(output), self.exponents.get(output));
        let (Some(&bias), Some(&mantissa), Some(&exponent)) = values else { return (0, Multiplier::ZERO) };
        (bias, Multiplier { mantissa, exponent })
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
    /// Checks a blob to the last byte: header, CRC, table, shapes, offsets, quantisation, and that no accumulator can
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
        let body = blob.get(HEADER_BYTES..).ok_or(Refusal::CutOff)?;
        let ((table, arena), rest) = postcard::take_from_bytes::<(Table, Arena)>(body).map_err(|_| Refusal::Table)?;
        let payload_at = (blob.len() - rest.len()).next_multiple_of(ALIGNMENT);
        let payload = blob.get(payload_at..).ok_or(Refusal::CutOff)?;
        let padding = rest.get(..rest.len().wrapping_sub(payload.len())).ok_or(Refusal::Table)?;
        if padding.iter().any(|&byte| byte != 0) {
            return Err(Refusal::Table);
        }
        let identity = header::identity(blob);
        let mut model = Self { table, arena, extent: Extent::default(), payload, identity };
        model.check()?;
        model.extent = model.arena.extent(&model.table)?;
        Ok(model)
    }

    /// The layer table.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Where its tensors lie.
    pub fn arena(&self) -> &Arena {
        &self.arena
    }

    /// The arena's length, a multiple of 16.
    pub fn arena_bytes(&self) -> u32 {
        self.extent.bytes
    }

    /// The input's place in the arena.
    pub fn input(&self) -> Place {
        self.extent.input
    }

    /// The last output's place in the arena.
    pub fn output(&self) -> Place {
        self.extent.output
    }

    /// The blob's CRC-32.
    pub fn identity(&self) -> u32 {
        self.identity
    }

    /// The shape of the input and of the last layer's output.
    pub fn ends(&self) -> (Shape, Shape) {
        (self.table.input, self.table.end().map_or(self.table.input, |(output, _)| output))
    }

    /// The parameters of a step of this model's table; `None` for a layer without weights.
    pub fn parameters(&self, step: &Step) -> Option<Parameters<'b>> {
        let (at, outputs) = step.layer.parameters()?;
        let outputs = usize::from(outputs);
        let weights = step.layer.weights_per_output(step.input) as usize;
        let rest = self.payload.get(at as usize..)?;
        let (bias, rest) = rest.split_at_checked(4 * outputs)?;
        let (mantissas, rest) = rest.split_at_checked(4 * outputs)?;
        let (packed, rest) = rest.split_at_checked(weights * outputs)?;
        Some(Parameters {
            bias: bytemuck::try_cast_slice(bias).ok()?,
            mantissas: bytemuck::try_cast_slice(mantissas).ok()?,
            exponents: bytemuck::cast_slice(rest.get(..outputs)?),
            weights: bytemuck::cast_slice(packed),
            per_output: weights,
        })
    }

    fn check(&self) -> Result<(), Refusal> {
        if self.table.layers.is_empty() || self.table.input.bytes().is_none() {
            return Err(Refusal::Geometry(0));
        }
        let mut parameters_at = 0;
        let mut zero_point = self.table.input_zero_point;
        for (index, step) in self.table.steps().enumerate() {
            let (index, step) = (index as u8, step?);
            parameters_at = self.check_place(&step, parameters_at).ok_or(Refusal::Parameters(index))?;
            zero_point = self.check_values(&step, index, zero_point)?;
        }
        if self.payload.len() != parameters_at as usize {
            return Err(Refusal::Parameters(self.table.layers.len() as u8 - 1));
        }
        Ok(())
    }

    /// The end of the layer's parameters: they follow those of the layer before without a gap.
    fn check_place(&self, step: &Step, expected_at: u32) -> Option<u32> {
        let bytes = step.layer.parameter_bytes(step.input)?;
        let end = expected_at.checked_add(bytes)?;
        let in_place = step.layer.parameters().is_none_or(|(at, _)| at == expected_at);
        (in_place && end as usize <= self.payload.len()).then_some(end)
    }

    /// The output's zero point, where the layer's values are within the arithmetic's bounds.
    fn check_values(&self, step: &Step, index: u8, input: ZeroPoint) -> Result<ZeroPoint, Refusal> {
        let activation = match step.layer {
            Layer::Conv2d(conv) => conv.activation,
            Layer::Linear(linear) => linear.activation,
            Layer::MaxPool2d(_) => return Ok(input),
        };
        let parameters = self.parameters(step).ok_or(Refusal::Parameters(index))?;
        if !multipliers_in_bounds(&parameters, activation) {
            return Err(Refusal::Quantization(index));
        }
        if !accumulators_in_bounds(&parameters, input) {
            return Err(Refusal::Overflow(index));
        }
        Ok(step.layer.zero_point(input))
    }
}

fn multipliers_in_bounds(parameters: &Parameters, activation: Activation) -> bool {
    let mantissas = parameters.mantissas.iter().all(|&mantissa| mantissa == 0 || mantissa >= 1 << 30);
    let exponents = parameters.exponents.iter().all(|exponent| Multiplier::EXPONENTS.contains(exponent));
    mantissas && exponents && activation.low <= activation.high
}

/// Whether every output's |bias| + sum |w| * max |x - z|, shifted left by its exponent, is within bounds; the bias is the
/// one before the zero point was folded in.
fn accumulators_in_bounds(parameters: &Parameters, input: ZeroPoint) -> bool {
    let outputs = parameters.bias.len();
    (0..outputs).all(|output| {
        let at = |position| packing::index(outputs, parameters.per_output, output, position);
        let weights = (0..parameters.per_output).filter_map(|position| parameters.weights.get(at(position)));
        let (sum, sizes) = weights.fold((0_i64, 0_u64), |(sum, sizes), weight| {
            (sum + i64::from(*weight), sizes + u64::from(weight.unsigned_abs()))
        });
        let (folded, multiplier) = parameters.output(output);
        let bias = i64::from(folded) + i64::from(input.0) * sum;
        let worst = bias.unsigned_abs() + sizes * u64::from(input.reach());
        worst <= ACCUMULATOR_MAX as u64 >> multiplier.exponent.max(0)
    })
}

const _: () = assert!(LAYERS_MAX <= u8::MAX as usize, "refusals name a layer in one byte");
