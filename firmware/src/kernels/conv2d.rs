//! 2-D convolution.

use super::inner::{PIXELS, Patch, max_of_four};
use super::outputs::Outputs;
use crate::tensors::{Input, Tensors};
use core::ops::Range;
use secateur_shared::layer::{Conv2d, Step};
use secateur_shared::model::Parameters;

/// Columns of the two rows of outputs that are pooled at once.
const TILE: usize = if PIXELS > 2 { PIXELS } else { 2 };

/// output = clamp(z_out + requantise(bias + sum x w)), where x is the zero point outside the input; or the maximum of four.
///
/// Tensors are HWC; rows of the output come one after the other, each from the rows of the input under it. `scratch` as
/// [`Step::scratch_bytes`] says, aligned to 4.
pub fn conv2d(tensors: &mut Tensors, step: &Step, layer: &Conv2d, parameters: &Parameters<'_>, scratch: &mut [i8]) {
    let Conv2d { zero_point, activation, .. } = *layer;
    let outputs = Outputs { parameters: *parameters, zero_point, activation };
    let count = outputs.count();
    let Some((mut windows, tile)) = Windows::new(step, layer, outputs, scratch) else { return };
    let row_values = count * usize::from(step.output.shape.width);
    for row in 0..usize::from(step.output.shape.height) {
        let Some((input, values)) = tensors.split(row * row_values..(row + 1) * row_values) else { return };
        if layer.is_pooled {
            for (block, pixels) in values.chunks_mut((TILE / 2 * count).max(1)).enumerate() {
                for (part, outputs) in tile.chunks_exact_mut((PIXELS * count).max(1)).enumerate() {
                    let column = part * PIXELS;
                    windows.gather(input, 2 * row + column / TILE, block * TILE + column % TILE);
                    windows.patch.product(outputs);
                }
                for (column, pixel) in pixels.chunks_exact_mut(count.max(1)).enumerate() {
                    max_of_four(pixel, tile.get(2 * column * count..).unwrap_or_default(), TILE * count);
                }
            }
        } else {
            for (block, pixels) in values.chunks_mut((PIXELS * count).max(1)).enumerate() {
                windows.gather(input, row, block * PIXELS);
                windows.patch.product(pixels);
            }
        }
    }
}

/// The input seen through the kernel's window.
struct Windows<'s> {
    /// A pixel outside the input: all zero point.
    padding: &'s [i8],
    patch: Patch<'s>,
    /// Values a pixel, and pixels a row and a column of the input.
    channels: usize,
    width: usize,
    height: usize,
    kernel_rows: usize,
    kernel_columns: usize,
    row_stride: usize,
    stride: usize,
    /// Rows and columns of padding before the input.
    above: usize,
    left: usize,
}

impl<'s> Windows<'s> {
    /// And room for two rows of outputs, where they are pooled.
    fn new(step: &Step, layer: &Conv2d, outputs: Outputs<'s>, scratch: &'s mut [i8]) -> Option<(Self, &'s mut [i8])> {
        let (window, shape) = (&layer.window, step.input.shape);
        let channels = usize::from(shape.channels);
        let tile = if layer.is_pooled { 2 * TILE * outputs.count() } else { 0 };
        let (patch, rest) = Patch::new(scratch, outputs)?;
        let (padding, rest) = rest.split_at_mut_checked(channels)?;
        padding.fill(step.input.zero_point.0);
        let windows = Self {
            padding,
            patch,
            channels,
            width: shape.width.into(),
            height: shape.height.into(),
            kernel_rows: window.kernel_hw.0.into(),
            kernel_columns: window.kernel_hw.1.into(),
            row_stride: window.stride_hw.0.into(),
            stride: window.stride_hw.1.into(),
            above: window.before_hw.0.into(),
            left: window.before_hw.1.into(),
        };
        Some((windows, rest.get_mut(..tile)?))
    }

    /// Fills the patch with the windows of the pixels from this row and column of the output on.
    // Apart from its caller: together they are more than the registers hold.
    #[inline(never)]
    fn gather(&mut self, input: Input, row: usize, column: usize) {
        let (first, last) = (column * self.stride, (column + PIXELS - 1) * self.stride);
        // The kernel's columns that lie inside the input for every pixel.
        let start = self.left.saturating_sub(first).min(self.kernel_columns);
        let end = (self.left + self.width).saturating_sub(last).min(self.kernel_columns).max(start);
        for kernel_row in 0..self.kernel_rows {
            let at = kernel_row * self.kernel_columns * self.channels;
            let from = (row * self.row_stride + kernel_row).checked_sub(self.above).filter(|from| *from < self.height);
            let Some(from) = from else {
                for kernel_column in 0..self.kernel_columns {
                    self.patch.gather_inside(at + kernel_column * self.channels, self.padding, 0, self.channels);
                }
                continue;
            };
            if start < end {
                let corner = from * self.width + first + start - self.left;
                let values = input.from(corner * self.channels).unwrap_or_default();
                let (step, length) = (self.stride * self.channels, (end - start) * self.channels);
                self.patch.gather_inside(at + start * self.channels, values, step, length);
            }
            self.gather_clipped(input, at, (from, first), 0..start);
            self.gather_clipped(input, at, (from, first), end..self.kernel_columns);
        }
    }

    /// Columns of a row of windows that hang over the input's edge; the corner is the first window's row and column.
    fn gather_clipped(&mut self, input: Input, at: usize, corner: (usize, usize), kernel_columns: Range<usize>) {
        for kernel_column in kernel_columns {
            let runs = core::array::from_fn(|pixel| {
                self.pixel(input, corner.0, corner.1 + pixel * self.stride + kernel_column)
            });
            self.patch.gather(at + kernel_column * self.channels, runs);
        }
    }

    /// A pixel of the input, columns counted from its padding on.
    #[inline(never)]
    fn pixel<'a>(&self, input: Input<'a>, row: usize, column: usize) -> &'a [i8]
    where
        's: 'a,
    {
        let column = column.checked_sub(self.left).filter(|column| *column < self.width);
        let from = column.and_then(|column| input.from((row * self.width + column) * self.channels));
        from.and_then(|from| from.get(..self.channels)).unwrap_or(self.padding)
    }
}
