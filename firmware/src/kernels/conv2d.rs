//! 2-D convolution.

use super::inner::{PIXELS, Patch, max_of_four};
use super::outputs::Outputs;
use super::runs::Runs;
use crate::tensors::{Input, Tensors};
use secateur_shared::layer::Step;

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
    /// Values of a row in the padding on its left.
    left: usize,
    /// How many rows of the input, and values of a row, can be the first under the windows of a block that lies in it.
    inside: (usize, usize),
    /// A row of the input under the windows of [`PIXELS`] outputs, for where they hang over its edge.
    strip: &'s mut [i8],
    patch: Patch<'s>,
}

impl<'s> Windows<'s> {
    /// And what is left of the scratch.
    fn new(step: &'s Step, outputs: &'s Outputs<'s>, scratch: &'s mut [i8]) -> Option<(Self, &'s mut [i8])> {
        let (window, runs, shape) = (step.record.window(), Runs::new(step), step.input.shape);
        let (patch, rest) = Patch::new(scratch, outputs, runs)?;
        let (strip, rest) = rest.split_at_mut_checked((PIXELS - 1) * runs.step + runs.length)?;
        let left = usize::from(window.before_hw.1) * usize::from(shape.channels);
        let rows = (usize::from(shape.height) + 1).saturating_sub(window.kernel_hw.0.into());
        let inside = (rows, (runs.pitch + 1).saturating_sub(strip.len()));
        Some((Self { step, left, inside, strip, patch }, rest))
    }

    /// Every output of the pixels from this row and column on, by way of the patch.
    // Apart from its caller: together they are more than the registers hold.
    #[inline(never)]
    fn outputs(&mut self, input: &Input, row: usize, column: usize, pixels: &mut [i8]) {
        let Runs { step, pitch, .. } = self.patch.runs;
        let window = self.step.record.window();
        let first = column * step;
        // What lies before the input is a number too large.
        let top = (row * usize::from(window.stride_hw.0)).wrapping_sub(window.before_hw.0.into());
        let start = first.wrapping_sub(self.left);
        if top < self.inside.0 && start < self.inside.1 {
            let values = input.from(top * pitch + start).unwrap_or_default();
            self.patch.gather(0, values, window.kernel_hw.0.into());
        } else {
            self.gather_at_edge(input, top, first);
        }
        self.patch.product(pixels);
    }

    /// Windows from this row of the input and this value of a row, the padding on the left with them, row by row of the kernel.
    #[inline(never)]
    fn gather_at_edge(&mut self, input: &Input, top: usize, first: usize) {
        let Self { step, left, strip, patch, .. } = self;
        let Runs { pitch, length, .. } = patch.runs;
        let (start, padding) = (first.saturating_sub(*left), left.saturating_sub(first));
        let inside = strip.len().wrapping_sub(padding).min(pitch.wrapping_sub(start));
        let (mut row, mut at) = (top, 0);
        for _ in 0..step.record.window().kernel_hw.0 {
            strip.fill(step.input.zero_point.0);
            if row < step.input.shape.height.into()
                && let Some(values) = input.from(row * pitch + start).and_then(|from| from.get(..inside))
                && let Some(place) = strip.get_mut(padding..padding + inside)
            {
                place.copy_from_slice(values);
            }
            patch.gather(at, strip, 1);
            at += length;
            row = row.wrapping_add(1);
        }
    }
}
