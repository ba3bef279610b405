//! MAX_POOL_2D and AVERAGE_POOL_2D.

use super::Lowering;
use super::conv2d::window;
use super::network::both;
use super::values::{Quantization, Value};
use crate::tflite::graph::{Operator, Options};
use crate::tflite::quantization::range;
use anyhow::{Result, bail, ensure};
use secateur_shared::layer::{Layer, Pool2d, Window};

/// How far the output's scale may be from the input's; TensorFlow Lite refuses more.
const SCALES_APART: f32 = 1e-6;

/// The pool that a convolution does in its own pass.
const HALVING: Window = Window { kernel_hw: (2, 2), stride_hw: (2, 2), before_hw: (0, 0), after_hw: (0, 0) };

impl Lowering<'_> {
    pub(super) fn max_pool2d(&mut self, operator: &Operator) -> Result<()> {
        let (value, pool) = self.pool(operator)?;
        let tensor = self.input(operator, 0)?;
        if pool.window == HALVING
            && let Some(maker) = self.only_reader_of(tensor)
            && let Layer::Conv2d(conv) = &mut maker.layer
            && !conv.is_pooled
        {
            conv.is_pooled = true;
            // A clamp before a maximum is one after it.
            conv.activation = both(conv.activation, pool.activation);
            return self.fold(tensor, "in the same pass as");
        }
        let tensor = self.tensor(&value)?;
        self.push(self.lowered(Layer::MaxPool2d(pool), tensor))
    }

    pub(super) fn average_pool2d(&mut self, operator: &Operator) -> Result<()> {
        let (value, pool) = self.pool(operator)?;
        let tensor = self.tensor(&value)?;
        self.push(self.lowered(Layer::AveragePool2d(pool), tensor))
    }

    fn pool(&self, operator: &Operator) -> Result<(Value, Pool2d)> {
        let Options::Pool2d(sliding, (rows, columns)) = operator.options else { bail!("it has no options of a pool") };
        let value = self.value(operator, 0)?;
        let output = self.int8(self.output(operator)?)?;
        ensure!(
            is_alike(&value.quantization, &output),
            "its output has another scale or zero point than its input: {output:?} instead of {:?}",
            value.quantization
        );
        let size = |size: i32| usize::try_from(size).unwrap_or(0);
        let window = window(&value, &sliding, (size(rows), size(columns)))?;
        Ok((value, Pool2d { window, activation: range(sliding.activation, output.scale, output.zero_point)? }))
    }
}

fn is_alike(input: &Quantization, output: &Quantization) -> bool {
    input.zero_point == output.zero_point && (input.scale - output.scale).abs() <= SCALES_APART
}
