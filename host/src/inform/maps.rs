//! What a layer answers to a set of images: the input of every estimate here.

use anyhow::{Result, ensure};

/// The feature maps of one layer after its ReLU, laid out `[channel][sample][position]`.
///
/// A hidden unit of a fully connected layer is a channel of one position. All values are finite.
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
}
