//! Maximum over square windows.

use super::inner::max;
use crate::tensors::Tensors;
use secateur_shared::layer::{MaxPool2d, Shape};

/// output[y][x][c] = max over the window at (y, x) * stride; the input of this shape, both HWC, no padding.
pub fn max_pool2d(tensors: &mut Tensors, layer: &MaxPool2d, shape: Shape, output: Shape) {
    let (window, stride) = (usize::from(layer.window), usize::from(layer.stride).max(1));
    let channels = usize::from(shape.channels).max(1);
    let row_values = usize::from(shape.width) * channels;
    let output_values = usize::from(output.width) * channels;
    for row in 0..usize::from(output.height) {
        let Some((input, pixels)) = tensors.split(row * output_values..(row + 1) * output_values) else { return };
        for (column, pixel) in pixels.chunks_exact_mut(channels).enumerate() {
            let corner = row * stride * row_values + column * stride * channels;
            pixel.fill(i8::MIN);
            for y in 0..window {
                let from = input.get(corner + y * row_values, window * channels).unwrap_or_default();
                for values in from.chunks_exact(channels) {
                    max(pixel, values);
                }
            }
        }
    }
}
