//! Where windows lie.

use core::ops::Range;

/// Which of so many rows (or columns) lie under the windows of an output row (or column).
#[inline(always)]
pub(super) fn inside(output: usize, kernel: u8, stride: u8, before: u8, size: u16) -> Range<usize> {
    let start = output * usize::from(stride);
    let end = (start + usize::from(kernel)).saturating_sub(before.into());
    start.saturating_sub(before.into())..end.min(size.into())
}
