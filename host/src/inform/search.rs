//! The greedy search: exact, though it evaluates few candidates exactly.

use rayon::prelude::*;

use super::bound::TangentPlane;
use super::gram::GramMatrix;
use super::label::Label;
use super::packed::PackedLower;
use super::ranking::Proof;
use super::renyi::RenyiEntropy;
use super::spectrum::Spectrum;

/// Information closer than this, in nats, is a tie; the lower index wins it.
pub(super) const TIE: f64 = 1e-9;

/// How far rounding may push a bound under the value that it bounds, in nats; a generous figure.
const BOUND_SLACK: f64 = 1e-9;

/// A filter and what S tells with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evaluated {
    pub(super) channel: usize,
    /// S(S u {j}), in nats.
    pub(super) joint: f64,
    /// I(Y; S u {j}), in nats.
    pub(super) information: f64,
}

/// A filter whose S(P o K_j) is only bounded so far.
struct Candidate {
    channel: usize,
    with_label: f64,
    information_at_most: f64,
}

/// Z and S as the product P of their kernels, R as a list and as the sum of its kernels.
pub(super) struct Search<'a> {
    grams: &'a [GramMatrix],
    label: &'a Label,
    entropy: RenyiEntropy,
    label_entropy: f64,
    exhaustive: bool,
    product: GramMatrix,
    remaining: Vec<usize>,
    remaining_sum: PackedLower,
    proof: Proof,
}

impl<'a> Search<'a> {
    /// P = `base`, the product of the kernels of Z; S = {}, R = all. All samples are sorted by class.
    pub(super) fn new(
        grams: &'a [GramMatrix],
        label: &'a Label,
        entropy: RenyiEntropy,
        base: GramMatrix,
        exhaustive: bool,
    ) -> Self {
        let samples = base.samples();
        let mut remaining_sum = PackedLower::filled(samples, 0.0);
        grams.iter().for_each(|gram| remaining_sum.add_scaled(1.0, gram.packed()));
        Self {
            grams,
            label,
            entropy,
            label_entropy: label.entropy(entropy),
            exhaustive,
            product: base,
            remaining: (0..grams.len()).collect(),
            remaining_sum,
            proof: Proof::default(),
        }
    }

    /// What P tells now, as if of a channel that adds nothing.
    pub(super) fn start(&self) -> Evaluated {
        let (nothing, mut room) = (GramMatrix::ones(self.product.samples()), self.room());
        let joint = self.entropy.joint(&self.product, &nothing, &mut room);
        let with_label = self.label.joint(self.entropy, &self.product, &nothing, &mut room);
        Evaluated { channel: usize::MAX, joint, information: self.label_entropy + joint - with_label }
    }

    /// What was skipped so far, and by how much.
    pub(super) fn proof(&self) -> Proof {
        self.proof
    }

    /// Moves the best filter from R to S; none once R is empty.
    pub(super) fn take_best(&mut self, on_evaluated: &(dyn Fn(u64) + Sync)) -> Option<Evaluated> {
        let best = self.best(on_evaluated)?;
        let gram = &self.grams[best.channel];
        self.product.join(gram);
        self.remaining_sum.add_scaled(-1.0, gram.packed());
        self.remaining.retain(|&channel| channel != best.channel);
        Some(best)
    }

    /// The filter of the highest information; of those within `TIE` of it, the lowest index.
    ///
    /// Filters are evaluated from the highest bound down, until no bound left reaches a tie with the best.
    fn best(&mut self, on_evaluated: &(dyn Fn(u64) + Sync)) -> Option<Evaluated> {
        let mut candidates = self.candidates();
        candidates.sort_by(|a, b| b.information_at_most.total_cmp(&a.information_at_most));
        let mut evaluated: Vec<Evaluated> = Vec::new();
        let mut highest = f64::NEG_INFINITY;
        for batch in candidates.chunks(rayon::current_num_threads()) {
            if batch[0].information_at_most + BOUND_SLACK < highest - TIE {
                break;
            }
            evaluated.par_extend(batch.par_iter().map_init(|| self.room(), |room, c| self.evaluate(c, room)));
            highest = evaluated.iter().fold(highest, |highest, candidate| highest.max(candidate.information));
            on_evaluated(batch.len() as u64);
        }
        let skipped = &candidates[evaluated.len()..];
        on_evaluated(skipped.len() as u64);
        self.proof.note(evaluated.len(), skipped.len(), skipped.first().map(|next| highest - next.information_at_most));
        let tied = evaluated.into_iter().filter(|candidate| candidate.information >= highest - TIE);
        tied.min_by_key(|candidate| candidate.channel)
    }

    /// S(P o K_j o K_Y) of each filter of R, and from it and the tangent plane the most that it may tell.
    fn candidates(&self) -> Vec<Candidate> {
        let with_label = |room: &mut Spectrum, &channel: &usize| {
            self.label.joint(self.entropy, &self.product, &self.grams[channel], room)
        };
        let with_labels = || self.remaining.par_iter().map_init(|| self.room(), with_label).collect::<Vec<f64>>();
        let (plane, with_labels) = rayon::join(|| self.tangent_plane(), with_labels);
        let candidate = |(&channel, &with_label): (&usize, &f64)| {
            let joint_at_most = |plane: &TangentPlane| plane.entropy_at_most(&self.grams[channel]);
            let joint_at_most = plane.as_ref().map_or(f64::INFINITY, joint_at_most);
            Candidate { channel, with_label, information_at_most: self.label_entropy + joint_at_most - with_label }
        };
        self.remaining.par_iter().zip(&with_labels).map(candidate).collect()
    }

    /// The tangent at the mean of what the filters of R would make of P; none where exact entropies are cheaper.
    fn tangent_plane(&self) -> Option<TangentPlane> {
        if self.exhaustive || self.entropy.needs_no_spectrum() || self.remaining.is_empty() {
            return None;
        }
        let mut mean = PackedLower::filled(self.product.samples(), 0.0);
        mean.add_scaled(1.0 / self.remaining.len() as f64, &self.remaining_sum);
        TangentPlane::new(self.entropy, &self.product, &mean)
    }

    fn evaluate(&self, candidate: &Candidate, room: &mut Spectrum) -> Evaluated {
        let joint = self.entropy.joint(&self.product, &self.grams[candidate.channel], room);
        let information = self.label_entropy + joint - candidate.with_label;
        Evaluated { channel: candidate.channel, joint, information }
    }

    fn room(&self) -> Spectrum {
        Spectrum::new(self.product.samples())
    }
}
