//! From scales to the integers that TensorFlow Lite Micro computes with.

use super::graph::Fused;
use anyhow::{Context, Result, bail};
use secateur_shared::quant::{Activation, Multiplier, ZeroPoint};

/// The multiplier of this real number.
///
/// # Errors
/// Where it is out of range.
pub(super) fn multiplier(real: f64) -> Result<Multiplier> {
    Multiplier::from_real(real).with_context(|| format!("the ratio of scales {real} is out of range"))
}

/// The range of an output whose activation is fused: TFLite's `CalculateActivationRangeQuantized`, which divides in
/// f32.
///
/// # Errors
/// An activation that is not a clamp.
pub(super) fn range(fused: Fused, scale: f32, zero_point: ZeroPoint) -> Result<Activation> {
    let q = |real: f32| {
        // Half away from zero, as TFLite rounds; what is past int8 is clamped below.
        let steps = (real / scale).round().clamp(-65_536.0, 65_536.0) as i32;
        Activation::NONE.clamp(i32::from(zero_point.0) + steps)
    };
    let (low, high) = match fused {
        Fused::NONE => (i8::MIN, i8::MAX),
        Fused::RELU => (q(0.0), i8::MAX),
        Fused::RELU6 => (q(0.0), q(6.0)),
        Fused::RELU_N1_TO_1 => (q(-1.0), q(1.0)),
        Fused(other) => bail!("its activation {other} is not supported; what is: NONE, RELU, RELU_N1_TO_1, RELU6"),
    };
    Ok(Activation { low, high })
}
