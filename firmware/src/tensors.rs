//! The input and the output of a layer, in one arena.

use core::cell::Cell;
use core::ops::Range;

/// Both tensors. Rows of the output are made from the top; what they are written over was read for the last time, as the
/// places were checked for.
pub struct Tensors<'a> {
    memory: &'a mut [i8],
    input: Range<usize>,
    output: Range<usize>,
}

/// What is left of an input.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    values: &'a [i8],
    gone: usize,
}

impl<'a> Input<'a> {
    /// All values from one on.
    #[inline(always)]
    pub fn from(&self, start: usize) -> Option<&'a [i8]> {
        self.values.get(start.wrapping_sub(self.gone)..)
    }

    /// All of it; `None` where some is gone.
    #[inline(always)]
    pub fn whole(&self) -> Option<&'a [i8]> {
        (self.gone == 0).then_some(self.values)
    }
}

impl<'a> Tensors<'a> {
    /// These places of `memory`.
    pub fn new(memory: &'a mut [i8], input: Range<usize>, output: Range<usize>) -> Self {
        Self { memory, input, output }
    }

    /// What is left of the input, and these values of the output; `None` where they are not in `memory`.
    #[inline(never)]
    pub fn split(&mut self, values: Range<usize>) -> Option<(Input<'_>, &mut [i8])> {
        let Range { start: input, end } = self.input;
        let output = self.output.start;
        let written = output + values.start..output + values.end;
        if output < input {
            let (low, high) = self.memory.split_at_mut_checked(written.end)?;
            let first = input.max(written.end);
            let left = high.get(first - written.end..end.checked_sub(written.end)?)?;
            Some((Input { values: left, gone: first - input }, low.get_mut(written.start..)?))
        } else {
            let (low, high) = self.memory.split_at_mut_checked(output)?;
            Some((Input { values: low.get(input..end)?, gone: 0 }, high.get_mut(values)?))
        }
    }

    /// All of the memory, for what is made value by value: the output may lie where an input does.
    pub fn cells(&mut self) -> &[Cell<i8>] {
        Cell::from_mut(&mut *self.memory).as_slice_of_cells()
    }

    /// Moves the input's values to the output, which lies apart or before.
    pub fn forward(&mut self) {
        let (input, output) = (self.input.clone(), self.output.clone());
        let cells = self.cells();
        let (Some(input), Some(output)) = (cells.get(input), cells.get(output)) else { return };
        for (from, to) in input.iter().zip(output) {
            to.set(from.get());
        }
    }

    /// The input and all of the output, which lie apart.
    pub fn apart(&mut self) -> Option<(&[i8], &mut [i8])> {
        let (input, output) = self.split(0..self.output.len())?;
        Some((input.whole()?, output))
    }
}
