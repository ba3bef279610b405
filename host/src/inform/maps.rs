//! What a layer answers to a set of images, or adds to the logits there: the input of every estimate here.

use anyhow::{Result, ensure};

/// The feature maps of one layer after its ReLU, laid out `[channel][sample][position]`.
///
/// A hidden unit of a fully connected layer is a channel of one position; whatever else is known of a channel and an image may have
/// positions too. All values are finite.
#[derive(Clone, Debug)]
pub struct Maps {
    samples: usize,
    channels: usize,
    positions: usize,
    values: Vec<f32>,
}

impl Maps {
    /// Checks the shape (at least two samples, one channel, one position) and that every value is finite.
    pub fn new(samples: usize, channels: usize, positions: usize, values: Vec<f32>) -> Result<Self> {
        ensure!(samples >= 2, "{samples} samples say nothing about a layer: give at least two images");
        ensure!(channels > 0 && positions > 0, "maps of {channels} channels of {positions} positions are empty");
        let expected = channels * samples * positions;
        ensure!(
            values.len() == expected,
            "{} values given, {channels} channels x {samples} samples x {positions} positions need {expected}",
            values.len()
        );
        let per_channel = samples * positions;
        let broken = values.iter().position(|value| !value.is_finite());
        if let Some(index) = broken {
            anyhow::bail!(
                "channel {} answers sample {} with {}: the network diverged, train it again or use other weights",
                index / per_channel,
                index % per_channel / positions,
                values[index]
            );
        }
        Ok(Self { samples, channels, positions, values })
    }

    /// Each channel's values in both, those of `self` first: what it tells by the one or the other. Either side is over the
    /// root of its total variance, the mean over the channels, so that as much lies between two images in both.
    ///
    /// # Errors
    /// Other samples or channels.
    pub fn beside(&self, other: &Self) -> Result<Self> {
        let shape = |maps: &Self| (maps.channels, maps.samples);
        ensure!(shape(self) == shape(other), "{:?} channels and samples beside {:?}", shape(self), shape(other));
        let sides = [(self, self.spread()), (other, other.spread())];
        let one = |at: usize| {
            let side = move |(maps, spread): (&Self, f64)| {
                let values = maps.values[at * maps.positions..][..maps.positions].iter();
                values.map(|value| (f64::from(*value) / spread) as f32).collect::<Vec<_>>()
            };
            sides.into_iter().flat_map(side)
        };
        let values = (0..self.channels * self.samples).flat_map(one).collect();
        Self::new(self.samples, self.channels, self.positions + other.positions, values)
    }

    /// The root of the sum over positions of the variance over samples, its mean over the channels; 1 where nothing varies.
    fn spread(&self) -> f64 {
        let variance = |channel: usize| {
            let mut sums = vec![[0.0_f64; 2]; self.positions];
            for map in self.channel(channel).chunks_exact(self.positions) {
                for ([sum, squares], value) in sums.iter_mut().zip(map) {
                    *sum += f64::from(*value);
                    *squares += f64::from(*value).powi(2);
                }
            }
            let count = self.samples as f64;
            sums.iter().map(|[sum, squares]| (squares / count - (sum / count).powi(2)).max(0.0)).sum::<f64>()
        };
        let spread = ((0..self.channels).map(variance).sum::<f64>() / self.channels as f64).sqrt();
        if spread > 0.0 { spread } else { 1.0 }
    }

    /// The number of images.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The number of filters, or of hidden units.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Height times width of one map.
    pub fn positions(&self) -> usize {
        self.positions
    }

    /// One channel's maps, `[sample][position]`.
    pub fn channel(&self, channel: usize) -> &[f32] {
        let length = self.samples * self.positions;
        &self.values[channel * length..][..length]
    }
}

#[cfg(test)]
mod tests {
    use super::Maps;

    fn refusal(samples: usize, channels: usize, positions: usize, values: Vec<f32>) -> String {
        Maps::new(samples, channels, positions, values).expect_err("refused").to_string()
    }

    #[test]
    fn a_value_that_is_not_finite_is_refused_by_channel() {
        let mut values = vec![0.5; 3 * 4 * 2];
        values[2 * 8 + 5] = f32::NAN;
        assert!(refusal(4, 3, 2, values.clone()).starts_with("channel 2 answers sample 2 with NaN"));
        values[3] = f32::INFINITY;
        assert!(refusal(4, 3, 2, values).starts_with("channel 0 answers sample 1 with inf"));
    }

    #[test]
    fn a_wrong_shape_is_refused() {
        assert!(refusal(1, 1, 1, vec![0.0]).contains("at least two"));
        assert!(refusal(2, 0, 1, vec![]).contains("empty"));
        assert!(refusal(2, 3, 4, vec![0.0; 23]).contains("need 24"));
    }

    #[test]
    fn beside_each_other_both_sides_are_as_far_apart() {
        // Variances: of the one 1 and 0 in all, mean 1/2; of the other 16 in both channels.
        let one = Maps::new(2, 2, 1, vec![1.0, 3.0, 5.0, 5.0]).expect("maps");
        let other = Maps::new(2, 2, 2, vec![0.0, 7.0, 8.0, 7.0, 3.0, 0.0, 3.0, 8.0]).expect("maps");
        let both = one.beside(&other).expect("alike");
        let half = 0.5_f32.sqrt();
        let expected = [[1.0 / half, 0.0, 1.75, 3.0 / half, 2.0, 1.75], [5.0 / half, 0.75, 0.0, 5.0 / half, 0.75, 2.0]];
        assert_eq!((both.samples(), both.channels(), both.positions()), (2, 2, 3));
        for (channel, expected) in expected.iter().enumerate() {
            let close = |(got, want): (&f32, &f32)| (got - want).abs() < 1e-6;
            assert!(both.channel(channel).iter().zip(expected).all(close), "{both:?}");
        }
    }

    #[test]
    fn what_never_varies_stays_beside_the_other() {
        let (silent, other) = (Maps::new(2, 1, 1, vec![0.0; 2]), Maps::new(2, 1, 1, vec![0.0, 4.0]));
        let (silent, other) = (silent.expect("maps"), other.expect("maps"));
        assert_eq!(silent.beside(&other).expect("alike").channel(0), [0.0, 0.0, 0.0, 2.0]);
        assert!(silent.beside(&Maps::new(2, 2, 1, vec![0.0; 4]).expect("maps")).is_err());
    }
}
