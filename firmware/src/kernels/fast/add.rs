//! What the fast additions share: the Rust around their assembly.

use crate::kernels::add::{SHIFT, Terms};
use crate::kernels::{inner, portable};
use core::cell::Cell;
use secateur_shared::quant::{Activation, Multiplier};

/// A sum of two terms, of which the first has a multiplier of a half: the larger scale's, over twice itself.
#[repr(C)]
pub(crate) struct Sum {
    pub(crate) first: *const i8,
    pub(crate) second: *const i8,
    pub(crate) output: *mut i8,
    /// 1 or more.
    pub(crate) count: usize,
    /// z * 2^19.
    pub(crate) first_zero: i32,
    pub(crate) second_zero: i32,
    /// What the second is shifted by before it is multiplied.
    pub(crate) left: u32,
    pub(crate) mantissa: i32,
    /// 1..=31.
    pub(crate) right: u32,
    pub(crate) output_mantissa: i32,
    /// 1..=31.
    pub(crate) output_right: u32,
    pub(crate) zero_point: i32,
}

/// Assembly that works on a [`Sum`].
macro_rules! sum_asm {
    ($($line:expr),* $(,)?) => {
        $crate::kernels::fast::with_offsets!(
            Sum { first, second, output, count, first_zero, second_zero, left, mantissa, right, output_mantissa,
                output_right, zero_point },
            $($line),*
        )
    };
}
pub(crate) use sum_asm;

/// See [`crate::kernels::add`].
pub fn add(terms: &Terms, inputs: [&[Cell<i8>]; 2], output: &[Cell<i8>]) {
    let is_there = inputs.iter().all(|input| input.len() == output.len()) && !output.is_empty();
    match sum(terms, inputs, output).filter(|_| is_there) {
        // SAFETY: all three have `count` values, and are cells.
        Some(mut sum) => unsafe { inner::add::sum(&mut sum) },
        None => portable::add(terms, inputs, output),
    }
    if terms.activation != Activation::NONE {
        for value in output {
            value.set(terms.activation.clamp(value.get().into()));
        }
    }
}

/// `None` where neither multiplier is a half, or another one is no shift to the right.
#[inline(always)]
fn sum(terms: &Terms, inputs: [&[Cell<i8>]; 2], output: &[Cell<i8>]) -> Option<Sum> {
    let is_half = |multiplier: Multiplier| multiplier.exponent == 0 && multiplier.mantissa == 1 << 30;
    let first = usize::from(!is_half(terms.inputs[0]));
    let (one, other) = (terms.inputs[first], terms.inputs[1 - first]);
    // A half is a quarter of twice the number.
    let (left, right) = if is_half(other) { (SHIFT + 1, 1) } else { (SHIFT, -i32::from(other.exponent)) };
    let output_right = -i32::from(terms.output.exponent);
    let are_shifts = right > 0 && output_right > 0 && other.mantissa >= 1 << 30 && terms.output.mantissa >= 1 << 30;
    (is_half(one) && are_shifts).then_some(Sum {
        first: inputs[first].as_ptr().cast(),
        second: inputs[1 - first].as_ptr().cast(),
        output: output.as_ptr().cast::<i8>().cast_mut(),
        count: output.len(),
        first_zero: i32::from(terms.zero_points[first].0) << (SHIFT - 1),
        second_zero: terms.zero_points[1 - first].0.into(),
        left,
        mantissa: other.mantissa,
        right: right as u32,
        output_mantissa: terms.output.mantissa,
        output_right: output_right as u32,
        zero_point: terms.zero_point.0.into(),
    })
}
