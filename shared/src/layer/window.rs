//! Windows over a tensor: kernel, stride and padding.

use super::Shape;

/// What of its input one output is made from. Pairs are rows, columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Size.
    pub kernel_hw: (u8, u8),
    /// Distance to the next output's.
    pub stride_hw: (u8, u8),
    /// Padding above and left of the input.
    pub before_hw: (u8, u8),
    /// Padding below and right of the input.
    pub after_hw: (u8, u8),
}

impl Window {
    /// An odd kernel around each element of the input: as many outputs as inputs.
    pub const fn around(size: u8) -> Self {
        let around = (size / 2, size / 2);
        Self { kernel_hw: (size, size), stride_hw: (1, 1), before_hw: around, after_hw: around }
    }

    /// Squares side by side inside the input.
    pub const fn tiles(size: u8) -> Self {
        Self { kernel_hw: (size, size), stride_hw: (size, size), before_hw: (0, 0), after_hw: (0, 0) }
    }

    /// Rows and columns of output; `None` where no window fits, or one would lie in the padding alone.
    pub fn output_hw(&self, input: Shape) -> Option<(u16, u16)> {
        let [kernel, stride, before, after] = [self.kernel_hw, self.stride_hw, self.before_hw, self.after_hw];
        let height = fit(input.height, [kernel.0, stride.0, before.0, after.0])?;
        Some((height, fit(input.width, [kernel.1, stride.1, before.1, after.1])?))
    }

    /// The first row of the input under the windows of an output row.
    pub fn first_row(&self, row: u32) -> u32 {
        (row * u32::from(self.stride_hw.0)).saturating_sub(self.before_hw.0.into())
    }

    /// Elements of the kernel.
    pub fn area(&self) -> u32 {
        u32::from(self.kernel_hw.0) * u32::from(self.kernel_hw.1)
    }
}

/// How many windows fit, along one dimension.
#[inline(never)]
fn fit(input: u16, [kernel, stride, before, after]: [u8; 4]) -> Option<u16> {
    let padded = u32::from(input) + u32::from(before) + u32::from(after);
    let steps = quotient(padded.checked_sub(kernel.into())?, stride);
    let is_real = input > 0 && stride > 0 && kernel > before.max(after);
    u16::try_from(steps + 1).ok().filter(|_| is_real)
}

/// dividend / divisor, of 17 bits and by less than 2^8, bit after bit: a Cortex-M0+ would call a routine of 440 bytes.
fn quotient(mut dividend: u32, divisor: u8) -> u32 {
    let mut quotient = 0;
    for bit in (0..17).rev() {
        let part = u32::from(divisor) << bit;
        if dividend >= part {
            dividend -= part;
            quotient |= 1 << bit;
        }
    }
    quotient
}

/// Where a window may hang over the edge, in the words that networks are described by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Output size ceil(input / stride), the smaller half of the padding at top and left.
    Same,
    /// Windows stay inside the input.
    Valid,
}

impl Padding {
    /// The window over an input of these rows and columns; `None` for a size or stride of 0.
    pub fn window(self, input_hw: (u16, u16), kernel_hw: (u8, u8), stride_hw: (u8, u8)) -> Option<Window> {
        let (above, below) = self.around(input_hw.0, kernel_hw.0, stride_hw.0)?;
        let (left, right) = self.around(input_hw.1, kernel_hw.1, stride_hw.1)?;
        Some(Window { kernel_hw, stride_hw, before_hw: (above, left), after_hw: (below, right) })
    }

    /// Padding before and after, along one dimension.
    fn around(self, input: u16, kernel: u8, stride: u8) -> Option<(u8, u8)> {
        let (input, kernel, stride) = (u32::from(input), u32::from(kernel), u32::from(stride));
        if input == 0 || kernel == 0 || stride == 0 {
            return None;
        }
        let total = match self {
            Padding::Same => ((input.div_ceil(stride) - 1) * stride + kernel).saturating_sub(input),
            Padding::Valid => 0,
        };
        // Less than a kernel.
        Some(((total / 2) as u8, total.div_ceil(2) as u8))
    }
}
