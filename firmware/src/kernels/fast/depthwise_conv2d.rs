//! What the fast inner loops of depthwise convolutions share: the Rust around their assembly.

use crate::kernels::depthwise_conv2d::{Rows, Strip};
use crate::kernels::inner::depthwise_conv2d::{self as inner, ALIGNMENT};
use crate::kernels::outputs::Outputs;
use crate::kernels::portable;
use core::ptr;

/// Outputs of a row of pixels; the routines move the pointers on.
///
/// `strip` has `kernel_rows` rows of `pitch` bytes for each output, which end no sooner than the windows of `columns` rounded up
/// to a multiple of 4; the others point to the parameters of `count`, not 0, outputs and to their place in the first pixel.
#[repr(C)]
pub(crate) struct Filter {
    pub(crate) strip: *const i8,
    /// From one output's strip to the next one's.
    pub(crate) step: usize,
    /// From one row of a strip to the next.
    pub(crate) pitch: usize,
    pub(crate) weights: *const i8,
    pub(crate) biases: *const i32,
    pub(crate) mantissas: *const i32,
    pub(crate) exponents: *const i8,
    pub(crate) output: *mut i8,
    /// From one pixel to the next.
    pub(crate) pixel: usize,
    /// Pixels, 1 or more.
    pub(crate) columns: usize,
    pub(crate) zero_point: i32,
    pub(crate) count: usize,
    pub(crate) kernel_rows: usize,
    pub(crate) kernel_columns: usize,
    pub(crate) stride: usize,
}

/// Assembly that works on a [`Filter`], and on these fields that not every routine needs.
macro_rules! filter_asm {
    (Filter { $($more:ident),* }, $($line:expr),* $(,)?) => {
        $crate::kernels::fast::with_offsets!(
            Filter { strip, step, pitch, weights, biases, mantissas, exponents, output, pixel, columns, zero_point, count,
                stride $(, $more)* },
            $($line),*
        )
    };
}
pub(crate) use filter_asm;

/// The filters of a depthwise convolution.
pub struct Filters<'p> {
    strip: Strip,
    outputs: Outputs<'p>,
    is_plain: bool,
    slow: portable::Filters<'p>,
}

/// The filters on their way along a row of pixels' outputs.
pub struct Cursor<'f> {
    filters: &'f Filters<'f>,
    row: &'f mut [i8],
    task: Filter,
    next: usize,
}

impl<'p> Filters<'p> {
    /// These outputs, whose weights come row by row.
    pub fn new(strip: Strip, outputs: Outputs<'p>) -> Self {
        Self { strip, outputs, is_plain: outputs.is_plain(), slow: portable::Filters::new(strip, outputs) }
    }

    /// To the first output of a row of pixels.
    pub fn row<'f>(&'f self, row: &'f mut [i8]) -> Cursor<'f> {
        let (parameters, strip) = (self.outputs.parameters, &self.strip);
        let task = Filter {
            strip: ptr::null(),
            step: 0,
            pitch: strip.pitch,
            weights: parameters.weights.as_ptr(),
            biases: parameters.bias.as_ptr(),
            mantissas: parameters.mantissas.as_ptr(),
            exponents: parameters.exponents.as_ptr(),
            output: row.as_mut_ptr(),
            pixel: self.outputs.count(),
            columns: strip.columns,
            zero_point: self.outputs.zero_point.0.into(),
            count: 0,
            kernel_rows: strip.kernel_rows,
            kernel_columns: strip.kernel_columns,
            stride: strip.stride,
        };
        // With anything amiss there are none left.
        let next = if self.is_whole(row) { 0 } else { self.outputs.count() };
        Cursor { filters: self, row, task, next }
    }

    /// Whether all outputs have parameters and places, and strips as much as the routines read.
    fn is_whole(&self, row: &[i8]) -> bool {
        let (parameters, count, strip) = (self.outputs.parameters, self.outputs.count(), &self.strip);
        let taps = strip.kernel_rows * strip.kernel_columns;
        let windows = strip.columns.next_multiple_of(4).saturating_sub(1) * strip.stride;
        parameters.mantissas.len() == count
            && parameters.exponents.len() == count
            && parameters.weights.len() == count * taps
            && row.len() == count * strip.columns
            && taps * strip.columns > 0
            && strip.pitch >= windows + strip.kernel_columns.next_multiple_of(4)
            && strip.lane_bytes == strip.kernel_rows * strip.pitch
    }
}

impl Cursor<'_> {
    /// The next `count` outputs of all pixels, of strips `step` apart.
    pub fn filter(&mut self, values: &[i8], step: usize, count: usize) {
        let (filters, output) = (self.filters, self.next);
        let is_there = output + count <= filters.outputs.count() && count > 0;
        if !is_there || values.len() < (count - 1) * step + filters.strip.lane_bytes {
            return;
        }
        (self.task.strip, self.task.step, self.task.count) = (values.as_ptr(), step, count);
        // SAFETY: the row is whole, or no output were left, and there is a strip for each of these.
        unsafe { inner::filter_row(&mut self.task) }
        self.next += count;
        if !filters.is_plain {
            for (index, output) in (output..self.next).enumerate() {
                if !filters.outputs.is_shift(output) {
                    filters.slow.single(values.get(index * step..).unwrap_or_default(), output, self.row);
                }
            }
        }
    }
}

/// Each of `lanes` channels of pixels to rows of bytes of its own.
pub fn unzip(bytes: &mut [i8], pixels: &[i8], rows: &Rows, lanes: usize) {
    let (last, column) = (rows.rows.wrapping_sub(1), rows.columns.wrapping_sub(1));
    let is_some = rows.rows > 0 && rows.columns > 0;
    let is_room = is_some && bytes.len() > 3 * rows.lane_bytes + last * rows.pitch + column;
    let is_there = is_some && pixels.len() >= last * rows.pixels + column * rows.pixel + 4;
    let is_aligned = (pixels.as_ptr() as usize | rows.pixel | rows.pixels).is_multiple_of(ALIGNMENT);
    if lanes == 4 && is_room && is_there && is_aligned {
        // SAFETY: all pixels have four values, and all rows room for one of each.
        unsafe { inner::unzip(bytes.as_mut_ptr(), pixels.as_ptr(), rows) }
    } else {
        portable::unzip(bytes, pixels, rows, lanes);
    }
}
