//! 2-D convolution.

use super::inner::{PIXELS, Patch};
use super::outputs::Outputs;
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
    for (row, values) in output.chunks_exact_mut(row_values).enumerate() {
        for (block, pixels) in values.chunks_mut(PIXELS * count).enumerate() {
            windows.gather(row, block * PIXELS);
            windows.patch.product(pixels);
        }
    }
}

/// The input seen through the kernel's window.
struct Windows<'i, 's> {
    input: &'i [i8],
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

impl<'i, 's> Windows<'i, 's> {
    fn new(
        input: &'i [i8],
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
    fn gather(&mut self, row: usize, column: usize) {
        let run = self.kernel_columns * self.channels;
        let (first, last) = (column * self.stride, (column + PIXELS - 1) * self.stride + self.kernel_columns);
        let is_inside = first >= self.left && last <= self.left + self.width;
        for kernel_row in 0..self.kernel_rows {
            let at = kernel_row * run;
            let from = (row * self.stride + kernel_row).checked_sub(self.above).filter(|from| *from < self.height);
            match from {
                Some(from) if is_inside => {
                    let start = (from * self.width + first - self.left) * self.channels;
                    let runs = self.runs(start, run);
                    self.patch.gather(at, runs);
                }
                _ => self.gather_clipped(at, from, first),
            }
        }
    }

    /// The runs of neighbouring pixels' windows in one row of the input.
    #[inline(always)]
    fn runs(&self, start: usize, length: usize) -> [&'i [i8]; PIXELS] {
        let step = self.stride * self.channels;
        core::array::from_fn(|pixel| {
            let from = self.input.get(start + pixel * step..);
            from.and_then(|from| from.get(..length)).unwrap_or_default()
        })
    }

    /// One row of windows that hang over the input's edge, column after column; `None` is a row outside the input.
    fn gather_clipped(&mut self, at: usize, from: Option<usize>, first: usize) {
        for kernel_column in 0..self.kernel_columns {
            let runs = core::array::from_fn(|pixel| {
                let column = (first + pixel * self.stride + kernel_column).checked_sub(self.left);
                let start = match (from, column) {
                    (Some(row), Some(column)) if column < self.width => (row * self.width + column) * self.channels,
                    _ => return self.padding,
                };
                self.input.get(start..).and_then(|from| from.get(..self.channels)).unwrap_or(self.padding)
            });
            self.patch.gather(at + kernel_column * self.channels, runs);
        }
    }
}
