//! 2-D convolution.

use super::inner::{PIXELS, Patch, max_of_four};
use super::outputs::Outputs;
use crate::tensors::{Input, Tensors};
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
    /// Shape of what is written.
    pub output: Shape,
    /// Whether that is the maximum over each 2 x 2 outputs.
    pub is_pooled: bool,
}

/// Columns of the two rows of outputs that are pooled at once.
const TILE: usize = if PIXELS > 2 { PIXELS } else { 2 };

/// output = clamp(z_out + requantise(bias + sum x w)), where x is the zero point outside the input; or the maximum of four.
///
/// Tensors are HWC; rows of the output come one after the other, each from the rows of the input under it. `scratch` as
/// [`secateur_shared::arena::Pass::scratch_bytes`] says, aligned to 4.
pub fn conv2d(
    tensors: &mut Tensors,
    geometry: &Geometry,
    zero_point: ZeroPoint,
    parameters: &Parameters<'_>,
    scratch: &mut [i8],
) {
    let Conv2d { zero_point: output_zero_point, activation, .. } = *geometry.layer;
    let outputs = Outputs { parameters: *parameters, zero_point: output_zero_point, activation };
    let count = outputs.count();
    let Some((mut windows, tile)) = Windows::new(geometry, zero_point, outputs, scratch) else { return };
    let row_values = count * usize::from(geometry.output.width);
    for row in 0..usize::from(geometry.output.height) {
        let Some((input, values)) = tensors.split(row * row_values..(row + 1) * row_values) else { return };
        if geometry.is_pooled {
            for (block, pixels) in values.chunks_mut((TILE / 2 * count).max(1)).enumerate() {
                for (part, outputs) in tile.chunks_exact_mut((PIXELS * count).max(1)).enumerate() {
                    let column = part * PIXELS;
                    windows.gather(input, 2 * row + column / TILE, block * TILE + column % TILE);
                    windows.patch.product(outputs);
                }
                for (column, pixel) in pixels.chunks_exact_mut(count.max(1)).enumerate() {
                    max_of_four(pixel, tile.get(2 * column * count..).unwrap_or_default(), TILE * count);
                }
            }
        } else {
            for (block, pixels) in values.chunks_mut((PIXELS * count).max(1)).enumerate() {
                windows.gather(input, row, block * PIXELS);
                windows.patch.product(pixels);
            }
        }
    }
}

/// The input seen through the kernel's window.
struct Windows<'s> {
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
    /// And room for two rows of outputs, where they are pooled.
    fn new(
        geometry: &Geometry,
        zero_point: ZeroPoint,
        outputs: Outputs<'s>,
        scratch: &'s mut [i8],
    ) -> Option<(Self, &'s mut [i8])> {
        let (layer, shape) = (geometry.layer, geometry.input);
        let (kernel_rows, kernel_columns) = layer.kernel_hw;
        let before =
            |size, kernel| layer.padding.fit(size, kernel, layer.stride).map_or(0, |(_, before)| before.into());
        let channels = usize::from(shape.channels);
        let tile = if geometry.is_pooled { 2 * TILE * outputs.count() } else { 0 };
        let (patch, rest) = Patch::new(scratch, outputs)?;
        let (padding, rest) = rest.split_at_mut_checked(channels)?;
        padding.fill(zero_point.0);
        let windows = Self {
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
        };
        Some((windows, rest.get_mut(..tile)?))
    }

    /// Fills the patch with the windows of the pixels from this row and column of the output on.
    // Apart from its caller: together they are more than the registers hold.
    #[inline(never)]
    fn gather(&mut self, input: Input, row: usize, column: usize) {
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
                let values = input.from(corner * self.channels).unwrap_or_default();
                let (step, length) = (self.stride * self.channels, (end - start) * self.channels);
                self.patch.gather_inside(at + start * self.channels, values, step, length);
            }
            self.gather_clipped(input, at, (from, first), 0..start);
            self.gather_clipped(input, at, (from, first), end..self.kernel_columns);
        }
    }

    /// Columns of a row of windows that hang over the input's edge; the corner is the first window's row and column.
    fn gather_clipped(&mut self, input: Input, at: usize, corner: (usize, usize), kernel_columns: Range<usize>) {
        for kernel_column in kernel_columns {
            let runs = core::array::from_fn(|pixel| {
                self.pixel(input, corner.0, corner.1 + pixel * self.stride + kernel_column)
            });
            self.patch.gather(at + kernel_column * self.channels, runs);
        }
    }

    /// A pixel of the input, columns counted from its padding on.
    #[inline(never)]
    fn pixel<'a>(&self, input: Input<'a>, row: usize, column: usize) -> &'a [i8]
    where
        's: 'a,
    {
        let column = column.checked_sub(self.left).filter(|column| *column < self.width);
        let from = column.and_then(|column| input.from((row * self.width + column) * self.channels));
        from.and_then(|from| from.get(..self.channels)).unwrap_or(self.padding)
    }
}
