//! 2-D convolution.

use super::inner::{PIXELS, Patch};
use super::outputs::Outputs;
use core::ops::Range;
use secateur_shared::layer::{Conv2d, Shape};
use secateur_shared::model::Parameters;
use secateur_shared::quant::ZeroPoint;

/// A convolution in its place.
pub struct Geometry<'l> {
    /// Kernel, stride, padding.
    pub layer: &'l Conv2d,
    /// Shape of the input.
    pub input: Shape,
    /// Shape of the output.
    pub output: Shape,
}

/// output = clamp(z_out + requantise(bias + sum x w)), where x is the zero point outside the input.
///
/// `input` and `output` HWC; rows of the output come one after the other, each from the rows of the input under it.
/// `scratch` as [`secateur_shared::memory::scratch_bytes`] says, aligned to 4.
pub fn conv2d(
    input: &[i8],
    geometry: &Geometry,
    zero_point: ZeroPoint,
    parameters: &Parameters<'_>,
    scratch: &mut [i8],
    output: &mut [i8],
) {
    let Conv2d { zero_point: output_zero_point, activation, .. } = *geometry.layer;
    let outputs = Outputs { parameters: *parameters, zero_point: output_zero_point, activation };
    let Some(mut windows) = Windows::new(input, geometry, zero_point, outputs, scratch) else { return };
    let count = outputs.count();
    let row_values = count * usize::from(geometry.output.width).max(1);
    for (row, values) in output.chunks_exact_mut(row_values.max(1)).enumerate() {
        for (block, pixels) in values.chunks_mut((PIXELS * count).max(1)).enumerate() {
            windows.gather(row, block * PIXELS);
            windows.patch.product(pixels);
        }
    }
}

/// The input seen through the kernel's window.
struct Windows<'s> {
    input: &'s [i8],
    /// A pixel outside the input: all zero point.
    padding: &'s [i8],
    patch: Patch<'s>,
    /// Values a pixel, and pixels a row and a column of the input.
    channels: usize,
    width: usize,
    height: usize,
    kernel_rows: usize,
    kernel_columns: usize,
    stride: usize,
    /// Rows and columns of padding before the input.
    above: usize,
    left: usize,
}

impl<'s> Windows<'s> {
    fn new(
        input: &'s [i8],
        geometry: &Geometry,
        zero_point: ZeroPoint,
        outputs: Outputs<'s>,
        scratch: &'s mut [i8],
    ) -> Option<Self> {
        let (layer, shape) = (geometry.layer, geometry.input);
        let (kernel_rows, kernel_columns) = layer.kernel_hw;
        let before =
            |size, kernel| layer.padding.fit(size, kernel, layer.stride).map_or(0, |(_, before)| before.into());
        let channels = usize::from(shape.channels);
        let (patch, rest) = Patch::new(scratch, outputs)?;
        let padding = rest.get_mut(..channels)?;
        padding.fill(zero_point.0);
        Some(Self {
            input,
            padding,
            patch,
            channels,
            width: shape.width.into(),
            height: shape.height.into(),
            kernel_rows: kernel_rows.into(),
            kernel_columns: kernel_columns.into(),
            stride: layer.stride.into(),
            above: before(shape.height, kernel_rows),
            left: before(shape.width, kernel_columns),
        })
    }

    /// Fills the patch with the windows of the pixels from this row and column of the output on.
    // Apart from its caller: together they are more than the registers hold.
    #[inline(never)]
    fn gather(&mut self, row: usize, column: usize) {
        let (first, last) = (column * self.stride, (column + PIXELS - 1) * self.stride);
        // The kernel's columns that lie inside the input for every pixel.
        let start = self.left.saturating_sub(first).min(self.kernel_columns);
        let end = (self.left + self.width).saturating_sub(last).min(self.kernel_columns).max(start);
        for kernel_row in 0..self.kernel_rows {
            let at = kernel_row * self.kernel_columns * self.channels;
            let from = (row * self.stride + kernel_row).checked_sub(self.above).filter(|from| *from < self.height);
            let Some(from) = from else {
                for kernel_column in 0..self.kernel_columns {
                    self.patch.gather_inside(at + kernel_column * self.channels, self.padding, 0, self.channels);
                }
                continue;
            };
            if start < end {
                let corner = from * self.width + first + start - self.left;
                let input = self.input.get(corner * self.channels..).unwrap_or_default();
                let (step, length) = (self.stride * self.channels, (end - start) * self.channels);
                self.patch.gather_inside(at + start * self.channels, input, step, length);
            }
            self.gather_clipped(at, from, first, 0..start);
            self.gather_clipped(at, from, first, end..self.kernel_columns);
        }
    }

    /// Columns of a row of windows that hang over the input's edge.
    fn gather_clipped(&mut self, at: usize, from: usize, first: usize, kernel_columns: Range<usize>) {
        for kernel_column in kernel_columns {
            let runs = core::array::from_fn(|pixel| self.pixel(from, first + pixel * self.stride + kernel_column));
            self.patch.gather(at + kernel_column * self.channels, runs);
        }
    }

    /// A pixel of the input, columns counted from its padding on.
    #[inline(never)]
    fn pixel(&self, row: usize, column: usize) -> &'s [i8] {
        let column = column.checked_sub(self.left).filter(|column| *column < self.width);
        let from = column.and_then(|column| self.input.get((row * self.width + column) * self.channels..));
        from.and_then(|from| from.get(..self.channels)).unwrap_or(self.padding)
    }
}
