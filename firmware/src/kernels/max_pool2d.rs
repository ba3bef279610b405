//! Maximum over square windows.

use super::inner::max;
use secateur_shared::layer::{MaxPool2d, Shape};

/// output[y][x][c] = max over the window at (y, x) * stride; `input` of this shape and `output` HWC, no padding.
pub fn max_pool2d(input: &[i8], layer: &MaxPool2d, shape: Shape, output: &mut [i8]) {
    let (window, stride) = (usize::from(layer.window), usize::from(layer.stride).max(1));
    let channels = usize::from(shape.channels).max(1);
    let row_values = usize::from(shape.width) * channels;
    let columns = (usize::from(shape.width).saturating_sub(window)) / stride + 1;
    for (row, pixels) in output.chunks_exact_mut((columns * channels).max(1)).enumerate() {
        for (column, pixel) in pixels.chunks_exact_mut(channels).enumerate() {
            let corner = row * stride * row_values + column * stride * channels;
            pixel.fill(i8::MIN);
            for y in 0..window {
                let from = input.get(corner + y * row_values..).unwrap_or_default();
                for values in from.chunks_exact(channels).take(window) {
                    max(pixel, values);
                }
            }
        }
    }
}
