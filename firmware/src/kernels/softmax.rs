//! Softmax, exactly as gemmlowp's fixed-point numbers make it.
//!
//! Numbers are 32 bits with so many integer bits: Q5.26 for differences to the largest input, Q0.31 for exponentials and
//! reciprocals, Q12.19 for the sum of exponentials, Q2.29 inside the reciprocal. 1 is not a number of Q0.31: it is the largest.

use super::outputs::Outputs;
use crate::tensors::Tensors;
use core::cell::Cell;
use secateur_shared::layer::Step;
use secateur_shared::quant::{Activation, Multiplier, doubling_high_multiply, rounding_divide_by_power_of_two};

/// Fractional bits of a scaled difference.
const DIFFERENCE_BITS: u32 = 26;
/// Integer bits of the sum.
const SUM_INTEGER_BITS: u32 = 12;

/// output[c] = round(256 exp(beta (x[c] - max x)) / sum over c) - 128, over the channels of each pixel; the output may lie
/// where the input does.
pub fn softmax(tensors: &mut Tensors, step: &Step, outputs: &Outputs) {
    let (_, beta) = outputs.parameters.output(0);
    let (input, output) = (step.input.range(), step.output.range());
    let channels = usize::from(step.input.shape.channels).max(1);
    let cells = tensors.cells();
    let (Some(input), Some(output)) = (cells.get(input), cells.get(output)) else { return };
    for (input, output) in input.chunks_exact(channels).zip(output.chunks_exact(channels)) {
        softmax_of(input, beta, output);
    }
}

#[inline(never)]
fn softmax_of(input: &[Cell<i8>], beta: Multiplier, output: &[Cell<i8>]) {
    let largest = input.iter().map(Cell::get).max().unwrap_or(0);
    let mut sum = 0_i32;
    for value in input {
        let exponential = exponential_of(value.get(), largest, beta).unwrap_or(0);
        sum = sum.saturating_add(rounding_divide_by_power_of_two(exponential, SUM_INTEGER_BITS));
    }
    let (scale, halvings) = reciprocal(sum);
    // TensorFlow Lite Micro has no answer for sums of 512 and more, which would take more.
    let shift = (halvings + 31 - 8).min(31);
    for (value, output) in input.iter().zip(output) {
        let exponential = exponential_of(value.get(), largest, beta).unwrap_or(0);
        let share = rounding_divide_by_power_of_two(doubling_high_multiply(scale, exponential), shift);
        output.set(Activation::NONE.clamp(share + i32::from(i8::MIN)));
    }
}

/// exp(beta (value - largest)) as Q0.31; `None` where the difference is too large for Q5.26.
fn exponential_of(value: i8, largest: i8, beta: Multiplier) -> Option<i32> {
    let difference = i32::from(value) - i32::from(largest);
    let left = beta.exponent.clamp(0, 31) as u32;
    let smallest = -((31_i32 << DIFFERENCE_BITS) >> left);
    (difference >= smallest).then(|| exponential(doubling_high_multiply(difference.wrapping_shl(left), beta.mantissa)))
}

/// exp(-2^k) as Q0.31, for k from -2 to 4.
const POWERS: [i32; 7] = [1_672_461_947, 1_302_514_674, 790_015_084, 290_630_308, 39_332_535, 720_401, 242];

/// exp(a) as Q0.31, for a from -32 to 0 as Q5.26: of a's part within -1/4..0 by a series, and a factor for each other bit.
fn exponential(a: i32) -> i32 {
    if a == 0 {
        return i32::MAX;
    }
    let quarter = 1 << (DIFFERENCE_BITS - 2);
    let part = (a & (quarter - 1)) - quarter;
    let mut result = exponential_above_quarter(part << 5);
    let rest = part - a;
    for (bit, power) in POWERS.iter().enumerate() {
        if rest & (quarter << bit) != 0 {
            result = doubling_high_multiply(result, *power);
        }
    }
    result
}

/// exp(a) as Q0.31, for a from -1/4 to 0 as Q0.31: exp(-1/8) (1 + x + x^2/2 + x^3/6 + x^4/24), where x = a + 1/8.
fn exponential_above_quarter(a: i32) -> i32 {
    /// exp(-1/8).
    const CENTER: i32 = 1_895_147_668;
    const THIRD: i32 = 715_827_883;
    let x = a + (1 << 28);
    let square = doubling_high_multiply(x, x);
    let cube = doubling_high_multiply(square, x);
    let fourth = rounding_divide_by_power_of_two(doubling_high_multiply(square, square), 2);
    let higher = doubling_high_multiply(fourth + cube, THIRD) + square;
    CENTER + doubling_high_multiply(CENTER, x + rounding_divide_by_power_of_two(higher, 1))
}

/// 1 / sum, of a sum of 1 or more as Q12.19: the fraction of a number in 1..2 as Q0.31, and how often the sum was halved.
fn reciprocal(sum: i32) -> (i32, u32) {
    let zeros = sum.leading_zeros();
    let over_one = ((sum as u32).wrapping_shl(zeros)).wrapping_sub(1 << 31) as i32;
    (reciprocal_above_one(over_one), SUM_INTEGER_BITS.saturating_sub(zeros))
}

/// 1 / (1 + a) as Q0.31, for a from 0 to 1 as Q0.31: Newton's steps for the reciprocal of d = (1 + a) / 2, in Q2.29.
fn reciprocal_above_one(a: i32) -> i32 {
    /// 48/17 and 32/17: the line from which the first step goes.
    const FIRST: i32 = 1_515_870_810;
    const SLOPE: i32 = 1_010_580_540;
    let half = ((i64::from(a) + i64::from(i32::MAX) + 1) >> 1) as i32;
    let mut x = FIRST + doubling_high_multiply(half, -SLOPE);
    for _ in 0..3 {
        let left = (1 << 29) - doubling_high_multiply(half, x);
        x += saturating_shift(doubling_high_multiply(x, left), 2);
    }
    // Half of 2 / (1 + a): the same number with an integer bit less, and one less again.
    saturating_shift(x, 1)
}

/// value * 2^power, kept within 32 bits.
fn saturating_shift(value: i32, power: u32) -> i32 {
    let wide = i64::from(value) << power;
    wide.clamp(i32::MIN.into(), i32::MAX.into()) as i32
}
