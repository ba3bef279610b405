//! Maximum over square windows.

use secateur_shared::layer::{MaxPool2d, Shape};

/// output[y][x][c] = max over the window at (y, x) * stride; `input` of this shape and `output` HWC, no padding.
pub fn max_pool2d(input: &[i8], layer: &MaxPool2d, shape: Shape, output: &mut [i8]) {
    let (window, stride) = (usize::from(layer.window), usize::from(layer.stride));
    let channels = usize::from(shape.channels);
    let row_values = usize::from(shape.width) * channels;
    let columns = (usize::from(shape.width) - window) / stride + 1;
    for (position, pixel) in output.chunks_exact_mut(channels).enumerate() {
        let (row, column) = (position / columns * stride, position % columns * stride);
        pixel.fill(i8::MIN);
        for (y, x) in (0..window).flat_map(|y| (0..window).map(move |x| (y, x))) {
            let from = (row + y) * row_values + (column + x) * channels;
            for (best, value) in pixel.iter_mut().zip(&input[from..from + channels]) {
                *best = (*best).max(*value);
            }
        }
    }
}
