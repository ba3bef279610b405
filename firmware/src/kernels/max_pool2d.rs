//! Maximum over square windows.

use super::inner::{max, max_of_four};
use secateur_shared::layer::{MaxPool2d, Shape};

/// output[y][x][c] = max over the window at (y, x) * stride; `input` of this shape and `output` HWC, no padding.
pub fn max_pool2d(input: &[i8], layer: &MaxPool2d, shape: Shape, output: &mut [i8]) {
    let (window, stride) = (usize::from(layer.window), usize::from(layer.stride).max(1));
    let channels = usize::from(shape.channels).max(1);
    let row_values = usize::from(shape.width) * channels;
    let columns = (usize::from(shape.width).saturating_sub(window)) / stride + 1;
    for (row, pixels) in output.chunks_exact_mut((columns * channels).max(1)).enumerate() {
        let rows = input.get(row * stride * row_values..).unwrap_or_default();
        for (column, pixel) in pixels.chunks_exact_mut(channels).enumerate() {
            let corner = rows.get(column * stride * channels..).unwrap_or_default();
            match window {
                2 => max_of_four(pixel, corner, row_values),
                _ => max_of_window(pixel, corner, row_values, window),
            }
        }
    }
}

/// The maximum over the window whose first row starts `corner`.
#[inline(never)]
fn max_of_window(pixel: &mut [i8], corner: &[i8], row_values: usize, window: usize) {
    pixel.fill(i8::MIN);
    for y in 0..window {
        let row = corner.get(y * row_values..).unwrap_or_default();
        for values in row.chunks_exact(pixel.len().max(1)).take(window) {
            max(pixel, values);
        }
    }
}
