//! Another program's way from pixels to numbers, as ours and the first layer's weights.
//!
//! Theirs is x = (p / 255 - mean) / std, for each channel; ours x' = (p - m) / d with one whole number m and one d. So
//! x = x' d / (255 std) + (m - 255 mean) / (255 std): the factor goes into the first layer's weights, the constant, summed
//! over its taps, into the layer's shift. That is exact everywhere but where a convolution's padding is part of the sum:
//! theirs is a pixel of 255 mean, ours one of m.

use anyhow::{Result, ensure};

use crate::failure::Failure;
use crate::network::{Layer, Network, Normalization};

/// What PyTorch's `ToTensor` and `Normalize(mean, std)` do, one number for each channel or one for all.
#[derive(Debug, Clone, PartialEq)]
pub struct TheirInput {
    /// In shares of 255.
    pub mean: Vec<f32>,
    /// In shares of 255.
    pub std: Vec<f32>,
}

impl TheirInput {
    /// Checks the numbers.
    ///
    /// # Errors
    /// A mean outside 0 to 1, or a deviation that is not above 0.
    pub fn check(&self) -> Result<()> {
        let usage = |text: String| Err(Failure::Usage(text).into());
        if let Some(mean) = self.mean.iter().find(|mean| !(0.0..=1.0).contains(*mean)) {
            return usage(format!(
                "--mean {mean} is not from 0 to 1: give it for pixels of 0 to 1, as `Normalize` takes it"
            ));
        }
        match self.std.iter().find(|std| !(std.is_finite() && **std > 0.0)) {
            Some(std) => {
                usage(format!("--std {std} is not above 0: give it for pixels of 0 to 1, as `Normalize` takes it"))
            }
            None => Ok(()),
        }
    }

    /// Mean and deviation of each channel, in pixel steps.
    fn steps(&self, channels: usize) -> Result<Vec<(f64, f64)>> {
        let spread = |numbers: &[f32], what: &str| {
            ensure!(
                [1, channels].contains(&numbers.len()),
                "--{what} has {} numbers, the images {channels} channels: give one for each, or one for all",
                numbers.len()
            );
            Ok((0..channels).map(|channel| 255.0 * f64::from(numbers[channel % numbers.len()])).collect::<Vec<_>>())
        };
        Ok(spread(&self.mean, "mean")?.into_iter().zip(spread(&self.std, "std")?).collect())
    }

    /// The normalization nearest to this one.
    ///
    /// # Errors
    /// Neither one number nor one for each channel.
    pub(super) fn ours(&self, channels: usize) -> Result<Normalization> {
        let steps = self.steps(channels)?;
        let (means, deviations): (Vec<f64>, Vec<f64>) = steps.into_iter().unzip();
        let average = |numbers: &[f64]| numbers.iter().sum::<f64>() / numbers.len() as f64;
        Ok(Normalization { mean: average(&means).round() as u8, deviation: average(&deviations) as f32 })
    }

    /// Makes a network that expects this input expect its own normalization instead. Gives the largest distance between
    /// the two paddings, in pixel steps. Errors as `ours`.
    pub(super) fn absorb(&self, network: &mut Network) -> Result<f64> {
        let (mean, deviation) = (f64::from(network.normalization.mean), f64::from(network.normalization.deviation));
        let steps = self.steps(network.input.channels)?;
        let factors: Vec<(f64, f64)> =
            steps.iter().map(|(their_mean, their)| (deviation / their, (mean - their_mean) / their)).collect();
        match network.layers.iter_mut().find(|layer| !matches!(layer, Layer::Pool)) {
            Some(Layer::Conv(conv)) => {
                let shifts = scale(&mut conv.weight_oihw, conv.outputs, &factors);
                conv.norm.mean.iter_mut().zip(shifts).for_each(|(mean, shift)| *mean -= shift as f32);
            }
            Some(Layer::Hidden(hidden)) => {
                let shifts = scale(&mut hidden.weight_oi, hidden.outputs, &factors);
                hidden.norm.mean.iter_mut().zip(shifts).for_each(|(mean, shift)| *mean -= shift as f32);
            }
            Some(Layer::Classifier(last)) => {
                let shifts = scale(&mut last.weight_oi, last.outputs, &factors);
                last.bias.iter_mut().zip(shifts).for_each(|(bias, shift)| *bias += shift as f32);
            }
            Some(Layer::Pool) | None => {}
        }
        Ok(steps.iter().map(|(their_mean, _)| (mean - their_mean).abs()).fold(0.0, f64::max))
    }
}

/// Multiplies the weights `[output][channel][position]` by their channel's factor; gives each output's sum of the old
/// weights times their channel's constant.
fn scale(weights: &mut [f32], outputs: usize, factors: &[(f64, f64)]) -> Vec<f64> {
    let per_output = weights.len() / outputs;
    let positions = per_output / factors.len();
    let mut row = |row: &mut [f32]| {
        let channels = row.chunks_exact_mut(positions).zip(factors);
        let shifts = channels.map(|(weights, (factor, constant))| {
            let sum: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
            weights.iter_mut().for_each(|weight| *weight = (f64::from(*weight) * factor) as f32);
            sum * constant
        });
        shifts.sum()
    };
    weights.chunks_exact_mut(per_output).map(&mut row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Images, Shape};
    use crate::network::evaluate;

    const SHAPE: Shape = Shape { height: 4, width: 4, channels: 3 };

    /// Where no convolution pads, another mean and deviation are exact.
    #[test]
    fn without_padding_the_network_is_the_same_by_any_normalization() {
        let images =
            Images { shape: SHAPE, pixels: (0..96).map(|at| (at * 89 % 256) as u8).collect(), labels: vec![0; 2] };
        for arch in ["F5", "P,F5", "P"] {
            let theirs = Normalization { mean: 10, deviation: 60.0 };
            let mut network =
                Network::random(arch.parse().expect("an architecture"), SHAPE, 3, theirs, 1).expect("fits");
            let expected = evaluate::logits(&network, &images).expect("runs");
            network.normalization = Normalization { mean: 37, deviation: 44.0 };
            let input = TheirInput { mean: vec![10.0 / 255.0], std: vec![60.0 / 255.0; 3] };
            let distance = input.absorb(&mut network).expect("fits");
            assert!((distance - 27.0).abs() < 1e-4, "{distance}");
            for (found, expected) in evaluate::logits(&network, &images).expect("runs").iter().zip(expected) {
                assert!((found - expected).abs() < 1e-3, "{arch}: {found}, expected {expected}");
            }
        }
    }

    #[test]
    fn the_nearest_normalization_is_that_of_the_channels_mean() {
        let input = TheirInput { mean: vec![0.485, 0.456, 0.406], std: vec![0.229, 0.224, 0.225] };
        let Normalization { mean, deviation } = input.ours(3).expect("fits");
        assert_eq!((mean, deviation), (114, 57.63));
    }
}
