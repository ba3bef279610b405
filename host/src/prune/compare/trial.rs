//! One trial: what is tried, under which settings, and what came of it.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::data::{DataSet, Images};
use crate::inform::Criterion;
use crate::network::Network;
use crate::prune::allocate::{Control, Rule};
use crate::prune::rank::Method;
use crate::report::size;

/// Part of every key: counted up whenever the same trial would come out differently.
pub(super) const REVISION: u32 = 8;

/// A point of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Trial {
    /// How filters are ordered.
    pub(super) ranking: Method,
    /// How widths are chosen.
    pub(super) widths: Rule,
    /// The flash that the image may occupy.
    pub(super) budget_bytes: u32,
    /// Draws the images to rank on, and orders training.
    pub(super) seed: u64,
}

impl std::fmt::Display for Trial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let budget = size::short(self.budget_bytes);
        write!(f, "{} with {} widths at {budget}, seed {}", self.ranking, self.widths, self.seed)
    }
}

/// What all trials of a comparison share: numbers of different settings are never put side by side.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Settings {
    /// [`REVISION`].
    pub(super) revision: u32,
    /// The architecture's name.
    pub(super) arch: String,
    /// A digest of the network's file.
    pub(super) network: String,
    /// The data set's name.
    pub(super) data: String,
    /// A digest of all its images and labels.
    pub(super) images: String,
    /// The board.
    pub(super) board: String,
    /// The firmware's Cargo profile.
    pub(super) profile: String,
    /// The firmware without a model, in flash.
    pub(super) code_bytes: u32,
    /// The firmware's static variables.
    pub(super) static_ram_bytes: u32,
    /// What static variables, arena and stack may occupy.
    pub(super) ram_bytes: u32,
    /// Training images that rankings look at.
    pub(super) survey_images: usize,
    /// How information is estimated.
    pub(super) criterion: Criterion,
    /// Which part of burn runs networks: others round differently.
    pub(super) backend: String,
    /// Training images that layers are reconstructed on after surgery.
    pub(super) reconstruct_images: usize,
    /// How pruned networks are trained, whatever the seed; null where they are not.
    pub(super) fine_tune: serde_json::Value,
    /// Whose multiply-accumulates bound searched widths.
    pub(super) equal_macs: Option<Control>,
    /// Whether they are quantised too.
    pub(super) int8: bool,
}

impl Settings {
    /// 16 hexadecimal digits that other settings do not have.
    pub(super) fn key(&self) -> Result<String> {
        Ok(digest(&[&serde_json::to_vec(self)?]))
    }

    /// Where the comparison goes when nothing else is said.
    pub(super) fn folder_name(&self) -> String {
        format!("compare-{}-{}", self.arch, self.data)
    }
}

/// A digest of the network as its file has it.
pub(super) fn network_digest(network: &Network) -> Result<String> {
    Ok(digest(&[&network.to_bytes()?]))
}

/// A digest of all that a data set holds.
pub(super) fn data_digest(data: &DataSet) -> String {
    let part = |images: &Images| digest(&[&images.pixels, &images.labels]);
    digest(&[&data.train, &data.validation, &data.test].map(part).each_ref().map(|digits| digits.as_bytes()))
}

fn digest(parts: &[&[u8]]) -> String {
    let mut key = Sha256::new();
    parts.iter().for_each(|part| key.update(part));
    key.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// What came of a trial, as its file has it. Integers are bytes or counts, accuracies are fractions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// The settings' key.
    pub(super) key: String,
    /// What was tried.
    #[serde(flatten)]
    pub(super) trial: Trial,
    /// The pruned architecture.
    pub(super) arch: String,
    /// Filters that each prunable layer keeps.
    pub(super) kept: Vec<usize>,
    /// What the image occupies.
    pub(super) flash_bytes: u32,
    /// Static variables, arena and stack reserve.
    pub(super) ram_bytes: u32,
    /// Multiply-accumulates for one image.
    pub(super) macs: usize,
    /// Without biases and batch norms.
    pub(super) weights: usize,
    /// At each step.
    pub(super) accuracy: Accuracy,
    /// The whole trial, without rankings that an earlier one had made.
    pub(super) seconds: f64,
    /// What it was tried under.
    pub(super) settings: Settings,
}

/// Shares of images classified right.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Accuracy {
    /// The unpruned network, on test images.
    pub(super) unpruned_test: f64,
    /// After surgery and reconstruction, before fine-tuning.
    pub(super) before_validation: f64,
    /// After fine-tuning.
    pub(super) validation: f64,
    /// After fine-tuning.
    pub(super) test: f64,
    /// After quantisation, where asked for.
    pub(super) int8_test: Option<f64>,
}
