//! How far activations reach: the range that each layer's 256 steps cover, observed on training images.

use anyhow::Result;

use crate::data::Images;
use crate::network::{Network, taps};

/// How a layer's range is chosen from what was observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observer {
    /// Up to the largest value.
    MinMax,
    /// Up to the value that 99.99 % do not exceed.
    Percentile,
    /// Up to the value with the least mean square error, rounding and clipping together.
    MeanSquareError,
}

impl Observer {
    /// All of them, the simplest first: of equals the first is taken.
    pub const ALL: [Self; 3] = [Self::MinMax, Self::Percentile, Self::MeanSquareError];

    /// As the report has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::MinMax => "min-max",
            Self::Percentile => "percentile",
            Self::MeanSquareError => "mean square error",
        }
    }
}

/// The share of values that [`Observer::Percentile`] covers.
const COVERED: f64 = 0.9999;
/// Bins of a layer's histogram, from 0 to its largest value.
const BINS: usize = 4096;
/// Ranges that [`Observer::MeanSquareError`] tries.
const CANDIDATES: usize = 128;

/// What was observed of a network.
pub struct Observations {
    /// One per prunable layer.
    layers: Vec<Histogram>,
    /// The least and the largest logit.
    logits: (f32, f32),
}

/// The ranges that a network is quantised with.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranges {
    /// The upper end of each prunable layer's output, whose lower end is ReLU's 0.
    pub layers: Vec<f64>,
    /// Both ends of the logits.
    pub logits: (f64, f64),
}

/// Runs the float network on images, twice: for the largest values, then for the histograms.
///
/// # Errors
/// Those of the network.
pub fn observe(network: &Network, images: &Images) -> Result<Observations> {
    let mut largest = vec![f32::MIN_POSITIVE; network.prunable().len()];
    let mut logits = (0.0_f32, f32::MIN_POSITIVE);
    taps::observe(network, images, |taps, batch_logits| {
        for (largest, tap) in largest.iter_mut().zip(&taps) {
            *largest = tap.values.iter().copied().fold(*largest, f32::max);
        }
        logits = batch_logits.iter().fold(logits, |(low, high), logit| (low.min(*logit), high.max(*logit)));
        Ok(())
    })?;
    let mut layers: Vec<Histogram> = largest.into_iter().map(Histogram::new).collect();
    taps::observe(network, images, |taps, _| {
        for (layer, tap) in layers.iter_mut().zip(&taps) {
            tap.values.iter().for_each(|value| layer.count(*value));
        }
        Ok(())
    })?;
    Ok(Observations { layers, logits })
}

impl Observations {
    /// The ranges that an observer chooses.
    pub fn ranges(&self, observer: Observer) -> Ranges {
        let (low, high) = self.logits;
        Ranges {
            layers: self.layers.iter().map(|layer| layer.range(observer)).collect(),
            logits: (f64::from(low), f64::from(high)),
        }
    }
}

/// The values of one layer's output, all of them at least 0.
struct Histogram {
    largest: f32,
    bins: Vec<u64>,
}

impl Histogram {
    fn new(largest: f32) -> Self {
        Self { largest, bins: vec![0; BINS] }
    }

    fn count(&mut self, value: f32) {
        let bin = (value / self.largest * BINS as f32) as usize;
        self.bins[bin.min(BINS - 1)] += 1;
    }

    /// The value in the middle of a bin.
    fn middle(&self, bin: usize) -> f64 {
        (bin as f64 + 0.5) / BINS as f64 * f64::from(self.largest)
    }

    fn range(&self, observer: Observer) -> f64 {
        match observer {
            Observer::MinMax => f64::from(self.largest),
            Observer::Percentile => self.percentile(),
            Observer::MeanSquareError => self.least_error(),
        }
    }

    fn percentile(&self) -> f64 {
        let wanted = COVERED * self.bins.iter().sum::<u64>() as f64;
        let mut seen = 0;
        let bin = self.bins.iter().position(|count| {
            seen += count;
            seen as f64 >= wanted
        });
        bin.map_or(f64::from(self.largest), |bin| (bin as f64 + 1.0) / BINS as f64 * f64::from(self.largest))
    }

    fn least_error(&self) -> f64 {
        let candidates = (1..=CANDIDATES).map(|part| part as f64 / CANDIDATES as f64 * f64::from(self.largest));
        let error = |range: &f64| self.square_error(*range);
        candidates.min_by(|a, b| error(a).total_cmp(&error(b))).unwrap_or(f64::from(self.largest))
    }

    /// The sum of squared errors where 255 steps cover 0..=range: a twelfth of a step's square within, the distance beyond.
    fn square_error(&self, range: f64) -> f64 {
        let rounding = (range / 255.0).powi(2) / 12.0;
        let bins = self.bins.iter().enumerate();
        let error = |bin| rounding.max((self.middle(bin) - range).max(0.0).powi(2));
        // Exact zeros, ReLU's most frequent output, have no error in any range: the first bin is left out.
        bins.skip(1).map(|(bin, count)| *count as f64 * error(bin)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The least n r² / (12 · 255²) + (L - r)² over r, for n values far below one outlier L, is at
    /// r = L / (1 + n / (12 · 255²)).
    #[test]
    fn an_outlier_moves_the_largest_value_most() {
        let mut histogram = Histogram::new(100.0);
        (0..100_000).for_each(|index| histogram.count(index as f32 / 100_000.0));
        histogram.count(100.0);
        assert_eq!(histogram.range(Observer::MinMax), 100.0);
        assert!(histogram.range(Observer::Percentile) < 1.1);
        let least = 100.0 / (1.0 + 1e5 / (12.0 * 255.0 * 255.0));
        assert!((histogram.range(Observer::MeanSquareError) - least).abs() < 1.0);
    }
}
