//! 2-D convolution.

use super::inner::{PIXELS, Patch, max};
use super::outputs::Outputs;
use crate::tensors::{Input, Tensors};
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

/// Outputs under a pool's window.
const POOLED: usize = 4;

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
    let Some((mut windows, four)) = Windows::new(geometry, zero_point, outputs, scratch) else { return };
    let row_values = count * usize::from(geometry.output.width);
    for row in 0..usize::from(geometry.output.height) {
        let Some((input, values)) = tensors.split(row * row_values..(row + 1) * row_values) else { return };
        if geometry.is_pooled {
            for (column, pixel) in values.chunks_exact_mut(count).enumerate() {
                for (block, pixels) in four.chunks_mut(PIXELS * count).enumerate() {
                    let place = |pixel| (2 * row + pixel / 2, 2 * column + pixel % 2);
                    windows.gather(input, core::array::from_fn(|pixel| place(block * PIXELS + pixel)));
                    windows.patch.product(pixels);
                }
                pixel.fill(i8::MIN);
                four.chunks_exact(count).for_each(|values| max(pixel, values));
            }
        } else {
            for (block, pixels) in values.chunks_mut(PIXELS * count).enumerate() {
                windows.gather(input, core::array::from_fn(|pixel| (row, block * PIXELS + pixel)));
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
    /// And the four outputs under a pool's window, where there is one.
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
        let pooled = if geometry.is_pooled { POOLED * outputs.count() } else { 0 };
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
        Some((windows, rest.get_mut(..pooled)?))
    }

    /// Fills the patch with the windows of the outputs at these rows and columns.
    fn gather(&mut self, input: Input, pixels: [(usize, usize); PIXELS]) {
        let run = self.kernel_columns * self.channels;
        let corners = pixels.map(|(row, column)| (row * self.stride, column * self.stride));
        let is_inside = |(_, column): &(usize, usize)| {
            *column >= self.left && column + self.kernel_columns <= self.left + self.width
        };
        let are_inside = corners.iter().all(is_inside);
        for kernel_row in 0..self.kernel_rows {
            let at = kernel_row * run;
            let row = |(row, _): (usize, usize)| (row + kernel_row).wrapping_sub(self.above);
            if are_inside && corners.iter().all(|corner| row(*corner) < self.height) {
                let start = |corner: (usize, usize)| (row(corner) * self.width + corner.1 - self.left) * self.channels;
                self.patch.gather(at, corners.map(|corner| input.get(start(corner), run).unwrap_or_default()));
            } else {
                self.gather_clipped(input, at, corners.map(|corner| (row(corner), corner.1)));
            }
        }
    }

    /// One row of windows that hang over the input's edge, column after column.
    fn gather_clipped(&mut self, input: Input, at: usize, corners: [(usize, usize); PIXELS]) {
        for kernel_column in 0..self.kernel_columns {
            let runs = corners.map(|(row, column)| {
                let column = (column + kernel_column).wrapping_sub(self.left);
                if row < self.height && column < self.width {
                    let start = (row * self.width + column) * self.channels;
                    return input.get(start, self.channels).unwrap_or(self.padding);
                }
                self.padding
            });
            self.patch.gather(at + kernel_column * self.channels, runs);
        }
    }
}
