//! The mean over windows.

use super::window::inside;
use crate::tensors::Tensors;
use secateur_shared::layer::{Pool2d, Step};

/// output[y][x][c] = clamp(mean over the window at (y, x) * stride, as far as it lies in the input), rounded half away from
/// zero; both HWC.
pub fn average_pool2d(tensors: &mut Tensors, step: &Step, layer: &Pool2d) {
    let (window, shape, output) = (&layer.window, step.input.shape, step.output.shape);
    let channels = usize::from(shape.channels).max(1);
    let (pitch, output_values) = (shape.row_bytes() as usize, output.row_bytes() as usize);
    for row in 0..usize::from(output.height) {
        let Some((input, pixels)) = tensors.split(row * output_values..(row + 1) * output_values) else { return };
        let rows = inside(row, window.kernel_hw.0, window.stride_hw.0, window.before_hw.0, shape.height);
        let values = input.from(rows.start * pitch).unwrap_or_default();
        for (column, pixel) in pixels.chunks_exact_mut(channels).enumerate() {
            let columns = inside(column, window.kernel_hw.1, window.stride_hw.1, window.before_hw.1, shape.width);
            let corner = values.get(columns.start * channels..).unwrap_or_default();
            let count = (rows.len() * columns.len()) as i32;
            for (channel, value) in pixel.iter_mut().enumerate() {
                let values = corner.get(channel..).unwrap_or_default();
                let sum = sum(values, (rows.len(), pitch), (columns.len(), channels));
                *value = layer.activation.clamp(mean(sum, count));
            }
        }
    }
}

/// Of so many rows of so many values, given how far apart each are.
#[inline(always)]
fn sum(values: &[i8], (rows, pitch): (usize, usize), (columns, step): (usize, usize)) -> i32 {
    let mut sum = 0;
    for row in 0..rows {
        let row = values.get(row * pitch..).unwrap_or_default();
        sum += row.iter().step_by(step).take(columns).map(|value| i32::from(*value)).sum::<i32>();
    }
    sum
}

/// sum / count, rounded half away from zero.
#[inline(always)]
fn mean(sum: i32, count: i32) -> i32 {
    let half = if sum > 0 { count / 2 } else { -(count / 2) };
    // Not 0: every window meets the input.
    (sum + half).checked_div(count).unwrap_or(0)
}
