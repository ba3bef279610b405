//! The integer network: what a blob holds, before it is bytes.

use anyhow::{Context, Result, ensure};
use secateur_shared::layer::{Layer, Shape, Table};
use secateur_shared::quant::{Multiplier, ZeroPoint};

/// A layer table and, for each layer with weights, its parameters.
#[derive(Clone, Debug)]
pub struct IntegerNetwork {
    table: Table,
    parameters: Vec<LayerParameters>,
}

/// The parameters of one layer, in the engine's order.
#[derive(Clone, Debug)]
pub struct LayerParameters {
    /// One per output, scale s_in * s_w.
    pub bias: Vec<i32>,
    /// One per output.
    pub multipliers: Vec<Multiplier>,
    /// OHWI (conv), OHW (depthwise conv) or OI over HWC (linear).
    pub weights: Vec<i8>,
}

impl LayerParameters {
    /// Those of a layer without weights.
    pub fn of_multipliers(multipliers: Vec<Multiplier>) -> Self {
        Self { bias: vec![0; multipliers.len()], multipliers, weights: Vec::new() }
    }
}

impl IntegerNetwork {
    /// A network without layers.
    pub fn new(input: Shape, input_zero_point: ZeroPoint) -> Self {
        Self { table: Table::new(input, input_zero_point), parameters: Vec::new() }
    }

    /// Appends a layer that reads the last output, its parameters where it has any; a pool may become part of the
    /// convolution before it.
    ///
    /// # Errors
    /// As [`IntegerNetwork::push_from`].
    pub fn push(&mut self, layer: Layer, parameters: Option<LayerParameters>) -> Result<()> {
        self.table.push(layer)?;
        self.add(layer, parameters)
    }

    /// Appends a layer that reads the output so many tensors before the last one.
    ///
    /// # Errors
    /// Where it cannot take that output, or the parameters' lengths are not those of its shape.
    pub fn push_from(&mut self, layer: Layer, from: u8, parameters: Option<LayerParameters>) -> Result<()> {
        self.table.push_from(layer, from)?;
        self.add(layer, parameters)
    }

    fn add(&mut self, layer: Layer, parameters: Option<LayerParameters>) -> Result<()> {
        let step = self.table.steps().last().context("the layer just pushed")??;
        let wanted = if matches!(layer, Layer::MaxPool2d(_)) { None } else { step.parameters() };
        let (outputs, per_output) = wanted.unwrap_or((0, 0));
        let weights = outputs * per_output;
        let found = parameters.as_ref().map_or((0, 0, 0), |parameters| {
            (parameters.bias.len(), parameters.multipliers.len(), parameters.weights.len())
        });
        ensure!(
            found == (outputs, outputs, weights),
            "a {} layer of {outputs} outputs and {weights} weights got {found:?} (biases, multipliers, weights)",
            layer.operator(),
        );
        self.parameters.extend(parameters);
        Ok(())
    }

    /// Shapes, zero points, offsets.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Of each layer with weights, in order.
    pub fn parameters(&self) -> &[LayerParameters] {
        &self.parameters
    }
}
