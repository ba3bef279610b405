//! What a network says about images.

use anyhow::{Result, ensure};

use super::backend;
use super::batch::tensor;
use super::vgg::{Vgg, numbers};
use super::weights::Network;
use crate::data::Images;

/// Images that run at once.
const BATCH: usize = 128;

/// Logits `[image][class]`.
///
/// # Errors
/// Images of another size than the network's.
pub fn logits(network: &Network, images: &Images) -> Result<Vec<f32>> {
    ensure!(
        images.shape == network.input,
        "the images are {}, the network was trained on {}: choose another --data",
        images.shape,
        network.input
    );
    let device = backend::device();
    let vgg = Vgg::new(network, &device)?;
    let mut all = Vec::with_capacity(images.len() * network.classes);
    for from in (0..images.len()).step_by(BATCH) {
        let to = (from + BATCH).min(images.len());
        all.extend(numbers(vgg.forward(tensor(images, from, to, network.normalization, &device)))?);
    }
    Ok(all)
}

/// The share of images whose highest logit is their label's; of equal logits the first counts. Errors as `logits`.
pub fn accuracy(network: &Network, images: &Images) -> Result<f64> {
    let all = logits(network, images)?;
    let right = all
        .chunks_exact(network.classes)
        .zip(&images.labels)
        .filter(|(row, label)| highest(row) == usize::from(**label));
    Ok(right.count() as f64 / images.len().max(1) as f64)
}

/// Softmax of the logits, `[image][class]`. Errors as `logits`.
pub fn answers(network: &Network, images: &Images) -> Result<Vec<f32>> {
    let all = logits(network, images)?;
    Ok(all.chunks_exact(network.classes).flat_map(log_softmax).map(|log| log.exp() as f32).collect())
}

/// KL(p || q) in nats, the mean over images: how far what the network says, q, is from what `logits` say, p. Up to a constant it is
/// the loss of training by another network's answers. Errors as `logits`.
pub fn divergence(network: &Network, images: &Images, logits: &[f32]) -> Result<f64> {
    let own = self::logits(network, images)?;
    let rows = own.chunks_exact(network.classes).zip(logits.chunks_exact(network.classes));
    let sum: f64 = rows
        .map(|(own, other)| {
            let (own, other) = (log_softmax(own), log_softmax(other));
            own.iter().zip(&other).map(|(q, p)| p.exp() * (p - q)).sum::<f64>()
        })
        .sum();
    Ok(sum / images.len().max(1) as f64)
}

/// x - ln sum e^x.
fn log_softmax(logits: &[f32]) -> Vec<f64> {
    let highest = logits.iter().fold(f64::NEG_INFINITY, |most, logit| most.max(f64::from(*logit)));
    let sum: f64 = logits.iter().map(|logit| (f64::from(*logit) - highest).exp()).sum();
    logits.iter().map(|logit| f64::from(*logit) - highest - sum.ln()).collect()
}

/// The place of the highest value, the first of equal ones.
pub fn highest(values: &[f32]) -> usize {
    (1..values.len()).fold(0, |best, at| if values[at] > values[best] { at } else { best })
}

#[cfg(test)]
mod tests {
    use super::log_softmax;

    #[test]
    fn a_log_softmax_is_the_logarithm_of_shares() {
        for shift in [0.0, 500.0, -500.0] {
            let logs = log_softmax(&[shift, shift + 3.0_f32.ln()]);
            assert!((logs[0] - 0.25_f64.ln()).abs() < 1e-4 && (logs[1] - 0.75_f64.ln()).abs() < 1e-4, "{logs:?}");
        }
    }
}
