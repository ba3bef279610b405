//! RESHAPE, SQUEEZE, EXPAND_DIMS and PAD: values that are only looked at in another way.

use super::Lowering;
use super::values::{Padding, Value};
use crate::tflite::graph::{Operator, Type};
use anyhow::{Context, Result, ensure};

impl Lowering<'_> {
    /// No layer: whoever reads the output reads the input, in another shape.
    pub(super) fn reshape(&mut self, operator: &Operator) -> Result<()> {
        let (value, output) = (self.value(operator, 0)?, self.output(operator)?);
        let (shape, quantization) = (self.hwc(output)?, self.int8(output)?);
        ensure!(shape.bytes() == value.shape.bytes(), "it has another number of values than its input");
        ensure!(quantization == value.quantization, "its output has another scale or zero point than its input");
        self.values[output] = Some(Value { shape, ..value });
        Ok(())
    }

    /// No layer: the convolutions that read the output pad it themselves.
    pub(super) fn pad(&mut self, operator: &Operator) -> Result<()> {
        let (value, output) = (self.value(operator, 0)?, self.output(operator)?);
        let quantization = self.int8(output)?;
        ensure!(quantization == value.quantization, "its output has another scale or zero point than its input");
        self.check_pad_value(operator, quantization.zero_point.0)?;
        let amounts = self.integers(self.input(operator, 1)?).context("the padding")?;
        let [0, 0, above, below, left, right, 0, 0] = amounts[..] else {
            anyhow::bail!("only rows and columns of one image may be padded, not {amounts:?}")
        };
        let small = |amount: i32| u8::try_from(amount).with_context(|| format!("padding of {amount} is not supported"));
        let before_hw = (small(above)?, small(left)?);
        let padding = Padding { before_hw, after_hw: (small(below)?, small(right)?) };
        self.values[output] = Some(Value { padding, ..value });
        let name = self.graph.operator_name(self.operator);
        self.notes.push(format!("{name}: the padding of the convolutions that read it"));
        Ok(())
    }

    /// What it pads with must stand for zero.
    fn check_pad_value(&self, operator: &Operator, zero_point: i8) -> Result<()> {
        let Some(index) = operator.inputs.get(2).copied().flatten() else { return Ok(()) };
        let tensor = &self.graph.tensors[index];
        let is_zero = tensor.kind == Type::INT8 && tensor.data == Some(&[zero_point.cast_unsigned()]);
        ensure!(is_zero, "it pads with {}, which is not a zero of the input", self.graph.tensor_name(index));
        Ok(())
    }
}
