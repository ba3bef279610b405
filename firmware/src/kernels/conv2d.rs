//! 2-D convolution.

use super::inner::{PIXELS, Patch};
use super::outputs::{Fate, Outputs};
use super::runs::Runs;
use crate::tensors::{Input, Tensors};
use secateur_shared::layer::Step;

/// output = clamp(z_out + requantise(bias + sum x w)), where x is the zero point outside the input; or the maximum of four.
///
/// Tensors are HWC; rows of the output come one after the other, each from the rows of the input under it. `scratch` as
/// [`Step::scratch_bytes`] says, aligned to 4.
#[inline(never)]
#[allow(clippy::explicit_counter_loop, reason = "where code is small, an enumeration is a function more")]
pub fn conv2d(tensors: &mut Tensors, step: &Step, outputs: &Outputs, scratch: &mut [i8]) {
    let row_values = step.output.shape.row_bytes() as usize;
    let (fates, block_pixels): (&[Fate], _) = match step.record.pool() {
        ..2 => (&[Fate::Stored], PIXELS),
        _ => (&[Fate::Kept, Fate::Pooled], PIXELS / 2),
    };
    let Some(mut windows) = Windows::new(step, outputs, scratch) else { return };
    for row in 0..usize::from(step.output.shape.height) {
        let Some((input, values)) = tensors.split(row * row_values..(row + 1) * row_values) else { return };
        let mut column = 0;
        for pixels in values.chunks_mut((block_pixels * outputs.count()).max(1)) {
            let mut under = row * fates.len();
            for fate in fates {
                windows.outputs(&input, (under, column), *fate, pixels);
                under += 1;
            }
            column += PIXELS;
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
    fn new(step: &'s Step, outputs: &'s Outputs<'s>, scratch: &'s mut [i8]) -> Option<Self> {
        let (window, runs, shape) = (step.record.window(), Runs::new(step), step.input.shape);
        let (patch, rest) = Patch::new(scratch, outputs, runs, step.record.pool() > 1)?;
        let strip = rest.get_mut(..(PIXELS - 1) * runs.step + runs.length)?;
        let left = usize::from(window.before_hw.1) * usize::from(shape.channels);
        let rows = (usize::from(shape.height) + 1).saturating_sub(window.kernel_hw.0.into());
        let inside = (rows, (runs.pitch + 1).saturating_sub(strip.len()));
        Some(Self { step, left, inside, strip, patch })
    }

    /// Every output of a block from this row and column on, before a pool, by way of the patch.
    // Apart from its caller: together they are more than the registers hold.
    #[inline(never)]
    fn outputs(&mut self, input: &Input, (row, column): (usize, usize), fate: Fate, pixels: &mut [i8]) {
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
        self.patch.product(fate, pixels);
    }

    /// Windows from this row of the input and this value of a row, the padding on the left with them, row by row of the kernel.
    #[inline(never)]
    fn gather_at_edge(&mut self, input: &Input, top: usize, first: usize) {
        let Self { step, left, strip, patch, .. } = self;
        let pitch = patch.runs.pitch;
        let (start, padding) = (first.saturating_sub(*left), left.saturating_sub(first));
        let inside = strip.len().wrapping_sub(padding).min(pitch.wrapping_sub(start));
        let mut row = top;
        for kernel_row in 0..step.record.window().kernel_hw.0 {
            strip.fill(step.input.zero_point.0);
            if row < step.input.shape.height.into()
                && let Some(values) = input.from(row * pitch + start).and_then(|from| from.get(..inside))
                && let Some(place) = strip.get_mut(padding..padding + inside)
            {
                place.copy_from_slice(values);
            }
            patch.gather(kernel_row.into(), strip, 1);
            row = row.wrapping_add(1);
        }
    }
}
