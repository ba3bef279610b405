//! Where tensors lie. A layer's output is made row by row from the top, and reads of its input only what the rows to come
//! need: an output may take the place of rows that were read for the last time.

mod search;

use crate::header::ALIGNMENT;
use crate::layer::{LAYERS_MAX, Layer, Node, Shape, Step, Table, Tensor, Window};
use crate::refusal::Refusal;

/// Tensors start on a multiple of this, so that kernels may load words.
pub const TENSOR_ALIGNMENT: u32 = 4;

/// Output pixels that a convolution computes at once, at most.
pub const PATCH_PIXELS: u32 = 4;

/// Channels whose rows a depthwise convolution has at once, at most.
pub const STRIP_CHANNELS: u32 = 4;

/// From one row of a channel to the next where a depthwise convolution scratches, a multiple of 4: the padded row under a row
/// of outputs. Its kernels compute outputs in fours and read the kernel's columns in fours.
pub fn strip_pitch(window: &Window, output: Shape) -> u32 {
    let last = u32::from(output.width).next_multiple_of(4).saturating_sub(1) * u32::from(window.stride_hw.1);
    (last + u32::from(window.kernel_hw.1).next_multiple_of(4)).next_multiple_of(4)
}

impl Step {
    /// The first row of the input that a row of the output is made from; `None` where every output needs all of it.
    pub fn first_row(&self, row: u32) -> Option<u32> {
        match self.layer {
            Layer::Conv2d(conv) => Some(conv.window.first_row(if conv.is_pooled { 2 * row } else { row })),
            Layer::DepthwiseConv2d(conv) => Some(conv.window.first_row(row)),
            Layer::MaxPool2d(pool) | Layer::AveragePool2d(pool) => Some(pool.window.first_row(row)),
            Layer::Linear(_) => None,
            Layer::Add(_) | Layer::Reshape(_) | Layer::Softmax(_) => Some(row),
        }
    }

    /// How many bytes an output must at least begin before its input where they overlap, a multiple of 4: no row may be
    /// written over one that is still to be read. `None` where they must not overlap.
    pub fn lead_bytes(&self) -> Option<u32> {
        // Value by value: each is written where it, or one before, was read.
        if matches!(self.layer, Layer::Add(_) | Layer::Reshape(_) | Layer::Softmax(_)) {
            return Some(0);
        }
        let [from, to] = [self.input, self.output].map(|tensor| tensor.shape.row_bytes());
        let mut lead = 0;
        for row in 0..u32::from(self.output.shape.height) {
            lead = lead.max(((row + 1) * to).saturating_sub(self.first_row(row)?.saturating_mul(from)));
        }
        Some(lead.next_multiple_of(TENSOR_ALIGNMENT))
    }

    /// What the kernel scratches on, a multiple of 4: for a convolution the windows of [`PATCH_PIXELS`] outputs as 16-bit
    /// numbers, a pixel of padding, and as many outputs of each of two rows to pool; for a depthwise one the rows of
    /// [`STRIP_CHANNELS`] channels under a row of outputs.
    pub fn scratch_bytes(&self) -> u32 {
        match self.layer {
            Layer::Conv2d(conv) => {
                let positions = self.layer.weights_per_output(self.input.shape).saturating_add(1) & !1;
                let rows = if conv.is_pooled { 2 } else { 0 };
                let rest = u32::from(self.input.shape.channels) + rows * PATCH_PIXELS * u32::from(conv.outputs);
                positions.saturating_mul(2 * PATCH_PIXELS).saturating_add(rest.next_multiple_of(TENSOR_ALIGNMENT))
            }
            Layer::DepthwiseConv2d(conv) => {
                let channels = u32::from(self.input.shape.channels).min(STRIP_CHANNELS);
                (channels * u32::from(conv.window.kernel_hw.0))
                    .saturating_mul(strip_pitch(&conv.window, self.output.shape))
            }
            _ => 0,
        }
    }

    /// What the layer needs at once: its input, its output as far as it lies elsewhere, and its scratch.
    pub fn working_bytes(&self) -> u32 {
        let [input, output] = [self.input, self.output].map(|tensor| tensor.padded_bytes());
        let apart = input + output;
        let overlapping = self.lead_bytes().map_or(apart, |lead| output.max(lead + input));
        apart.min(overlapping).saturating_add(self.scratch_bytes())
    }

    /// Whether the output, where it lies, spares a tensor that is needed: after this layer, or to make it.
    fn spares(&self, tensor: &Tensor, index: usize, last_reader: u8) -> bool {
        let is_apart = self.output.end() <= tensor.at || tensor.end() <= self.output.at;
        let is_read = index == self.input_index || self.other.is_some_and(|(_, other)| other == index);
        let is_done = is_read && usize::from(last_reader) == self.index;
        let follows = |lead: u32| self.output.at.saturating_add(lead) <= tensor.at;
        is_apart || (is_done && self.lead_bytes().is_some_and(follows))
    }
}

/// Of each tensor, the number of the last layer that reads it, or made it.
pub(crate) struct Readers(heapless::Vec<u8, { LAYERS_MAX + 1 }>);

impl Readers {
    pub(crate) fn of(nodes: impl Iterator<Item = Result<Node, Refusal>>) -> Result<Self, Refusal> {
        let mut last = heapless::Vec::new();
        let _ = last.push(0);
        for (index, node) in nodes.enumerate() {
            let node = node?;
            let other = if let Layer::Add(add) = node.layer { add.other } else { node.from };
            for back in [node.from, other] {
                let read = index.checked_sub(back.into()).and_then(|tensor| last.get_mut(tensor));
                *read.ok_or(Refusal::Geometry(index as u8))? = index as u8;
            }
            last.push(index as u8).map_err(|_| Refusal::Table)?;
        }
        Ok(Self(last))
    }

    fn last(&self, tensor: usize) -> u8 {
        self.0.get(tensor).copied().unwrap_or(0)
    }

    /// The bytes of the arena that a layer needs, where it destroys nothing; `steps` has just given it.
    ///
    /// # Errors
    /// [`Refusal::Places`] where a tensor does not lie on a word, or on one that is needed.
    // Firmware has it once.
    #[inline(never)]
    pub(crate) fn extent(&self, step: &Step, tensors: &[Tensor]) -> Result<u32, Refusal> {
        for (index, tensor) in tensors.iter().take(step.index + 1).enumerate() {
            let last = self.last(index);
            let is_needed = usize::from(last) >= step.index;
            if is_needed && !(step.spares(tensor, index, last) && tensor.end() <= step.scratch_at) {
                return Err(Refusal::Places);
            }
        }
        let is_placed = |at: u32| at.is_multiple_of(TENSOR_ALIGNMENT) && at >> 30 == 0;
        let places = [step.input.at, step.output.at, step.scratch_at];
        if !places.into_iter().all(is_placed) || step.output.end() > step.scratch_at {
            return Err(Refusal::Places);
        }
        Ok(step.scratch_at.saturating_add(step.scratch_bytes()))
    }
}

/// Lengths of an arena are multiples of 16.
pub(crate) fn rounded(bytes: u32) -> Result<u32, Refusal> {
    bytes.checked_next_multiple_of(ALIGNMENT as u32).ok_or(Refusal::Places)
}

impl Table {
    /// The length of the arena that its tensors' places ask for.
    ///
    /// # Errors
    /// [`Refusal::Geometry`] where a layer cannot take its input, [`Refusal::Places`] where tensors are in each other's way.
    pub fn arena_bytes(&self) -> Result<u32, Refusal> {
        let readers = Readers::of(self.nodes.iter().map(|node| Ok(*node)))?;
        let (mut steps, mut bytes) = (self.steps(), self.input.end());
        while let Some(step) = steps.next() {
            bytes = bytes.max(readers.extent(&step?, steps.tensors())?);
        }
        rounded(bytes)
    }

    /// Places every tensor so that the arena is as short as the search finds: for ever shorter ones, tensors go to its
    /// start, to its end, next to others that are needed, or as close to their input as they may.
    ///
    /// # Errors
    /// [`Refusal::Geometry`] where a layer cannot take its input.
    pub fn place(&mut self) -> Result<(), Refusal> {
        search::place(self)
    }
}
