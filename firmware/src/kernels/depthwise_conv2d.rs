//! Depthwise 2-D convolution.

use super::inner::{Filters, unzip};
use super::outputs::Outputs;
use crate::tensors::{Input, Tensors};
use secateur_shared::arena::{STRIP_CHANNELS, strip_pitch};
use secateur_shared::layer::{Step, Window};
use secateur_shared::quant::ZeroPoint;

/// Channels whose rows are unzipped at once: a word of a pixel.
const LANES: usize = STRIP_CHANNELS as usize;

/// output = clamp(z_out + requantise(bias + sum x w)), where x is the zero point outside the input.
///
/// Tensors are HWC, output o reads channel o / multiplier. Rows of the output come one after the other, each from the rows of
/// the input under it. `scratch` as [`Step::scratch_bytes`] says, aligned to 4.
pub fn depthwise_conv2d(tensors: &mut Tensors, step: &Step, outputs: &Outputs, scratch: &mut [i8]) {
    let Some(mut strips) = Strips::new(step, &step.record.window(), scratch) else { return };
    let filters = Filters::new(strips.form, *outputs);
    let (multiplier, row_values) = (usize::from(step.record.extra), step.output.shape.row_bytes() as usize);
    for row in 0..usize::from(step.output.shape.height) {
        let Some((input, values)) = tensors.split(row * row_values..(row + 1) * row_values) else { return };
        let mut cursor = filters.row(values);
        let mut pixels = strips.rows_under(input, row);
        let mut left = strips.channels;
        while left > 0 {
            let lanes = left.min(LANES);
            strips.unzip(pixels, lanes);
            if multiplier == 1 {
                cursor.filter(strips.values, strips.form.lane_bytes, lanes);
            } else {
                for lane in strips.values.chunks_exact(strips.form.lane_bytes.max(1)).take(lanes) {
                    cursor.filter(lane, 0, multiplier);
                }
            }
            pixels = pixels.get(lanes..).unwrap_or_default();
            left -= lanes;
        }
        // The fast loops only know the ends of 8 bits.
        outputs.clamp(values);
    }
}

/// A channel's rows under a row of windows, padding included, and the windows over them.
#[derive(Clone, Copy, Debug)]
pub struct Strip {
    /// From one row to the next.
    pub pitch: usize,
    /// Of all rows.
    pub lane_bytes: usize,
    /// Rows and columns of the kernel.
    pub kernel_rows: usize,
    /// See above.
    pub kernel_columns: usize,
    /// Columns from one window to the next.
    pub stride: usize,
    /// Windows.
    pub columns: usize,
}

/// Rows of pixels whose channels go to rows of bytes of their own.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Rows {
    /// How many.
    pub rows: usize,
    /// Pixels of each.
    pub columns: usize,
    /// From one pixel to the next.
    pub pixel: usize,
    /// From a row's first pixel to the next one's.
    pub pixels: usize,
    /// From one row of bytes to the next, of one channel.
    pub pitch: usize,
    /// From one channel to the next.
    pub lane_bytes: usize,
}

/// The rows of up to [`LANES`] channels under a row of windows, channel after channel: bytes that follow each other are
/// neighbors in the same channel.
struct Strips<'s> {
    values: &'s mut [i8],
    form: Strip,
    rows: Rows,
    /// Where in `values` the rows inside the input start.
    at: usize,
    zero_point: ZeroPoint,
    channels: usize,
    height: usize,
    /// Of rows.
    stride: usize,
    /// Padding.
    above: usize,
    left: usize,
}

impl<'s> Strips<'s> {
    fn new(step: &Step, window: &Window, scratch: &'s mut [i8]) -> Option<Self> {
        let (input, output, zero_point) = (step.input.shape, step.output.shape, step.input.zero_point);
        let values = scratch.get_mut(..step.scratch_bytes() as usize)?;
        let (kernel_rows, kernel_columns) = (window.kernel_hw.0.into(), usize::from(window.kernel_hw.1));
        let (stride, left) = (usize::from(window.stride_hw.1), usize::from(window.before_hw.1));
        let pitch = strip_pitch(window, output) as usize;
        let lane_bytes = kernel_rows * pitch;
        let columns = usize::from(output.width);
        let (channels, width) = (usize::from(input.channels), usize::from(input.width));
        let under = (columns.saturating_sub(1) * stride + kernel_columns).saturating_sub(left);
        // What is left and right of the input stays.
        values.fill(zero_point.0);
        Some(Self {
            values,
            form: Strip { pitch, lane_bytes, kernel_rows, kernel_columns, stride, columns },
            rows: Rows {
                rows: 0,
                columns: under.min(width),
                pixel: channels,
                pixels: width * channels,
                pitch,
                lane_bytes,
            },
            at: 0,
            zero_point,
            channels,
            height: input.height.into(),
            stride: window.stride_hw.0.into(),
            above: window.before_hw.0.into(),
            left,
        })
    }

    /// Turns to the rows under a row of windows: the input from the first one on. Those outside the input are filled, for all
    /// channels.
    fn rows_under<'a>(&mut self, input: Input<'a>, row: usize) -> &'a [i8] {
        let (first, kernel_rows) = (row * self.stride, self.form.kernel_rows);
        let start = self.above.saturating_sub(first).min(kernel_rows);
        let end = (self.height + self.above).saturating_sub(first).min(kernel_rows).max(start);
        for lane in self.values.chunks_exact_mut(self.form.lane_bytes.max(1)) {
            for (row, values) in lane.chunks_exact_mut(self.form.pitch.max(1)).enumerate() {
                if row < start || row >= end {
                    values.fill(self.zero_point.0);
                }
            }
        }
        self.at = start * self.form.pitch + self.left;
        self.rows.rows = end - start;
        input.from((first + start).saturating_sub(self.above) * self.rows.pixels).unwrap_or_default()
    }

    /// Takes the rows inside the input in, of the channels at the start of these pixels.
    fn unzip(&mut self, pixels: &[i8], lanes: usize) {
        unzip(self.values.get_mut(self.at..).unwrap_or_default(), pixels, &self.rows, lanes);
    }
}
