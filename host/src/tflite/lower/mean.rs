//! MEAN over rows and columns.

use super::Lowering;
use crate::tflite::graph::{Fused, Operator};
use crate::tflite::quantization::multiplier;
use anyhow::{Context, Result, ensure};
use secateur_shared::quant::Multiplier;

impl Lowering<'_> {
    /// A depthwise convolution of ones over all rows and columns. TensorFlow Lite Micro takes the sum of x - z_in times
    /// s_in / s_out / n as a convolution does, and rounds twice: an average pool, which rounds once, gives other
    /// numbers.
    pub(super) fn mean(&mut self, operator: &Operator) -> Result<()> {
        let input = self.value(operator, 0)?;
        let rank = self.graph.tensors[self.input(operator, 0)?].shape.len();
        let mut axes = self.integers(self.input(operator, 1)?).context("the axes")?;
        axes.iter_mut().for_each(|axis| *axis = if *axis < 0 { axis.saturating_add(rank as i32) } else { *axis });
        axes.sort_unstable();
        axes.dedup();
        ensure!(
            axes == [1, 2] && rank == 4,
            "only a mean over rows and columns (axes 1 and 2 of 4) is supported, not {axes:?}"
        );
        let (height, width) = (input.shape.height, input.shape.width);
        let (Ok(rows), Ok(columns)) = (u8::try_from(height), u8::try_from(width)) else {
            anyhow::bail!("a mean over {height}x{width} is larger than 255x255")
        };
        let output = self.int8(self.output(operator)?)?;
        let whole = multiplier(f64::from(input.quantization.scale) / f64::from(output.scale))?;
        let multiplier =
            divided(whole, u32::from(height) * u32::from(width)).context("the ratio of scales is too small")?;
        self.notes.push(format!(
            "{}: the sums of layer {}, whose weights are all 1",
            self.graph.operator_name(self.operator),
            self.layers.len()
        ));
        self.push_sum(&input, (rows, columns), multiplier, Fused::NONE)
    }
}

/// The multiplier of a mean over so many values, as TFLite's `QuantizedMeanOrSum` divides one, to the bit.
fn divided(whole: Multiplier, count: u32) -> Option<Multiplier> {
    let shift = count.ilog2().min(u32::try_from(31 + i32::from(whole.exponent)).ok()?);
    let mantissa = (i64::from(whole.mantissa) << shift) / i64::from(count);
    Some(Multiplier { mantissa: i32::try_from(mantissa).ok()?, exponent: whole.exponent - shift as i8 })
}
