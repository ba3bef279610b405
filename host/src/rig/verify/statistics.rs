//! What a number of images says of all, and a number of runs of one.

use serde::{Deserialize, Serialize};

/// The standard normal distribution's 97.5 % quantile.
const Z: f64 = 1.959_963_984_540_054;

/// The 95 % interval of a share, `right` of `of` having been seen: Wilson 1927.
/// (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n)
pub fn interval(share: f64, of: usize) -> (f64, f64) {
    if of == 0 {
        return (0.0, 1.0);
    }
    let n = of as f64;
    let (middle, scale) = (share + Z * Z / (2.0 * n), 1.0 + Z * Z / n);
    let reach = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    (((middle - reach) / scale).max(0.0), ((middle + reach) / scale).min(1.0))
}

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

    /// Against figures computed by hand from the formula.
    #[test]
    fn intervals_are_wilsons() {
        for (share, of, low, high) in [(0.9, 10, 0.595_850, 0.982_124), (0.5, 100, 0.403_832, 0.596_168)] {
            let found = interval(share, of);
            assert!((found.0 - low).abs() < 1e-5 && (found.1 - high).abs() < 1e-5, "{found:?}");
        }
        assert_eq!(interval(1.0, 0), (0.0, 1.0));
        let (low, high) = interval(1.0, 200);
        assert!((low - 0.981_154).abs() < 1e-5 && high == 1.0, "{low} {high}");
    }

    #[test]
    fn latency_is_of_the_middle_and_the_slowest_but_one_percent() {
        let latency = Latency::of((1..=200).rev().collect(), 1_000, 50).expect("a counter");
        assert_eq!((latency.median_cycles, latency.p99_cycles), (100, 198));
        assert_eq!((latency.median_ms, latency.p99_ms, latency.cycles_per_mac), (100.0, 198.0, 2.0));
        assert_eq!(Latency::of(vec![0; 3], 1_000, 50), None);
        assert_eq!(Latency::of(Vec::new(), 1_000, 50), None);
    }
}
