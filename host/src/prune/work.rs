//! How long a network computes: a bound beside its bytes.

use anyhow::Result;
use secateur_boards::BoardSpec;
use secateur_shared::layer::{Layer, Step, Table};

use super::budget::GRAIN;
use crate::failure::Failure;

/// What the engine's operators cost, in cycles.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Costs {
    /// Of one multiply-accumulate of a convolution.
    conv2d_mac: f64,
    /// Of one input under one window of a convolution.
    conv2d_input: f64,
    /// Of one pixel of a convolution's output, before it is pooled.
    conv2d_pixel: f64,
    /// Of one output of a convolution, beside its multiply-accumulates.
    conv2d_output: f64,
    /// The same where it is pooled, before that.
    conv2d_pooled: f64,
    /// Neighbouring pixels that a convolution computes at once: a row is rounded up to them.
    conv2d_pixels: u32,
    /// Of one multiply-accumulate of a fully connected layer.
    linear_mac: f64,
    /// Of one output of a fully connected layer, beside its multiply-accumulates.
    linear_output: f64,
    /// Of one output of a pool that is no convolution's.
    pool_output: f64,
}

/// Cycles of the fast kernels on Cortex-M4 (profile `firmware`), by ARM's timing tables at zero wait states over
/// instructions counted in QEMU (which is within 7 % on published silicon): six networks of 8 to 64 filters a layer to 2 %
/// (`tests/tests/latency.rs` holds three of them to that). A network whose widths are all odd takes 10 % more, one whose widths
/// are even and no multiples of four 2 %.
const CORTEX_M4: Costs = Costs {
    conv2d_mac: 1.122,
    conv2d_input: 2.52,
    conv2d_pixel: 170.0,
    conv2d_output: 17.3,
    conv2d_pooled: 14.4,
    conv2d_pixels: 4,
    linear_mac: 1.78,
    linear_output: 198.0,
    pool_output: 90.0,
};

/// The same on Cortex-M0+ with a multiplier of one cycle, as rp2040js counts: six networks to 1 %, one of odd widths 5 % more.
const CORTEX_M0_PLUS: Costs = Costs {
    conv2d_mac: 3.158,
    conv2d_input: 5.72,
    conv2d_pixel: 287.0,
    conv2d_output: 62.3,
    conv2d_pooled: 39.3,
    conv2d_pixels: 2,
    linear_mac: 5.31,
    linear_output: 286.0,
    pool_output: 133.0,
};

/// What is counted of a layer.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Count {
    /// Its multiply-accumulates.
    Macs,
    /// Its cycles.
    Cycles(Costs),
}

/// A bound on what one image costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    count: Count,
    limit: f64,
    /// Widths are multiples of this: what a chip computes in one go. Of multiply-accumulates each counts.
    pub(super) grain: usize,
}

impl Work {
    /// At most so many multiply-accumulates.
    pub fn macs(limit: u64) -> Self {
        Self { count: Count::Macs, limit: limit as f64, grain: 1 }
    }

    /// At most so many milliseconds an image on a board, as estimated from its clock and its core's cycles.
    ///
    /// # Errors
    /// [`Failure::Usage`] for a time of nothing, or a core without a table.
    pub fn latency(board: &BoardSpec, milliseconds: f64) -> Result<Self> {
        let refuse = |why: String| Err(Failure::Usage(why).into());
        if !(milliseconds > 0.0 && milliseconds.is_finite()) {
            return refuse(format!("--latency {milliseconds}: give milliseconds above 0"));
        }
        let costs = match &*board.target {
            target if target.starts_with("thumbv7em") => CORTEX_M4,
            target if target.starts_with("thumbv6m") => CORTEX_M0_PLUS,
            _ => return refuse(format!("there is no table of cycles for {}'s core: leave --latency out", board.name)),
        };
        let limit = milliseconds / 1e3 * f64::from(board.clock_hz);
        Ok(Self { count: Count::Cycles(costs), limit, grain: GRAIN })
    }

    /// Why the narrowest network, which has these layers, is over the bound; `None` where it is not.
    pub(super) fn unreachable(&self, least: &Table) -> Result<Option<String>> {
        let share = 1.0 + self.excess(least)?;
        let advice = "raise --latency, or take a network with fewer layers";
        Ok((share > 1.0).then(|| {
            format!("one filter per layer takes an estimated {share:.2} times the --latency asked for: {advice}")
        }))
    }

    /// How far a network of these layers is over the bound, as a share of it; 0 where it fits.
    pub(super) fn excess(&self, table: &Table) -> Result<f64> {
        Ok((self.of(table)? - self.limit).max(0.0) / self.limit)
    }

    /// What is estimated of a network of these layers, in cycles or in what [`Work::macs`] counts.
    ///
    /// # Errors
    /// Where the layers do not fit each other.
    pub fn of(&self, table: &Table) -> Result<f64> {
        let of = |step: &Step| match self.count {
            Count::Macs => step.macs() as f64,
            Count::Cycles(costs) => costs.of(step),
        };
        table.steps().map(|step| Ok(of(&step?))).sum()
    }
}

impl Costs {
    fn of(&self, step: &Step) -> f64 {
        let (macs, outputs) = (step.macs() as f64, step.output.shape.bytes().map_or(0.0, f64::from));
        match step.layer() {
            Layer::Conv2d(conv) => {
                let (side, output) = if conv.is_pooled { (2, self.conv2d_pooled) } else { (1, self.conv2d_output) };
                let columns = (side * u32::from(step.output.shape.width)).next_multiple_of(self.conv2d_pixels);
                let pixels = f64::from(side * u32::from(step.output.shape.height) * columns);
                let (inputs, outputs) = (f64::from(step.weights_per_output), f64::from(conv.outputs));
                let per_output = self.conv2d_mac * inputs + output;
                pixels * (self.conv2d_pixel + self.conv2d_input * inputs + per_output * outputs)
            }
            Layer::Linear(_) => self.linear_mac * macs + self.linear_output * outputs,
            // Not in a VGG, beside its pools: counted as those.
            _ => self.pool_output * outputs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Shape;
    use crate::quantize::layout;

    #[test]
    fn a_bound_counts_its_excess() {
        let input = Shape { height: 4, width: 4, channels: 1 };
        let table = layout::table(&"2,P".parse().expect("an architecture"), input, 3).expect("fits");
        // 16 * 9 * 2 of the convolution, 4 * 2 * 3 of the classifier.
        assert_eq!(Work::macs(312).excess(&table).expect("sums"), 0.0);
        assert_eq!(Work::macs(156).excess(&table).expect("sums"), 1.0);
        assert!(Work::macs(156).unreachable(&table).expect("sums").is_some_and(|why| why.contains("2.00 times")));
    }
}
