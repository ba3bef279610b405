//! What a ranking asks for, and what it answers.

use serde::{Deserialize, Serialize};

/// What of a filter the estimate is about, and whose kernels it takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "network", derive(clap::ValueEnum))]
pub enum Mode {
    /// One sigma per layer, taken from the data, and a same-class label kernel. As `contributions` where time is bounded or a plan
    /// cuts even the first layer, as `maps` elsewhere.
    #[default]
    Improved,
    /// The same, of the maps and, beside them, of what each filter adds to the logits.
    Contributions,
    /// The same, of the maps alone.
    Maps,
    /// As published, of the maps: a sigma per channel, 5 n^(-1 / (4 + d)), and a Gaussian kernel over one-hot label columns.
    Faithful,
}

/// How information is estimated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Criterion {
    /// Whose kernels.
    pub mode: Mode,
    /// The entropy's order, over 1.
    pub alpha: f64,
    /// The kernel's sigma, in typical distances of two images in all filters that are kept; see
    /// [`GaussianKernel`](super::GaussianKernel).
    ///
    /// Narrow kernels fill the joint entropy, and rounding then ranks; wide ones hold little against a copy of a filter
    /// already taken, for K o K is the same kernel at sigma / sqrt(2).
    pub width: f64,
    /// How many filters the order is for, the k of sigma; where absent, all of the layer.
    pub kept: Option<usize>,
    /// Evaluate every candidate, those too that provably cannot win.
    pub exhaustive: bool,
}

impl Criterion {
    /// The same, for an order whose first `kept` filters stay.
    pub fn keeping(self, kept: usize) -> Self {
        Self { kept: Some(kept), ..self }
    }

    /// The same, for plans of bounded time: their layers are narrow, so [`Mode::Improved`] is [`Mode::Contributions`].
    pub fn in_bounded_time(self) -> Self {
        let mode = if self.mode == Mode::Improved { Mode::Contributions } else { self.mode };
        Self { mode, ..self }
    }
}

impl Default for Criterion {
    fn default() -> Self {
        Self { mode: Mode::Improved, alpha: 1.01, width: 0.5, kept: None, exhaustive: false }
    }
}

/// The filters of one layer from the most informative to the least, and what each prefix tells.
///
/// F filters give an order of F and curves of F + 1 points: S_t is the set of the first t filters.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct LayerRanking {
    /// The kernel width that all channels of the layer share, in the units of its maps; as published, the first one's.
    pub sigma: f64,
    /// The channels, best first.
    pub order: Vec<usize>,
    /// I(Y; Z u S_t) in nats, t = 0..=F, as estimated: Renyi's order is not quite 1, so it may fall by a little.
    pub information: Vec<f64>,
    /// S(Z u S_t) in nats, t = 0..=F; at most ln n.
    pub joint_entropy: Vec<f64>,
    /// The least t with ln n - S(S_t) under [`SATURATION`], where there is one.
    pub saturated_after: Option<usize>,
    /// Why the order is the exact one.
    pub proof: Proof,
}

/// What shows that no candidate left unevaluated could have been taken.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq)]
pub struct Proof {
    /// Candidates evaluated exactly.
    pub evaluated: u64,
    /// Candidates whose upper bound stayed under the winner.
    pub skipped: u64,
    /// The least distance of a skipped candidate's bound under its step's winner, in nats; `None` where none was skipped.
    pub margin: Option<f64>,
}

impl Proof {
    /// One step's counts, and the distance of the highest bound skipped.
    pub(super) fn note(&mut self, evaluated: usize, skipped: usize, margin: Option<f64>) {
        self.evaluated += evaluated as u64;
        self.skipped += skipped as u64;
        self.margin = [self.margin, margin].into_iter().flatten().reduce(f64::min);
    }
}

/// A joint entropy this close to ln n, in nats, is full.
///
/// All that the other filters may still tell about the label, S(Y, S_t) - S(S_t), is at most ln n - S(S_t): from there
/// on they are ranked by less than a thousandth of a nat, soon by rounding.
pub const SATURATION: f64 = 1e-3;

impl LayerRanking {
    /// No filter taken yet: only Z tells.
    pub(super) fn empty(sigma: f64, information: f64, joint_entropy: f64) -> Self {
        Self {
            sigma,
            order: Vec::new(),
            information: vec![information],
            joint_entropy: vec![joint_entropy],
            saturated_after: None,
            proof: Proof::default(),
        }
    }

    /// c_t = I(Y; R | Z u S_t) = I(Y; Z u F) - I(Y; Z u S_t), t = 0..=F: what the filters not taken yet still tell, in nats.
    pub fn cmi(&self) -> Vec<f64> {
        let whole = self.information.last().copied().unwrap_or(0.0);
        self.information.iter().map(|information| whole - information).collect()
    }

    /// max over s <= t of I(Y; Z u S_s), t = 0..=F: the curve for searches that need more filters never to tell less.
    pub fn monotone_information(&self) -> Vec<f64> {
        let running = |best: &mut f64, &information: &f64| {
            *best = best.max(information);
            Some(*best)
        };
        self.information.iter().scan(0.0, running).collect()
    }

    /// I(Y; S_kept | Z) / I(Y; F | Z) on the monotone curve, so in 0..=1 and never falling; 1 where the layer tells nothing.
    pub fn kept_share(&self, kept: usize) -> f64 {
        let information = self.monotone_information();
        let given = information[0];
        let whole = information.last().copied().unwrap_or(given) - given;
        if whole > 0.0 { (information[kept.min(information.len() - 1)] - given) / whole } else { 1.0 }
    }
}
