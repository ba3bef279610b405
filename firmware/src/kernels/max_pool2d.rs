//! Maximum over windows.

use super::inner::{max, max_of_four};
use super::window::inside;
use crate::tensors::Tensors;
use secateur_shared::layer::{Pool2d, Step};
use secateur_shared::quant::Activation;

/// output[y][x][c] = max over the window at (y, x) * stride, as far as it lies in the input; both HWC.
pub fn max_pool2d(tensors: &mut Tensors, step: &Step, layer: &Pool2d) {
    let (window, shape, output) = (&layer.window, step.input.shape, step.output.shape);
    let channels = usize::from(shape.channels).max(1);
    let row_values = usize::from(shape.width) * channels;
    let output_values = usize::from(output.width) * channels;
    let halves = window.kernel_hw == (2, 2) && window.before_hw == (0, 0) && window.after_hw == (0, 0);
    for row in 0..usize::from(output.height) {
        let Some((input, pixels)) = tensors.split(row * output_values..(row + 1) * output_values) else { return };
        let rows = inside(row, window.kernel_hw.0, window.stride_hw.0, window.before_hw.0, shape.height);
        let values = input.from(rows.start * row_values).unwrap_or_default();
        for (column, pixel) in pixels.chunks_exact_mut(channels).enumerate() {
            let columns = inside(column, window.kernel_hw.1, window.stride_hw.1, window.before_hw.1, shape.width);
            let corner = values.get(columns.start * channels..).unwrap_or_default();
            if halves {
                max_of_four(pixel, corner, row_values);
            } else {
                max_of_window(pixel, corner, row_values, (rows.len(), columns.len()));
            }
            if layer.activation != Activation::NONE {
                pixel.iter_mut().for_each(|value| *value = layer.activation.clamp((*value).into()));
            }
        }
    }
}

/// The maximum over the window of so many rows and columns whose first row starts `corner`.
#[inline(never)]
fn max_of_window(pixel: &mut [i8], corner: &[i8], row_values: usize, (rows, columns): (usize, usize)) {
    pixel.fill(i8::MIN);
    for y in 0..rows {
        let row = corner.get(y * row_values..).unwrap_or_default();
        for values in row.chunks_exact(pixel.len().max(1)).take(columns) {
            max(pixel, values);
        }
    }
}
