//! Maximum over square windows.

use super::inner::{max, max_of_four};
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
        let rows = input.from(row * stride * row_values).unwrap_or_default();
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
