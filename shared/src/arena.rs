//! Where tensors lie. A layer's output is made row by row from the top, and reads of its input only what the rows to come
//! need: an output may take the place of rows that were read for the last time.

mod search;

use crate::header::ALIGNMENT;
use crate::layer::{Reach, Record, Shape, Step, Table, Tensor, Window};
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
    let last = words(output.width.into()).saturating_sub(1) * u32::from(window.stride_hw.1);
    words(last + words(window.kernel_hw.1.into()))
}

/// More scratch than there is, and little enough for sums of it to fit 32 bits.
const SCRATCH_MAX: u32 = 1 << 30;

/// Up to a multiple of 4.
fn words(bytes: u32) -> u32 {
    (bytes + 3) & !3
}

impl Step {
    /// The first row of the input that a row of the output is made from; `None` where every output needs all of it.
    pub fn first_row(&self, row: u32) -> Option<u32> {
        match self.record.reach() {
            Reach::Whole => None,
            Reach::Place => Some(row),
            _ => Some(self.first_row_under(row)),
        }
    }

    /// As [`Step::first_row`], of a layer with a window.
    fn first_row_under(&self, row: u32) -> u32 {
        self.record.window().first_row(u32::from(self.record.pool()) * row)
    }

    /// How many bytes an output must at least begin before its input where they overlap, a multiple of 4: no row may be
    /// written over one that is still to be read. `None` where they must not overlap.
    pub fn lead_bytes(&self) -> Option<u32> {
        match self.record.reach() {
            // Value by value: each is written where it, or one before, was read.
            Reach::Place => return Some(0),
            Reach::Whole => return None,
            _ => {}
        }
        let (from, to) = (self.input.shape.row_bytes(), self.output.shape.row_bytes());
        let mut lead = 0;
        for row in 0..u32::from(self.output.shape.height) {
            // Windows meet the input: neither is longer than a tensor.
            lead = lead.max(((row + 1) * to).saturating_sub(self.first_row_under(row) * from));
        }
        Some(words(lead))
    }

    /// What the kernel scratches on, a multiple of 4: for a convolution the windows of [`PATCH_PIXELS`] outputs as 16-bit
    /// numbers, a row of the input under these, and as many outputs of each of two rows to pool; for a depthwise one the rows of
    /// [`STRIP_CHANNELS`] channels under a row of outputs. Not exact where it is more than any chip has.
    pub fn scratch_bytes(&self) -> u32 {
        let channels = u32::from(self.input.shape.channels);
        match self.record.reach() {
            Reach::Channels => {
                let positions = (self.weights_per_output.min(SCRATCH_MAX / 8) + 1) & !1;
                let rows = u32::from(self.record.pool() - 1) * 2;
                let window = self.record.window();
                let columns = u32::from(window.kernel_hw.1) + (PATCH_PIXELS - 1) * u32::from(window.stride_hw.1);
                let rest = columns * channels + rows * PATCH_PIXELS * u32::from(self.output.shape.channels);
                positions * 2 * PATCH_PIXELS + words(rest)
            }
            Reach::Channel if self.record.has_weights() => {
                let window = self.record.window();
                let rows = channels.min(STRIP_CHANNELS) * u32::from(window.kernel_hw.0);
                // At most 4 * 255 rows.
                rows * strip_pitch(&window, self.output.shape).min(SCRATCH_MAX >> 10)
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
}

/// The number of the last layer that reads a tensor, or made it.
// A chip looks through its records again and again, which is time that nobody notices, and less code than a table.
pub(crate) fn last_reader<'r>(records: impl Iterator<Item = &'r Record>, tensor: usize) -> usize {
    let (mut last, mut index) = (tensor.saturating_sub(1), 0);
    for record in records {
        if index == tensor + usize::from(record.from) || index == tensor + usize::from(record.other()) {
            last = index;
        }
        index += 1;
    }
    last
}

/// The bytes of the arena that a layer needs; `None` where a tensor does not lie on a word, or on one that is still needed.
/// `tensors` are the input and the outputs up to the layer's, `last_reader` as above.
// Firmware has it once.
#[inline(never)]
pub(crate) fn extent(step: &Step, tensors: &[Tensor], last_reader: &dyn Fn(usize) -> usize) -> Option<u32> {
    let places = step.input.at | step.output.at | step.scratch_at;
    let (start, end) = (step.output.at, step.output.end());
    if !places.is_multiple_of(TENSOR_ALIGNMENT) || places >> 30 != 0 || end > step.scratch_at {
        return None;
    }
    // From where on an input that is read for the last time may lie.
    let after_lead = step.lead_bytes().map_or(end, |lead| end.min(start + lead));
    for index in 0..step.index + 1 {
        let (tensor, last) = (tensors.get(index)?, last_reader(index));
        let after = if last == step.index { after_lead } else { end };
        let is_spared = tensor.end() <= start || after <= tensor.at;
        if last >= step.index && (tensor.end() > step.scratch_at || !is_spared) {
            return None;
        }
    }
    Some(step.scratch_at + step.scratch_bytes())
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
        let records = self.records();
        let (mut steps, mut bytes) = (self.steps(), self.input.end());
        while let Some(step) = steps.next() {
            let extent = extent(&step?, steps.tensors(), &|tensor| last_reader(records.iter(), tensor));
            bytes = bytes.max(extent.ok_or(Refusal::Places)?);
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
