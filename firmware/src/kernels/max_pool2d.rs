//! Maximum over windows.

use super::outputs::clamp;
use super::window::pool;
use crate::tensors::Tensors;
use secateur_shared::layer::Step;

/// output[y][x][c] = max over the window at (y, x) * stride, as far as it lies in the input; both HWC. A 2 x 2 pool after a
/// convolution is the convolution's.
#[inline(never)]
pub fn max_pool2d(tensors: &mut Tensors, step: &Step) {
    let pitch = step.input.shape.row_bytes() as usize;
    pool(tensors, step, |pixel, corner, (rows, columns)| {
        pixel.fill(i8::MIN);
        for row in 0..rows {
            let mut at = row * pitch;
            for _ in 0..columns {
                for largest in pixel.iter_mut() {
                    let Some(value) = corner.get(at) else { return };
                    *largest = (*largest).max(*value);
                    at += 1;
                }
            }
        }
        clamp(step.record.activation(), pixel);
    });
}
