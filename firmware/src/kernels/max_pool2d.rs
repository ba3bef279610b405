//! Maximum over windows.

use super::inner::max_of_four;
use super::outputs::clamp;
use super::window::{fold, pool};
use crate::tensors::Tensors;
use secateur_shared::layer::Step;

/// output[y][x][c] = max over the window at (y, x) * stride, as far as it lies in the input; both HWC.
#[inline(never)]
pub fn max_pool2d(tensors: &mut Tensors, step: &Step) {
    let pitch = step.input.shape.row_bytes() as usize;
    pool(tensors, step, |pixel, corner, (rows, columns)| {
        let channels = pixel.len();
        if (rows, columns) == (2, 2) {
            max_of_four(pixel, corner, pitch);
        } else {
            for (channel, value) in pixel.iter_mut().enumerate() {
                let values = corner.get(channel..).unwrap_or_default();
                *value = fold(values, (rows, pitch), (columns, channels), i8::MIN, i8::max);
            }
        }
        clamp(step.record.activation(), pixel);
    });
}
