//! What a number of runs says of one.

use serde::{Deserialize, Serialize};

/// What one run of the network takes on a chip.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Half of the runs took no more cycles.
    pub median_cycles: u32,
    /// 99 of 100 runs took no more cycles.
    pub p99_cycles: u32,
    /// The median at the board's clock.
    pub median_ms: f64,
    /// The same of 99 of 100.
    pub p99_ms: f64,
    /// Of the median.
    pub cycles_per_mac: f64,
}

impl Latency {
    /// Of so many runs; `None` where the core has no counter, whose cycles are all 0.
    pub fn of(mut cycles: Vec<u32>, clock_hz: u32, macs: u64) -> Option<Self> {
        cycles.sort_unstable();
        // The smallest that so large a share does not exceed.
        let at_share = |percent: usize| cycles.get((cycles.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        let (median_cycles, p99_cycles) = (at_share(50)?, at_share(99)?);
        let milliseconds = |cycles: u32| f64::from(cycles) / f64::from(clock_hz) * 1e3;
        (median_cycles > 0).then(|| Self {
            median_cycles,
            p99_cycles,
            median_ms: milliseconds(median_cycles),
            p99_ms: milliseconds(p99_cycles),
            cycles_per_mac: f64::from(median_cycles) / macs.max(1) as f64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latency_is_of_the_middle_and_the_slowest_but_one_percent() {
        let latency = Latency::of((1..=200).rev().collect(), 1_000, 50).expect("a counter");
        assert_eq!((latency.median_cycles, latency.p99_cycles), (100, 198));
        assert_eq!((latency.median_ms, latency.p99_ms, latency.cycles_per_mac), (100.0, 198.0, 2.0));
        assert_eq!(Latency::of(vec![0; 3], 1_000, 50), None);
        assert_eq!(Latency::of(Vec::new(), 1_000, 50), None);
    }
}
