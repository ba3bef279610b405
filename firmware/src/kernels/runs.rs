//! How the values under a window lie in the input.

use secateur_shared::layer::Step;

/// Each row of a window is a run of values. All in values.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Runs {
    /// Of a run.
    pub length: usize,
    /// From a run to that of the next pixel's window.
    pub step: usize,
    /// From a run to that of the window's next row.
    pub pitch: usize,
}

impl Runs {
    /// Of this layer's windows.
    #[inline(always)]
    pub fn new(step: &Step) -> Self {
        let (window, channels) = (step.record.window(), usize::from(step.input.shape.channels));
        Self {
            length: usize::from(window.kernel_hw.1) * channels,
            step: usize::from(window.stride_hw.1) * channels,
            pitch: step.input.shape.row_bytes() as usize,
        }
    }

    /// A pitch behind the last of so many pixels' and rows' values.
    #[cfg(any(kernels = "dsp", kernels = "m0plus"))]
    #[inline(always)]
    pub fn end(&self, pixels: usize, rows: usize) -> usize {
        rows * self.pitch + (pixels - 1) * self.step + self.length
    }
}
