//! The mean over windows.

use super::window::{fold, pool};
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
            let sum = fold(values, (rows, pitch), (columns, channels), 0, |sum, value| sum + i32::from(value));
            *value = activation.clamp(mean(sum, (rows * columns) as i32));
        }
    });
}

/// sum / count, rounded half away from zero.
#[inline(always)]
fn mean(sum: i32, count: i32) -> i32 {
    let half = if sum > 0 { count / 2 } else { -(count / 2) };
    // Not 0: every window meets the input.
    (sum + half).checked_div(count).unwrap_or(0)
}
