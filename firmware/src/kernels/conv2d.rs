//! 2-D convolution.

use super::dot;
use secateur_shared::layer::{Conv2d, Shape};
use secateur_shared::model::Parameters;
use secateur_shared::quant::{InputOffset, ZeroPoint};

/// A convolution in its place.
pub struct Geometry<'l> {
    /// Kernel, stride, padding.
    pub layer: &'l Conv2d,
    /// Shape of the input.
    pub input: Shape,
    /// Shape of the output.
    pub output: Shape,
}

/// output = clamp(z_out + requantise(bias + sum (x - z_in) w)), padding adding nothing.
///
/// `input` and `output` HWC, weights OHWI.
pub fn conv2d(input: &[i8], geometry: &Geometry, zero_point: ZeroPoint, parameters: &Parameters, output: &mut [i8]) {
    let offset = zero_point.input_offset();
    let columns = usize::from(geometry.output.width);
    let outputs = usize::from(geometry.output.channels);
    for (position, pixel) in output.chunks_exact_mut(outputs).enumerate() {
        let window = Window::new(geometry, position / columns, position % columns);
        for (channel, value) in pixel.iter_mut().enumerate() {
            let sum = window.sum(input, parameters, channel, offset);
            let accumulator = parameters.bias[channel].wrapping_add(sum);
            let multiplier = parameters.multiplier(channel);
            *value = multiplier.requantize(accumulator, geometry.layer.zero_point, geometry.layer.activation);
        }
    }
}

/// The part of the kernel's window that lies inside the input.
struct Window {
    /// First input row, and number of rows.
    row: usize,
    rows: usize,
    /// The kernel's row that meets it.
    kernel_row: usize,
    /// First input value of the window in a row, and values a row: the channels of neighbouring columns are contiguous.
    start: usize,
    length: usize,
    /// The kernel's value that meets it.
    kernel_start: usize,
    /// Values a row of the input, of the kernel, and of one output channel's weights.
    input_row: usize,
    weights_row: usize,
    weights_channel: usize,
}

impl Window {
    fn new(geometry: &Geometry, row: usize, column: usize) -> Self {
        let (layer, input) = (geometry.layer, geometry.input);
        let stride = usize::from(layer.stride);
        let before = |size, kernel| layer.padding.fit(size, kernel, layer.stride).map_or(0, |(_, before)| before);
        let (kernel_rows, kernel_columns) = layer.kernel_hw;
        let (row, rows, kernel_row) = clip(row * stride, before(input.height, kernel_rows), kernel_rows, input.height);
        let (column, columns, kernel_column) =
            clip(column * stride, before(input.width, kernel_columns), kernel_columns, input.width);
        let channels = usize::from(input.channels);
        let weights_row = usize::from(kernel_columns) * channels;
        Self {
            row,
            rows,
            kernel_row,
            start: column * channels,
            length: columns * channels,
            kernel_start: kernel_column * channels,
            input_row: usize::from(input.width) * channels,
            weights_row,
            weights_channel: usize::from(kernel_rows) * weights_row,
        }
    }

    #[inline(always)]
    fn sum(&self, input: &[i8], parameters: &Parameters, channel: usize, offset: InputOffset) -> i32 {
        let mut sum = 0_i32;
        for index in 0..self.rows {
            let from = (self.row + index) * self.input_row + self.start;
            let with =
                channel * self.weights_channel + (self.kernel_row + index) * self.weights_row + self.kernel_start;
            let values = &input[from..from + self.length];
            let weights = &parameters.weights[with..with + self.length];
            sum = sum.wrapping_add(dot(values, weights, offset));
        }
        sum
    }
}

/// The first input index under a window, how many there are, and the kernel index that meets the first.
fn clip(start: usize, before: u16, kernel: u8, size: u16) -> (usize, usize, usize) {
    let (before, kernel, size) = (usize::from(before), usize::from(kernel), usize::from(size));
    let skipped = before.saturating_sub(start);
    let first = start.saturating_sub(before);
    let end = (start + kernel).saturating_sub(before).min(size);
    (first, end - first, skipped)
}
