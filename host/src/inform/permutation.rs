//! The permutation test: which filters of an order tell more than chance.

use anyhow::{Result, ensure};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::cmi::layer_grams;
use super::condition::Condition;
use super::gram::GramMatrix;
use super::label::Label;
use super::labels::Classes;
use super::maps::Maps;
use super::ranking::Criterion;
use super::renyi::RenyiEntropy;
use super::search::TIE;
use super::spectrum::Spectrum;

/// Permutations between two looks at the count; fixed, so that a p-value is the same for any number of threads.
const BATCH: usize = 10;

/// How a filter is told from chance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PermutationTest {
    /// The number P of permutations of each filter's samples.
    pub permutations: usize,
    /// A filter whose p-value reaches this is as good as chance.
    pub significance: f64,
    /// Which permutations.
    pub seed: u64,
}

impl Default for PermutationTest {
    fn default() -> Self {
        Self { permutations: 100, significance: 0.05, seed: 1 }
    }
}

/// What the test made of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct Tested {
    /// The filters of the order before the first that failed; all of them where none did.
    pub kept: usize,
    /// The p-value of each filter tested, in the order; that of the one that failed is a lower bound.
    pub p_values: Vec<f64>,
}

impl PermutationTest {
    /// Tests the filters of `order` until one fails. Yu and Principe, arXiv 1811.11971.
    ///
    /// Filter j, next after the t filters S_t, is compared with itself on permuted samples, which answers as strongly
    /// but knows no label: p = #{CMI left by a permutation <= CMI left by j} / P. What is left behind is I(Y; Z, F),
    /// the same for all, less I(Y; Z u S_t u {j}), so a permutation counts where it tells at least as much. Both sides
    /// carry Z, the filters `given`, and the filter that fails is not kept.
    ///
    /// Chance here is that of one filter. A greedy order offers the luckiest of all that are left, so that among many
    /// filters of noise the first may pass.
    ///
    /// # Errors
    /// Labels that are not one per sample, an order of a filter that the maps do not have, a kernel width or an
    /// entropy's order out of range, no permutation.
    pub fn run(
        &self,
        maps: &Maps,
        labels: &[u8],
        criterion: &Criterion,
        order: &[usize],
        given: &[Condition],
    ) -> Result<Tested> {
        let (samples, width) = (maps.samples(), criterion.width);
        ensure!(labels.len() == samples, "{} labels for {samples} samples: give one label an image", labels.len());
        ensure!(width > 0.0 && width.is_finite(), "a kernel of width {width}: give one over 0, as 0.5");
        ensure!(order.iter().all(|&filter| filter < maps.channels()), "an order of another layer: rank this one");
        ensure!(self.permutations > 0, "a test of no permutation tells nothing: give at least 20");
        let (classes, entropy) = (Classes::new(labels)?, RenyiEntropy::new(criterion.alpha)?);
        let grams = layer_grams(maps, &classes, criterion, given.len() + 1).1;
        let product = Condition::product(given, samples, criterion);
        let mut step = Step { product, label: Label::new(criterion.mode, &classes), entropy, taken: 0 };
        let mut tested = Tested { kept: 0, p_values: Vec::new() };
        for &filter in order {
            let p = step.p_value(&grams[filter], self);
            tested.p_values.push(p);
            if p >= self.significance {
                break;
            }
            step.take(&grams[filter]);
            tested.kept += 1;
        }
        Ok(tested)
    }

    /// The places of the samples under one permutation; each step and permutation has a stream of its own.
    fn places(&self, samples: usize, taken: usize, permutation: usize) -> Vec<usize> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream((taken as u64) << 32 | permutation as u64);
        let mut places: Vec<usize> = (0..samples).collect();
        places.shuffle(&mut random);
        places
    }
}

/// Z u S_t as the product of its kernels.
struct Step {
    product: GramMatrix,
    label: Label,
    entropy: RenyiEntropy,
    taken: usize,
}

impl Step {
    fn take(&mut self, gram: &GramMatrix) {
        self.product.join(gram);
        self.taken += 1;
    }

    /// #{I_permuted >= I} / P; no further permutation is tried once that reaches the significance.
    fn p_value(&self, gram: &GramMatrix, test: &PermutationTest) -> f64 {
        let told = self.information(gram, &mut self.room());
        let is_as_good = |room: &mut Spectrum, permutation: usize| {
            let places = test.places(gram.samples(), self.taken, permutation);
            self.information(&gram.permuted(&places), room) >= told - TIE
        };
        let mut as_good = 0;
        let share = |count: usize| count as f64 / test.permutations as f64;
        for from in (0..test.permutations).step_by(BATCH) {
            let batch = (from..test.permutations.min(from + BATCH)).into_par_iter();
            let hits = batch.map_init(|| self.room(), is_as_good).filter(|hit| *hit);
            as_good += hits.count();
            if share(as_good) >= test.significance {
                break;
            }
        }
        share(as_good)
    }

    /// I(Y; Z u S_t u {j}) less S(Y), in nats.
    fn information(&self, gram: &GramMatrix, room: &mut Spectrum) -> f64 {
        let joint = self.entropy.joint(&self.product, gram, room);
        joint - self.label.joint(self.entropy, &self.product, gram, room)
    }

    fn room(&self) -> Spectrum {
        Spectrum::new(self.product.samples())
    }
}
