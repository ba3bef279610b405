//! What a ranking asks for, and what it answers.

use serde::{Deserialize, Serialize};

/// How information is estimated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Criterion {
    /// The entropy's order, over 1.
    pub alpha: f64,
    /// The kernel's sigma, in typical distances of the layer; see [`GaussianKernel`](super::GaussianKernel).
    ///
    /// Narrow kernels fill the joint entropy, and rounding then ranks; wide ones hold little against a copy of a filter
    /// already taken, for K o K is the same kernel at sigma / sqrt(2). At 4, layers of 256 channels have not filled.
    pub width: f64,
}

impl Default for Criterion {
    fn default() -> Self {
        Self { alpha: 1.01, width: 4.0 }
    }
}

/// The filters of one layer from the most informative to the least, and what each prefix tells.
///
/// F filters give an order of F and curves of F + 1 points: S_t is the set of the first t filters.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct LayerRanking {
    /// The kernel width that all channels of the layer share, in the units of its maps.
    pub sigma: f64,
    /// The channels, best first.
    pub order: Vec<usize>,
    /// I(Y; S_t) in nats, t = 0..=F, as estimated: Renyi's order is not quite 1, so it may fall by a little.
    pub information: Vec<f64>,
    /// S(S_t) in nats, t = 0..=F; at most ln n.
    pub joint_entropy: Vec<f64>,
    /// The least t with ln n - S(S_t) under [`SATURATION`], where there is one.
    pub saturated_after: Option<usize>,
}

/// A joint entropy this close to ln n, in nats, is full.
///
/// All that the other filters may still tell about the label, S(Y, S_t) - S(S_t), is at most ln n - S(S_t): from there
/// on they are ranked by less than a thousandth of a nat, soon by rounding.
pub const SATURATION: f64 = 1e-3;

impl LayerRanking {
    /// No filter taken yet: S_0 tells nothing.
    pub(super) fn empty(sigma: f64) -> Self {
        Self { sigma, order: Vec::new(), information: vec![0.0], joint_entropy: vec![0.0], saturated_after: None }
    }

    /// c_t = I(Y; R | S_t) = I(Y; F) - I(Y; S_t), t = 0..=F: what the filters not taken yet still tell, in nats.
    pub fn cmi(&self) -> Vec<f64> {
        let whole = self.information.last().copied().unwrap_or(0.0);
        self.information.iter().map(|information| whole - information).collect()
    }

    /// max over s <= t of I(Y; S_s), t = 0..=F: the curve for searches that need more filters never to tell less.
    pub fn monotone_information(&self) -> Vec<f64> {
        let running = |best: &mut f64, &information: &f64| {
            *best = best.max(information);
            Some(*best)
        };
        self.information.iter().scan(0.0, running).collect()
    }

    /// I(Y; S_kept) / I(Y; F) on the monotone curve, so in 0..=1 and never falling; 1 where the layer tells nothing.
    pub fn kept_share(&self, kept: usize) -> f64 {
        let information = self.monotone_information();
        let whole = information.last().copied().unwrap_or(0.0);
        if whole > 0.0 { information[kept.min(information.len() - 1)] / whole } else { 1.0 }
    }
}
