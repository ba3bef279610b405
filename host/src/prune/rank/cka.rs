//! By redundancy: a filter that answers as another does goes before it.

use anyhow::Result;
use rayon::prelude::*;

use super::{Ranking, Subject};
use crate::inform::{Maps, UnitKernel};
use crate::network::taps;
use crate::prune::LayerOrder;

/// Centered kernel alignment between filters, the idea that MPruner (arXiv 2408.13482) has for layers. No label is read.
pub(super) struct Cka;

impl Ranking for Cka {
    fn orders(&self, subject: &Subject) -> Result<Vec<LayerOrder>> {
        let (maps, names) = (taps::maps(subject.network, &subject.images)?, subject.network.layer_names());
        subject.network.prunable().iter().zip(&maps).map(|(&layer, maps)| order(&names[layer], maps)).collect()
    }
}

/// A layer's filters, from the one that leaves last to the one that leaves first.
///
/// Again and again the filter leaves whose highest CKA with another that is still there is the highest of all. The
/// highest, not the mean: a filter with one twin among many strangers costs nothing to take out, and its mean is low;
/// one that is a little like all others is nobody's copy, and its mean is high. Both of a pair have the same highest,
/// so the mean decides between them, then the higher index leaves. Silent filters leave first of all.
///
/// What a filter adds to those that stay after it is 1 less that highest CKA; a prefix keeps its part of the sum.
fn order(name: &str, maps: &Maps) -> Result<LayerOrder> {
    let channels = (0..maps.channels()).into_par_iter();
    let kernels = channels.map(|channel| UnitKernel::of_channel(maps, channel)).collect::<Result<Vec<_>>>()?;
    let likeness = likeness(&kernels);
    let mut present: Vec<usize> = (0..kernels.len()).collect();
    let mut leaving = Vec::new();
    while let Some((filter, adds)) = next_to_leave(&present, &kernels, &likeness) {
        present.retain(|&other| other != filter);
        leaving.push((filter, adds));
    }
    leaving.reverse();
    Ok(LayerOrder {
        name: name.to_owned(),
        order: leaving.iter().map(|(filter, _)| *filter).collect(),
        kept_share: kept_share(leaving.iter().map(|(_, adds)| *adds)),
    })
}

/// CKA of each pair of filters.
fn likeness(kernels: &[UnitKernel]) -> Vec<Vec<f64>> {
    let row = |own: &UnitKernel| kernels.iter().map(|other| own.cka(other)).collect();
    kernels.par_iter().map(row).collect()
}

/// The filter that the others miss least, and what it adds to them.
fn next_to_leave(present: &[usize], kernels: &[UnitKernel], likeness: &[Vec<f64>]) -> Option<(usize, f64)> {
    let rank = |filter: usize| {
        let others = || present.iter().filter(move |other| **other != filter).map(|&other| likeness[filter][other]);
        let highest = others().fold(0.0, f64::max);
        let highest = if kernels[filter].is_silent() { 1.0 } else { highest.min(1.0) };
        (kernels[filter].is_silent(), highest, others().sum::<f64>(), filter)
    };
    let order = |a: &(bool, f64, f64, usize), b: &(bool, f64, f64, usize)| {
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.total_cmp(&b.2)).then(a.3.cmp(&b.3))
    };
    let (_, highest, _, filter) = present.iter().map(|&filter| rank(filter)).max_by(order)?;
    Some((filter, 1.0 - highest))
}

/// Running sums as shares of the whole, from 0 to 1; equal steps where no filter adds anything.
fn kept_share(adds: impl ExactSizeIterator<Item = f64> + Clone) -> Vec<f64> {
    let (filters, whole) = (adds.len(), adds.clone().sum::<f64>());
    let mut sum = 0.0;
    let mut shares = vec![0.0];
    shares.extend(adds.enumerate().map(|(place, adds)| {
        sum += adds;
        if whole > 0.0 { sum / whole } else { (place + 1) as f64 / filters as f64 }
    }));
    shares.last_mut().into_iter().for_each(|last| *last = 1.0);
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Filters 0, 2 and 3 answer each in their own way, 1 never, 4 as 2 does but twice as strongly.
    fn layer() -> Maps {
        let answer = |filter: usize, sample: usize| match filter {
            0 => (sample * 5 % 7) as f32,
            1 => 0.0,
            3 => (sample * sample % 5) as f32,
            _ => (sample * 3 % 11) as f32 * (filter / 2) as f32,
        };
        let values = (0..5).flat_map(|filter| (0..40).map(move |sample| answer(filter, sample))).collect();
        Maps::new(40, 5, 1, values).expect("maps")
    }

    #[test]
    fn silence_leaves_first_and_then_one_of_two_copies() {
        let order = order("conv1", &layer()).expect("ordered");
        assert_eq!(order.order[4], 1);
        assert!([2, 4].contains(&order.order[3]), "{order:?}");
        let shares = &order.kept_share;
        assert!((shares[3] - 1.0).abs() < 1e-9 && shares[2] < 1.0);
        assert!(shares.is_sorted() && shares[0] == 0.0 && shares[5] == 1.0);
    }

    #[test]
    fn a_layer_that_never_answers_keeps_by_number() {
        let order = order("conv1", &Maps::new(8, 3, 2, vec![0.0; 48]).expect("maps")).expect("ordered");
        assert_eq!(order.order, [0, 1, 2]);
        assert_eq!(order.kept_share, [0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0]);
    }
}
