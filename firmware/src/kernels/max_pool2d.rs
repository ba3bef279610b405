//! Maximum over windows.

use super::outputs::clamp;
use super::window::{fold, pool};
use crate::tensors::Tensors;
use secateur_shared::layer::Step;

/// output[y][x][c] = max over the window at (y, x) * stride, as far as it lies in the input; both HWC. A 2 x 2 pool after a
/// convolution is the convolution's.
#[inline(never)]
pub fn max_pool2d(tensors: &mut Tensors, step: &Step) {
    let pitch = step.input.shape.row_bytes() as usize;
    pool(tensors, step, |pixel, corner, (rows, columns)| {
        let channels = pixel.len();
        for (channel, value) in pixel.iter_mut().enumerate() {
            let values = corner.get(channel..).unwrap_or_default();
            *value = fold(values, (rows, pitch), (columns, channels), i8::MIN, i8::max);
        }
        clamp(step.record.activation(), pixel);
    });
}
