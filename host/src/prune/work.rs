//! How long a network computes: a bound beside its bytes.

use anyhow::Result;
use secateur_boards::BoardSpec;
use secateur_shared::layer::{Layer, Step, Table};

use super::budget::GRAIN;
use crate::failure::Failure;

/// What the engine's operators cost.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Costs {
    /// Of one multiply-accumulate of a convolution.
    conv2d_mac: f64,
    /// Of one output of a convolution, beside its multiply-accumulates.
    conv2d_output: f64,
    /// Of one input under one window of a convolution.
    conv2d_input: f64,
    /// Neighbouring pixels that a convolution computes at once: a row is rounded up to them.
    conv2d_pixels: u32,
    /// Of one multiply-accumulate of a fully connected layer.
    linear_mac: f64,
    /// Of one output of a fully connected layer, beside its multiply-accumulates.
    linear_output: f64,
    /// Of one output of a max pool.
    max_pool2d_output: f64,
}

/// Cycles of the fast kernels on Cortex-M4 (profile `firmware`), by ARM's timing tables at zero wait states over
/// instructions counted in QEMU (which is within 7 % on published silicon): the networks below to 1 %, their convolutions to
/// 7 %, their last layers to 9 %. A multiply-accumulate of a network whose widths are all odd costs 14 % more, of one whose
/// widths are even and no multiples of four 6 %.
const CORTEX_M4: Costs = Costs {
    conv2d_mac: 1.09,
    conv2d_output: 26.3,
    conv2d_input: 2.7,
    conv2d_pixels: 4,
    linear_mac: 1.79,
    linear_output: 179.0,
    max_pool2d_output: 7.0,
};

/// The same on Cortex-M0+ with a multiplier of one cycle, as rp2040js counts: each layer of three pruned networks to 2 %.
const CORTEX_M0_PLUS: Costs = Costs {
    conv2d_mac: 3.16,
    conv2d_output: 95.5,
    conv2d_input: 6.5,
    conv2d_pixels: 2,
    linear_mac: 5.36,
    linear_output: 248.0,
    max_pool2d_output: 21.0,
};

/// A bound on what one image costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    costs: Costs,
    limit: f64,
    /// Widths are multiples of this: what a chip computes in one go. Of multiply-accumulates each counts.
    pub(super) grain: usize,
}

impl Work {
    /// At most so many multiply-accumulates.
    pub fn macs(limit: u64) -> Self {
        Self {
            costs: Costs {
                conv2d_mac: 1.0,
                conv2d_output: 0.0,
                conv2d_input: 0.0,
                conv2d_pixels: 1,
                linear_mac: 1.0,
                linear_output: 0.0,
                max_pool2d_output: 0.0,
            },
            limit: limit as f64,
            grain: 1,
        }
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
        Ok(Self { costs, limit: milliseconds / 1e3 * f64::from(board.clock_hz), grain: GRAIN })
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
        let cost = table.steps().map(|step| Ok(self.costs.of(&step?))).sum::<Result<f64>>()?;
        Ok((cost - self.limit).max(0.0) / self.limit)
    }
}

impl Costs {
    fn of(&self, step: &Step) -> f64 {
        let macs = step.macs() as f64;
        let outputs = step.output.shape.bytes().map_or(0.0, f64::from);
        match step.layer() {
            Layer::Conv2d(conv) => {
                let width = conv.window.output_hw(step.input.shape).map_or(1, |(_, width)| u32::from(width));
                let rounded = f64::from(width.next_multiple_of(self.conv2d_pixels)) / f64::from(width);
                let per_output = self.conv2d_mac * macs + self.conv2d_input * macs / f64::from(conv.outputs);
                let (convolved, pooled) = if conv.is_pooled { (4.0 * outputs, outputs) } else { (outputs, 0.0) };
                rounded * (per_output + self.conv2d_output * convolved) + self.max_pool2d_output * pooled
            }
            Layer::Linear(_) => self.linear_mac * macs + self.linear_output * outputs,
            // Not in a VGG, beside its pools: counted as those.
            _ => self.max_pool2d_output * outputs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Shape;
    use crate::quantize::layout;

    /// Cycles of one image by `cargo xtask bench`, on netduinoplus2 and on pico.
    #[test]
    fn the_tables_give_what_was_counted() {
        let input = Shape { height: 28, width: 28, channels: 1 };
        for (costs, arch, counted) in [
            (CORTEX_M4, "20,20,P,40,40,P,64,56,F152", 15_072_663.0),
            (CORTEX_M4, "20,20,P,40,40,P,56,20,F56", 12_790_955.0),
            (CORTEX_M4, "20,20,P,32,24,P,44,12,F36", 9_314_222.0),
            (CORTEX_M0_PLUS, "20,20,P,40,40,P,64,56,F152", 42_117_652.0),
            (CORTEX_M0_PLUS, "20,20,P,40,40,P,56,20,F52", 35_401_927.0),
            (CORTEX_M0_PLUS, "20,20,P,32,24,P,36,12,F32", 25_576_399.0),
        ] {
            let table = layout::table(&arch.parse().expect("an architecture"), input, 10).expect("fits");
            let given: f64 = table.steps().map(|step| costs.of(&step.expect("fits"))).sum();
            assert!((given / counted - 1.0).abs() < 0.01, "{arch}: {given} of {counted}");
        }
    }

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
