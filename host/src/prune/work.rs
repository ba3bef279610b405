//! How long a network computes: a bound beside its bytes.

use anyhow::Result;
use secateur_shared::layer::{Layer, Step, Table};

/// What the engine's operators cost.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Costs {
    /// Of one multiply-accumulate of a convolution.
    conv2d_mac: f64,
    /// Of one multiply-accumulate of a fully connected layer.
    linear_mac: f64,
    /// Of one output of a max pool.
    max_pool2d_output: f64,
}

/// A bound on what one image costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    costs: Costs,
    limit: f64,
}

impl Work {
    /// At most so many multiply-accumulates.
    pub fn macs(limit: u64) -> Self {
        Self { costs: Costs { conv2d_mac: 1.0, linear_mac: 1.0, max_pool2d_output: 0.0 }, limit: limit as f64 }
    }

    /// Why the narrowest network, which has these layers, is over the bound; `None` where it is not.
    pub(super) fn unreachable(&self, least: &Table) -> Result<Option<String>> {
        let share = 1.0 + self.excess(least)?;
        let advice = "raise --latency, or take a network with fewer layers";
        Ok((share > 1.0)
            .then(|| format!("one filter per layer takes {share:.2} times the latency asked for: {advice}")))
    }

    /// How far a network of these layers is over the bound, as a share of it; 0 where it fits.
    pub(super) fn excess(&self, table: &Table) -> Result<f64> {
        let cost = table.steps().map(|step| Ok(self.costs.of(&step?))).sum::<Result<f64>>()?;
        Ok((cost - self.limit).max(0.0) / self.limit)
    }
}

impl Costs {
    fn of(&self, step: &Step) -> f64 {
        let macs = step.layer.macs(step.input) as f64;
        match step.layer {
            Layer::Conv2d(_) => self.conv2d_mac * macs,
            Layer::Linear(_) => self.linear_mac * macs,
            Layer::MaxPool2d(_) => self.max_pool2d_output * step.output.bytes().map_or(0.0, f64::from),
        }
    }
}
