//! The mean over windows.

use super::window::pool;
use crate::tensors::Tensors;
use secateur_shared::layer::Step;

/// output[y][x][c] = clamp(mean over the window at (y, x) * stride, as far as it lies in the input), rounded half away from
/// zero; both HWC.
#[inline(never)]
pub fn average_pool2d(tensors: &mut Tensors, step: &Step) {
    let (pitch, activation) = (step.input.shape.row_bytes() as usize, step.record.activation());
    pool(tensors, step, |pixel, corner, (rows, columns)| {
        let channels = pixel.len();
        for (channel, value) in pixel.iter_mut().enumerate() {
            let values = corner.get(channel..).unwrap_or_default();
            let sum = sum(values, (rows, pitch), (columns, channels));
            *value = activation.clamp(mean(sum, (rows * columns) as i32));
        }
    });
}

/// The sum of a channel's values under a window of so many rows and columns, given how far apart each are.
#[inline(always)]
fn sum(values: &[i8], (rows, pitch): (usize, usize), (columns, step): (usize, usize)) -> i32 {
    let mut sum = 0;
    for row in 0..rows {
        let mut at = row * pitch;
        for _ in 0..columns {
            let Some(value) = values.get(at) else { return sum };
            sum += i32::from(*value);
            at += step;
        }
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
