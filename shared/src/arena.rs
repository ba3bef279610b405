//! Where tensors lie. A pass of the engine makes its output row by row from the top, and reads of its input only what the
//! rows to come need: an output may take the place of rows that were read for the last time.

mod chain;

use self::chain::Chain;
use crate::header::ALIGNMENT;
use crate::layer::{LAYERS_MAX, Layer, MaxPool2d, Shape, Step, Table};
use crate::refusal::Refusal;
use serde::{Deserialize, Serialize};

/// Tensors start on a multiple of this, so that kernels may load words.
pub const TENSOR_ALIGNMENT: u32 = 4;

/// Output pixels that a convolution computes at once, at most.
pub const PATCH_PIXELS: u32 = 4;

/// What the engine does at once: a layer, or a convolution with the max pool after it, whose input is never written.
#[derive(Clone, Copy, Debug)]
pub struct Pass<'t> {
    /// The number of its last layer, counted from 0.
    pub index: usize,
    /// The layer, or the convolution.
    pub step: Step<'t>,
    /// The max pool in the same pass.
    pub pool: Option<&'t MaxPool2d>,
    /// What is written.
    pub output: Shape,
}

impl Table {
    /// The passes of the engine; ends early, with an error naming it, at a layer that cannot take its input.
    pub fn passes(&self) -> Passes<'_> {
        Passes { layers: &self.layers, next: 0, input: self.input }
    }
}

/// See [`Table::passes`].
#[derive(Clone, Debug)]
pub struct Passes<'t> {
    layers: &'t [Layer],
    next: usize,
    input: Shape,
}

impl<'t> Iterator for Passes<'t> {
    type Item = Result<Pass<'t>, Refusal>;

    // Firmware has it once.
    #[inline(never)]
    fn next(&mut self) -> Option<Self::Item> {
        let (index, input) = (self.next, self.input);
        let layer = self.layers.get(index)?;
        let Some(output) = layer.output(input) else {
            self.next = self.layers.len();
            return Some(Err(Refusal::Geometry(index as u8)));
        };
        let mut pass = Pass { index, step: Step { layer, input, output }, pool: None, output };
        // A pool that needs of the convolution before it just the four outputs under its window.
        let next = self.layers.get(index + 1);
        if let (Layer::Conv2d(_), Some(Layer::MaxPool2d(pool @ MaxPool2d { window: 2, stride: 2 }))) = (layer, next)
            && let Some(pooled) = next.and_then(|next| next.output(output))
        {
            pass = Pass { index: index + 1, pool: Some(pool), output: pooled, ..pass };
        }
        (self.next, self.input) = (pass.index + 1, pass.output);
        Some(Ok(pass))
    }
}

impl Pass<'_> {
    /// The first row of the input that a row of the output is made from; `None` where every output needs all of it.
    pub fn first_row(&self, row: u32) -> Option<u32> {
        let pooled = self.pool.map_or(1, |pool| u32::from(pool.stride));
        match self.step.layer {
            Layer::Conv2d(conv) => {
                let (_, above) = conv.padding.fit(self.step.input.height, conv.kernel_hw.0, conv.stride)?;
                Some((row * pooled * u32::from(conv.stride)).saturating_sub(above.into()))
            }
            Layer::MaxPool2d(pool) => Some(row * u32::from(pool.stride)),
            Layer::Linear(_) => None,
        }
    }

    /// How many bytes an output must at least begin before its input where they overlap, a multiple of 4: no row may be
    /// written over one that is still to be read. `None` where they must not overlap.
    pub fn lead_bytes(&self) -> Option<u32> {
        let [from, to] = [self.step.input, self.output].map(|shape| u32::from(shape.width) * u32::from(shape.channels));
        let mut lead = 0;
        for row in 0..u32::from(self.output.height) {
            lead = lead.max(((row + 1) * to).saturating_sub(self.first_row(row)?.saturating_mul(from)));
        }
        Some(lead.next_multiple_of(TENSOR_ALIGNMENT))
    }

    /// What the pass needs at once: its input, its output as far as it lies elsewhere, and its scratch.
    pub fn working_bytes(&self) -> u32 {
        let [input, output] = [self.step.input, self.output].map(tensor_bytes);
        let apart = input + output;
        let overlapping = self.lead_bytes().map_or(apart, |lead| output.max(lead + input));
        apart.min(overlapping).saturating_add(self.scratch_bytes())
    }

    /// What the kernel scratches on, a multiple of 4: for a convolution the windows of [`PATCH_PIXELS`] outputs as 16-bit
    /// numbers, a pixel of padding, and as many outputs of each of a pool's rows.
    pub fn scratch_bytes(&self) -> u32 {
        match self.step.layer {
            Layer::Conv2d(conv) => {
                let positions = self.step.layer.weights_per_output(self.step.input).saturating_add(1) & !1;
                let rows = self.pool.map_or(0, |pool| u32::from(pool.window));
                let rest = u32::from(self.step.input.channels) + rows * PATCH_PIXELS * u32::from(conv.outputs);
                positions.saturating_mul(2 * PATCH_PIXELS).saturating_add(rest.next_multiple_of(TENSOR_ALIGNMENT))
            }
            Layer::MaxPool2d(_) | Layer::Linear(_) => 0,
        }
    }
}

fn tensor_bytes(shape: Shape) -> u32 {
    shape.bytes().unwrap_or(0).next_multiple_of(TENSOR_ALIGNMENT)
}

/// Where the tensors between passes start in the arena, in bytes; the input first. Scratch lies behind a pass's tensors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arena {
    offsets: heapless::Vec<u32, { LAYERS_MAX + 1 }>,
}

/// How far a table's tensors reach in the arena.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Length of the arena, a multiple of 16: the end of the pass that reaches furthest, its scratch included.
    pub bytes: u32,
    /// Where the input lies.
    pub input: Place,
    /// Where the last output lies.
    pub output: Place,
}

/// Where one tensor lies in the arena.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// First byte.
    pub offset: u32,
    /// Length.
    pub bytes: u32,
}

impl Place {
    /// After the last byte, on a multiple of 4.
    pub fn end(self) -> u32 {
        (self.offset + self.bytes).next_multiple_of(TENSOR_ALIGNMENT)
    }
}

impl Arena {
    /// Places every tensor so that the arena is as short as the search finds: for ever shorter ones, tensors go to its
    /// start, to its end, or as close to their input as they may.
    ///
    /// # Errors
    /// [`Refusal::Geometry`] where a layer cannot take its input.
    pub fn plan(table: &Table) -> Result<Self, Refusal> {
        let chain = Chain::new(table)?;
        // No arena is shorter than its longest pass; at opposite ends even the largest neighbors never meet.
        let (mut short, mut long) = chain.bounds;
        let mut best = chain.place(long).ok_or(Refusal::Table)?;
        while short < long {
            let middle = short + (long - short) / 2 / TENSOR_ALIGNMENT * TENSOR_ALIGNMENT;
            match chain.place(middle) {
                Some(offsets) => (best, long) = (offsets, middle),
                None => short = middle + TENSOR_ALIGNMENT,
            }
        }
        Ok(Self { offsets: best })
    }

    /// How far the tensors reach.
    ///
    /// # Errors
    /// [`Refusal::Places`] where the places are not those of this table, not on words, or in each other's way.
    #[inline(never)]
    pub fn extent(&self, table: &Table) -> Result<Extent, Refusal> {
        let mut offsets = self.offsets.iter().copied();
        let mut place = |shape: Shape| match offsets.next() {
            // No arena is longer than 2^30.
            Some(offset) if offset.is_multiple_of(TENSOR_ALIGNMENT) && offset >> 30 == 0 => {
                Ok(Place { offset, bytes: shape.bytes().unwrap_or(0) })
            }
            _ => Err(Refusal::Places),
        };
        let input = place(table.input)?;
        let (mut from, mut bytes) = (input, input.end());
        for pass in table.passes() {
            let pass = pass?;
            let to = place(pass.output)?;
            let apart = from.end() <= to.offset || to.end() <= from.offset;
            if !apart && pass.lead_bytes().is_none_or(|lead| to.offset.saturating_add(lead) > from.offset) {
                return Err(Refusal::Places);
            }
            bytes = bytes.max(from.end().max(to.end()).saturating_add(pass.scratch_bytes()));
            from = to;
        }
        let bytes = bytes.checked_next_multiple_of(ALIGNMENT as u32).filter(|_| offsets.next().is_none());
        bytes.map(|bytes| Extent { bytes, input, output: from }).ok_or(Refusal::Places)
    }

    /// Where each pass's output starts.
    pub fn outputs(&self) -> &[u32] {
        self.offsets.get(1..).unwrap_or_default()
    }

    /// The input's place, and that of each pass's output.
    pub fn places(&self, table: &Table) -> impl Iterator<Item = Place> {
        let outputs = table.passes().map(|pass| pass.map_or(0, |pass| pass.output.bytes().unwrap_or(0)));
        let tensors = core::iter::once(table.input.bytes().unwrap_or(0)).chain(outputs);
        self.offsets.iter().zip(tensors).map(|(offset, bytes)| Place { offset: *offset, bytes })
    }
}
