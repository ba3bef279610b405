//! Depthwise convolution in plain Rust.

use crate::kernels::depthwise_conv2d::{Rows, Strip};
use crate::kernels::outputs::Outputs;

/// The filters of a depthwise convolution.
pub struct Filters<'p> {
    strip: Strip,
    outputs: Outputs<'p>,
}

/// The filters on their way along a row of pixels' outputs.
pub struct Cursor<'f> {
    filters: &'f Filters<'f>,
    row: &'f mut [i8],
    next: usize,
}

impl<'p> Filters<'p> {
    /// These outputs, whose weights come row by row.
    pub fn new(strip: Strip, outputs: Outputs<'p>) -> Self {
        Self { strip, outputs }
    }

    /// To the first output of a row of pixels.
    pub fn row<'f>(&'f self, row: &'f mut [i8]) -> Cursor<'f> {
        Cursor { filters: self, row, next: 0 }
    }

    /// An output of a row of pixels.
    pub fn single(&self, values: &[i8], output: usize, row: &mut [i8]) {
        let Strip { pitch, kernel_rows, kernel_columns, stride, .. } = self.strip;
        let weights = self.outputs.parameters.weights.get(output * kernel_rows * kernel_columns..).unwrap_or_default();
        for (column, pixel) in row.chunks_exact_mut(self.outputs.count()).enumerate() {
            let mut sum = 0_i32;
            for (row, weights) in weights.chunks_exact(kernel_columns.max(1)).take(kernel_rows).enumerate() {
                let values = values.get(row * pitch + column * stride..).unwrap_or_default();
                for (x, w) in values.iter().zip(weights) {
                    sum = sum.wrapping_add(i32::from(*x) * i32::from(*w));
                }
            }
            if let Some(value) = pixel.get_mut(output) {
                *value = self.outputs.value(output, sum);
            }
        }
    }
}

impl Cursor<'_> {
    /// The next `count` outputs of all pixels, of strips `step` apart.
    pub fn filter(&mut self, values: &[i8], step: usize, count: usize) {
        for index in 0..count {
            self.filters.single(values.get(index * step..).unwrap_or_default(), self.next + index, self.row);
        }
        self.next += count;
    }
}

/// Each of `lanes` channels of pixels to rows of bytes of its own.
pub fn unzip(bytes: &mut [i8], pixels: &[i8], rows: &Rows, lanes: usize) {
    for lane in 0..lanes {
        for row in 0..rows.rows {
            let bytes = bytes.get_mut(lane * rows.lane_bytes + row * rows.pitch..).unwrap_or_default();
            let values = pixels.get(row * rows.pixels + lane..).unwrap_or_default();
            for (value, byte) in values.iter().step_by(rows.pixel.max(1)).zip(bytes).take(rows.columns) {
                *byte = *value;
            }
        }
    }
}
