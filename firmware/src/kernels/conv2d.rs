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
    /// A row of the input under the windows of [`PIXELS`] outputs, for where they hang over its edge.
    strip: &'s mut [i8],
    patch: Patch<'s>,
}

impl<'s> Windows<'s> {
    /// And what is left of the scratch.
    fn new(step: &'s Step, outputs: &'s Outputs<'s>, scratch: &'s mut [i8]) -> Option<(Self, &'s mut [i8])> {
        let (patch, rest) = Patch::new(scratch, outputs)?;
        let window = step.record.window();
        let columns = usize::from(window.kernel_hw.1) + (PIXELS - 1) * usize::from(window.stride_hw.1);
        let (strip, rest) = rest.split_at_mut_checked(columns * usize::from(step.input.shape.channels))?;
        Some((Self { step, window, strip, patch }, rest))
    }

    /// Every output of the pixels from this row and column on, by way of the patch.
    // Apart from its caller: together they are more than the registers hold.
    #[inline(never)]
    fn outputs(&mut self, input: &Input, row: usize, column: usize, pixels: &mut [i8]) {
        let Self { step, window: Window { kernel_hw, stride_hw, before_hw, .. }, strip, patch } = self;
        let Shape { height, width, channels } = step.input.shape;
        let (row_values, channels) = (usize::from(width) * usize::from(channels), usize::from(channels));
        let run = usize::from(kernel_hw.1) * channels;
        let stride = usize::from(stride_hw.1) * channels;
        // Values of a row, the padding on the left with them.
        let (first, left) = (column * stride, usize::from(before_hw.1) * channels);
        let start = first.saturating_sub(left);
        let end = (first + strip.len()).saturating_sub(left).min(row_values);
        let mut at = 0;
        for kernel_row in 0..usize::from(kernel_hw.0) {
            let row = (row * usize::from(stride_hw.0) + kernel_row).wrapping_sub(before_hw.0.into());
            let inside = if row < height.into() { input.from(row * row_values + start) } else { None };
            let inside = inside.and_then(|from| from.get(..end.wrapping_sub(start))).unwrap_or_default();
            let values = if inside.len() == strip.len() {
                inside
            } else {
                strip.fill(step.input.zero_point.0);
                if let Some(place) =
                    strip.get_mut(left.saturating_sub(first)..).and_then(|from| from.get_mut(..inside.len()))
                {
                    place.copy_from_slice(inside);
                }
                &**strip
            };
            patch.gather(at, values, stride, run);
            at += run;
        }
        patch.product(pixels);
    }
}
