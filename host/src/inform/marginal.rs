//! What each filter tells on its own.

use anyhow::{Result, ensure};
use rayon::prelude::*;

use super::cmi::layer_grams;
use super::gram::GramMatrix;
use super::label::Label;
use super::labels::Classes;
use super::maps::Maps;
use super::ranking::Criterion;
use super::renyi::RenyiEntropy;
use super::spectrum::Spectrum;

/// I(Y; F_j) = S(Y) + S(F_j) - S(F_j, Y) of every channel, in nats: the relevance that HRel ranks by (Sarvani et al. 2022),
/// under the estimator of [`rank`](super::rank), whose first filter it finds. It sees no copy of another filter.
///
/// `labels` has one class an image. At orders over 1 the estimate may fall under 0 by next to nothing; that is 0 here.
///
/// # Errors
/// Labels of another number than the images; a width or an entropy's order that is none.
pub fn marginal_information(maps: &Maps, labels: &[u8], criterion: &Criterion) -> Result<Vec<f64>> {
    let (samples, width) = (maps.samples(), criterion.width);
    ensure!(labels.len() == samples, "{} labels for {samples} samples: give one label an image", labels.len());
    ensure!(width > 0.0 && width.is_finite(), "a kernel of width {width}: give one over 0, as 0.5");
    let entropy = RenyiEntropy::new(criterion.alpha)?;
    let classes = Classes::new(labels)?;
    let (_, grams) = layer_grams(maps, &classes, criterion, 1);
    let label = Label::new(criterion.mode, &classes);
    let (alone, of_label) = (GramMatrix::ones(samples), label.entropy(entropy));
    let information = |room: &mut Spectrum, gram: &GramMatrix| {
        let with_label = label.joint(entropy, &alone, gram, room);
        (of_label + entropy.joint(&alone, gram, room) - with_label).max(0.0)
    };
    Ok(grams.par_iter().map_init(|| Spectrum::new(samples), information).collect())
}

#[cfg(test)]
mod tests {
    use super::super::rank;
    use super::*;

    #[test]
    fn a_channel_that_is_the_label_tells_it_all_and_a_silent_one_nothing() {
        let labels: Vec<u8> = (0..40).map(|sample| sample % 4).collect();
        let label = labels.iter().map(|&label| 100.0 * f32::from(label));
        let values = label.clone().chain(std::iter::repeat_n(0.0, 40)).chain(label).collect();
        let maps = Maps::new(40, 3, 1, values).expect("maps");
        let criterion = Criterion { width: 0.05, ..Criterion::default() };
        let information = marginal_information(&maps, &labels, &criterion).expect("estimated");
        let expected = [4.0_f64.ln(), 0.0, 4.0_f64.ln()];
        information.iter().zip(expected).for_each(|(got, want)| assert!((got - want).abs() < 1e-9, "{got}, {want}"));
    }

    #[test]
    fn the_highest_is_the_searchs_first() {
        let (maps, labels) = super::super::tests::layer(60, 12, 3, 5);
        let criterion = Criterion::default();
        let information = marginal_information(&maps, &labels, &criterion).expect("estimated");
        let ranking = rank(&maps, &labels, &criterion, &[], &|_| ()).expect("ranked");
        let highest = information.iter().copied().fold(0.0, f64::max);
        assert!((information[ranking.order[0]] - highest).abs() < 1e-9);
        assert!((ranking.information[1] - highest).abs() < 1e-9);
    }
}
