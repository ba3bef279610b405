//! The 8-bit arithmetic of TensorFlow Lite for Microcontrollers, to the bit: every operation here has two roundings
//! where gemmlowp has two.

/// The int8 value that stands for zero: real = scale * (q - zero_point).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, bytemuck::Zeroable)]
pub struct ZeroPoint(pub i8);

impl ZeroPoint {
    /// bias - z sum w, so that folded + sum x w = bias + sum (x - z) w: modulo 2^32, which a layer within the format's
    /// bounds never leaves.
    pub fn fold(self, bias: i32, weights: &[i8]) -> i32 {
        let sum = weights.iter().fold(0, |sum: i32, weight| sum.wrapping_add(i32::from(*weight)));
        bias.wrapping_sub(i32::from(self.0).wrapping_mul(sum))
    }

    /// The largest |q - zero_point| over all int8 q.
    pub fn reach(self) -> u32 {
        let zero = i32::from(self.0);
        (zero + 128).max(127 - zero).unsigned_abs()
    }
}

/// The range of a fused activation, both ends included; ReLU's low end is the output's zero point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activation {
    /// Lowest output.
    pub low: i8,
    /// Highest output.
    pub high: i8,
}

impl Activation {
    /// All of int8.
    pub const NONE: Self = Self { low: i8::MIN, high: i8::MAX };

    /// The nearest value within.
    #[inline(always)]
    pub fn clamp(self, q: i32) -> i8 {
        // `Ord::clamp` would panic on an empty range.
        q.max(i32::from(self.low)).min(i32::from(self.high)) as i8
    }

    /// max(0, x) for an output with this zero point.
    pub fn relu(zero_point: ZeroPoint) -> Self {
        Self { low: zero_point.0, high: i8::MAX }
    }
}

/// The largest |accumulator * 2^e+| of a valid layer: adding any zero point stays within 32 bits.
pub const ACCUMULATOR_MAX: i32 = i32::MAX - 128;

/// A real multiplier M = mantissa * 2^(exponent - 31), mantissa in [2^30, 2^31), or zero; that of a mean, which TFLite divides
/// by a number of values without taking it back to that range, from 2^29.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Multiplier {
    /// Q0.31.
    pub mantissa: i32,
    /// Left shift where positive, right shift where negative, -31..=30.
    pub exponent: i8,
}

impl Multiplier {
    /// Gives 0.
    pub const ZERO: Self = Self { mantissa: 0, exponent: 0 };

    /// The smallest and largest exponent that a layer may carry.
    pub const EXPONENTS: core::ops::RangeInclusive<i8> = -31..=30;

    /// Whether the mantissa is one that a blob may have.
    pub fn has_valid_mantissa(&self) -> bool {
        self.mantissa == 0 || self.mantissa >= 1 << 29
    }

    /// The nearest multiplier to a real one; below 2^-32 it is zero (TFLite's `QuantizeMultiplier`).
    /// `None` where `real` is negative, not finite, or rounds to 2^30 or more.
    pub fn from_real(real: f64) -> Option<Self> {
        if !(0.0..1_073_741_824.0).contains(&real) {
            return None;
        }
        let bits = real.to_bits();
        let fraction = (bits & ((1 << 52) - 1)) | (1 << 52);
        let mut exponent = (bits >> 52) as i32 - 1022;
        let mut mantissa = ((fraction + (1 << 21)) >> 22) as i64;
        if mantissa == 1 << 31 {
            mantissa >>= 1;
            exponent += 1;
        }
        match exponent {
            ..-31 => Some(Self::ZERO),
            -31..=30 => Some(Self { mantissa: mantissa as i32, exponent: exponent as i8 }),
            _ => None,
        }
    }

    /// round(round(acc * 2^e+ * mantissa / 2^31) / 2^e-): gemmlowp's two roundings.
    #[inline(always)]
    pub fn apply(self, accumulator: i32) -> i32 {
        let left = self.exponent.max(0) as u32;
        let right = (-i32::from(self.exponent)).max(0) as u32;
        let high = doubling_high_multiply(accumulator.wrapping_shl(left), self.mantissa);
        rounding_divide_by_power_of_two(high, right)
    }

    /// One output: requantise, add the zero point, clamp. The accumulator is at most [`ACCUMULATOR_MAX`] after its left
    /// shift, so that the sum cannot overflow.
    #[inline(always)]
    pub fn requantize(self, accumulator: i32, zero_point: ZeroPoint, activation: Activation) -> i8 {
        let q = self.apply(accumulator).wrapping_add(i32::from(zero_point.0));
        activation.clamp(q)
    }
}

/// accumulator * mantissa / 2^31, rounded half up: gemmlowp's nudge by sign and truncating division come to the same.
/// A mantissa is never -2^31, so the product that would saturate does not occur.
#[inline(always)]
pub fn doubling_high_multiply(accumulator: i32, mantissa: i32) -> i32 {
    ((i64::from(accumulator) * i64::from(mantissa) + (1 << 30)) >> 31) as i32
}

/// value / 2^power, rounded half away from zero; `power` is 0..=31.
#[inline(always)]
pub fn rounding_divide_by_power_of_two(value: i32, power: u32) -> i32 {
    let mask = ((1_u32 << power) - 1) as i32;
    let remainder = value & mask;
    let threshold = (mask >> 1) + i32::from(value < 0);
    (value >> power) + i32::from(remainder > threshold)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same in 128-bit integers, straight from the definition.
    fn oracle(accumulator: i32, multiplier: Multiplier) -> i32 {
        let left = multiplier.exponent.max(0) as u32;
        let right = (-i32::from(multiplier.exponent)).max(0) as u32;
        let half_away = |value: i128, power: u32| {
            let half = if power == 0 { 0 } else { 1_i128 << (power - 1) };
            let size = (value.abs() + half) >> power;
            if value < 0 { -size } else { size }
        };
        let product = i128::from(accumulator) * (1_i128 << left) * i128::from(multiplier.mantissa);
        let nudge = if product >= 0 { 1 << 30 } else { 1 - (1 << 30) };
        let high = (product + nudge) / (1 << 31);
        half_away(high, right) as i32
    }

    proptest! {
        #[test]
        fn requantization_equals_the_wide_oracle(
            accumulator in any::<i32>(), mantissa in 1_i32 << 30..=i32::MAX, exponent in -31_i8..=0,
        ) {
            let multiplier = Multiplier { mantissa, exponent };
            prop_assert_eq!(multiplier.apply(accumulator), oracle(accumulator, multiplier));
        }

        #[test]
        fn a_left_shift_within_bounds_equals_the_oracle(
            accumulator in -1000_i32..1000, mantissa in 1_i32 << 30..=i32::MAX, exponent in 1_i8..=20,
        ) {
            let multiplier = Multiplier { mantissa, exponent };
            prop_assert_eq!(multiplier.apply(accumulator), oracle(accumulator, multiplier));
        }

        #[test]
        fn a_real_multiplier_is_met_to_31_bits(real in 1e-9_f64..1e9) {
            let Multiplier { mantissa, exponent } = Multiplier::from_real(real).expect("in range");
            let back = f64::from(mantissa) * 2_f64.powi(i32::from(exponent) - 31);
            prop_assert!((back - real).abs() <= real * 2_f64.powi(-31));
        }
    }

    #[test]
    fn multipliers_out_of_range_are_none_or_zero() {
        for real in [-1.0, -0.0, f64::NAN, f64::INFINITY, 1_073_741_824.0, 1_073_741_823.999_999_9] {
            assert_eq!(Multiplier::from_real(real), None);
        }
        for real in [0.0, f64::MIN_POSITIVE, 1e-12] {
            assert_eq!(Multiplier::from_real(real), Some(Multiplier { mantissa: 0, exponent: 0 }));
        }
        let largest = Multiplier { mantissa: i32::MAX, exponent: 30 };
        assert_eq!(Multiplier::from_real(1_073_741_823.499_999_9), Some(largest));
        let smallest = Multiplier { mantissa: 1 << 30, exponent: -31 };
        assert_eq!(Multiplier::from_real(2_f64.powi(-32)), Some(smallest));
    }
}
