//! The sum of two tensors.

use super::inner;
use super::outputs::Outputs;
use crate::tensors::Tensors;
use secateur_shared::layer::Step;
use secateur_shared::quant::{Activation, Multiplier, ZeroPoint};

/// How two tensors are added.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Of the output.
    pub zero_point: ZeroPoint,
    /// Range of the output.
    pub activation: Activation,
    /// Of the tensors.
    pub inputs: [Multiplier; 2],
    /// Of their sum.
    pub output: Multiplier,
    /// Of the tensors.
    pub zero_points: [ZeroPoint; 2],
}

/// (x - z) * 2^20 is multiplied.
pub const SHIFT: u32 = 20;

impl Terms {
    /// output = clamp(z_out + requantise(sum of requantise((x - z) * 2^20))).
    #[inline(always)]
    pub fn sum(&self, values: [i8; 2]) -> i8 {
        let term = |index: usize| {
            let difference = i32::from(values[index]) - i32::from(self.zero_points[index].0);
            self.inputs[index].apply(difference << SHIFT)
        };
        self.output.requantize(term(0).wrapping_add(term(1)), self.zero_point, self.activation)
    }
}

/// output[i] = the sum of both inputs' values there, for i from 0 on; the output may lie where either of them does.
pub fn add(tensors: &mut Tensors, step: &Step, outputs: &Outputs) {
    let Some((other, _)) = step.other() else { return };
    let (first, second, output) = (step.input.range(), other.range(), step.output.range());
    let cells = tensors.cells();
    let (Some(first), Some(second), Some(output)) = (cells.get(first), cells.get(second), cells.get(output)) else {
        return;
    };
    let [one, two, sum] = [0, 1, 2].map(|index| outputs.parameters.output(index).1);
    let zero_points = [step.input.zero_point, other.zero_point];
    let Outputs { zero_point, activation, .. } = *outputs;
    let terms = Terms { zero_point, activation, inputs: [one, two], output: sum, zero_points };
    inner::add(&terms, [first, second], output);
}
