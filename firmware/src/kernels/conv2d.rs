//! 2-D convolution.

use super::inner::{PIXELS, Patch, max_of_four};
use super::outputs::Outputs;
use crate::tensors::{Input, Tensors};
use secateur_shared::layer::{Shape, Step, Window};

/// Columns of the two rows of outputs that are pooled at once.
const TILE: usize = if PIXELS > 2 { PIXELS } else { 2 };

/// output = clamp(z_out + requantise(bias + sum x w)), where x is the zero point outside the input; or the maximum of four.
///
/// Tensors are HWC; rows of the output come one after the other, each from the rows of the input under it. `scratch` as
/// [`Step::scratch_bytes`] says, aligned to 4.
#[inline(never)]
#[allow(clippy::explicit_counter_loop, reason = "where code is small, an enumeration is a function more")]
pub fn conv2d(tensors: &mut Tensors, step: &Step, outputs: &Outputs, scratch: &mut [i8]) {
    let (count, row_values) = (outputs.count(), step.output.shape.row_bytes() as usize);
    let pool = usize::from(step.record.pool());
    let Some((mut windows, tile)) = Windows::new(step, outputs, scratch) else { return };
    let tile_values = if pool > 1 { 2 * TILE * count } else { 0 };
    let Some(tile) = tile.get_mut(..tile_values) else { return };
    let block_pixels = if pool > 1 { TILE / 2 } else { PIXELS };
    for row in 0..usize::from(step.output.shape.height) {
        let Some((input, values)) = tensors.split(row * row_values..(row + 1) * row_values) else { return };
        let mut column = 0;
        for block in values.chunks_mut((block_pixels * count).max(1)) {
            let mut at = 0;
            let unpooled = if pool > 1 { &mut *tile } else { &mut *block };
            for pixels in unpooled.chunks_mut((PIXELS * count).max(1)) {
                windows.outputs(&input, pool * row + at / TILE, column + at % TILE, pixels);
                at += PIXELS;
            }
            column += block_pixels * pool;
            if pool > 1 {
                let mut corner = 0;
                for pixel in block.chunks_mut(count) {
                    max_of_four(pixel, tile.get(corner..).unwrap_or_default(), TILE * count);
                    corner += 2 * count;
                }
            }
        }
    }
}

/// The input seen through the kernel's window.
struct Windows<'s> {
    step: &'s Step,
    window: Window,
    /// A pixel outside the input: all zero point.
    padding: &'s [i8],
    patch: Patch<'s>,
}

impl<'s> Windows<'s> {
    /// And what is left of the scratch.
    fn new(step: &'s Step, outputs: &'s Outputs<'s>, scratch: &'s mut [i8]) -> Option<(Self, &'s mut [i8])> {
        let (patch, rest) = Patch::new(scratch, outputs)?;
        let (padding, rest) = rest.split_at_mut_checked(step.input.shape.channels.into())?;
        padding.fill(step.input.zero_point.0);
        Some((Self { step, window: step.record.window(), padding, patch }, rest))
    }

    /// Every output of the pixels from this row and column on, by way of the patch.
    // Apart from its caller: together they are more than the registers hold.
    #[inline(never)]
    fn outputs(&mut self, input: &Input, row: usize, column: usize, pixels: &mut [i8]) {
        let Window { kernel_hw, stride_hw, before_hw, .. } = self.window;
        let (kernel_columns, stride, left) =
            (usize::from(kernel_hw.1), usize::from(stride_hw.1), usize::from(before_hw.1));
        let Shape { height, width, channels } = self.step.input.shape;
        let (width, channels) = (usize::from(width), usize::from(channels));
        let (first, last) = (column * stride, (column + PIXELS - 1) * stride);
        // The kernel's columns that lie inside the input for every pixel.
        let start = left.saturating_sub(first);
        let end = (left + width).saturating_sub(last).min(kernel_columns);
        let mut at = 0;
        for kernel_row in 0..usize::from(kernel_hw.0) {
            let from = (row * usize::from(stride_hw.0) + kernel_row).wrapping_sub(before_hw.0.into());
            let mut kernel_column = 0;
            while kernel_column < kernel_columns {
                let mut columns = 1;
                if from >= height.into() {
                    self.patch.gather_inside(at, self.padding, 0, channels);
                } else if kernel_column == start && start < end {
                    columns = end - start;
                    let values = input.from((from * width + first + start - left) * channels).unwrap_or_default();
                    self.patch.gather_inside(at, values, stride * channels, columns * channels);
                } else {
                    self.gather_clipped(input, at, from, first + kernel_column);
                }
                kernel_column += columns;
                at += columns * channels;
            }
        }
        self.patch.product(pixels);
    }

    /// A column of the windows that hang over the input's edge, by the first window's row and column.
    #[inline(never)]
    fn gather_clipped(&mut self, input: &Input, at: usize, row: usize, column: usize) {
        let Self { step, window, padding, .. } = *self;
        let (width, channels) = (usize::from(step.input.shape.width), usize::from(step.input.shape.channels));
        let (stride, left) = (usize::from(window.stride_hw.1), usize::from(window.before_hw.1));
        self.patch.gather(at, |pixel| {
            let column = (column + pixel * stride).wrapping_sub(left);
            let from = if column < width { input.from((row * width + column) * channels) } else { None };
            from.and_then(|from| from.get(..channels)).unwrap_or(padding)
        });
    }
}
