//! Where windows lie.

use crate::tensors::Tensors;
use secateur_shared::layer::Step;

/// Calls `pool` with each pixel of the output, the input from the first value under its window on, and how many rows and
/// columns of it are under the window, as far as it lies in the input.
#[inline(always)]
#[allow(clippy::explicit_counter_loop, reason = "where code is small, an enumeration is a function more")]
pub(super) fn pool(tensors: &mut Tensors, step: &Step, pool: impl Fn(&mut [i8], &[i8], (usize, usize))) {
    let (window, shape, output) = (step.record.window(), step.input.shape, step.output.shape);
    let channels = usize::from(shape.channels).max(1);
    let (pitch, row_values) = (shape.row_bytes() as usize, output.row_bytes() as usize);
    for row in 0..usize::from(output.height) {
        let Some((input, pixels)) = tensors.split(row * row_values..(row + 1) * row_values) else { return };
        let (first_row, rows) = inside(row, window.kernel_hw.0, window.stride_hw.0, window.before_hw.0, shape.height);
        let mut column = 0;
        for pixel in pixels.chunks_mut(channels) {
            let (first, columns) =
                inside(column, window.kernel_hw.1, window.stride_hw.1, window.before_hw.1, shape.width);
            let corner = input.from(first_row * pitch + first * channels).unwrap_or_default();
            pool(pixel, corner, (rows, columns));
            column += 1;
        }
    }
}

/// The first of so many rows (or columns) that lie under the windows of an output row (or column), and how many do.
#[inline(never)]
fn inside(output: usize, kernel: u8, stride: u8, before: u8, size: u16) -> (usize, usize) {
    let (start, before) = (output * usize::from(stride), usize::from(before));
    let first = start.saturating_sub(before);
    let end = (start + usize::from(kernel)).saturating_sub(before).min(size.into());
    (first, end.saturating_sub(first))
}
