//! The report as data: `report.json`. Integers are bytes or counts, accuracies are fractions, and what was not measured is
//! null.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use secateur_shared::memory::MemoryPlan;
use serde::{Deserialize, Serialize};

use super::details::Details;
use super::html;
use crate::data::files::write_atomically;
use crate::rig::verify::Latency;

/// Everything that is known of a pruned network.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The name of its folder in `out`.
    pub name: String,
    /// The board.
    pub board: String,
    /// "emulated" or "hardware".
    pub kind: String,
    /// The firmware's Cargo profile.
    pub profile: String,
    /// The clock that the board said it runs at.
    pub clock_hz: Option<u32>,
    /// The data set, as it was asked for.
    pub data: String,
    /// The architecture before and after.
    pub arch: BeforeAfter<String>,
    /// What the image may occupy.
    pub budget: Bytes,
    /// What the planner says that it occupies.
    pub planned: Bytes,
    /// What the linked image occupies.
    pub linked: Bytes,
    /// The parts of both.
    #[serde(flatten)]
    pub memory: MemoryFigures,
    /// At each step.
    pub accuracy: Accuracy,
    /// How many images the accuracies are over.
    pub images: Images,
    /// Whether every byte of every logit on the device was the desk's.
    pub bit_exact: Option<bool>,
    /// What else the device said.
    #[serde(default)]
    pub device: Option<DeviceFigures>,
    /// The observer that validation chose for the activations' ranges.
    pub observer: String,
    /// Filters and hidden units.
    pub filters: BeforeAfter<usize>,
    /// Weights, without biases and batch norms.
    pub params: BeforeAfter<usize>,
    /// Multiply-accumulates for one image.
    pub macs: BeforeAfter<usize>,
    /// Every prunable layer.
    pub layers: Vec<LayerFigures>,
    /// Where the time went.
    pub seconds: Seconds,
    /// Of the run.
    pub seed: u64,
    /// What the page draws beside.
    #[serde(default)]
    pub details: Details,
}

/// Flash and RAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bytes {
    /// From the start of flash to the last loaded byte.
    pub flash_bytes: u32,
    /// Static variables, arena and stack reserve.
    pub ram_bytes: u32,
}

/// The parts of flash and RAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryFigures {
    /// Code, constants and the load image of .data.
    pub code_bytes: u32,
    /// Between the code and the blob's erase sector.
    pub gap_bytes: u32,
    /// The model.
    pub blob_bytes: u32,
    /// .data and .bss.
    pub static_ram_bytes: u32,
    /// The copy of hot weights.
    #[serde(default)]
    pub weights_in_ram_bytes: u32,
    /// The tensors.
    pub arena_bytes: u32,
    /// Declared for the stack.
    pub stack_reserve_bytes: u32,
    /// Measured on the device.
    pub stack_high_water_bytes: Option<u32>,
}

impl From<MemoryPlan> for MemoryFigures {
    fn from(plan: MemoryPlan) -> Self {
        Self {
            code_bytes: plan.code_bytes,
            gap_bytes: plan.gap_bytes,
            blob_bytes: plan.blob_bytes,
            static_ram_bytes: plan.static_ram_bytes,
            weights_in_ram_bytes: plan.weights_in_ram_bytes,
            arena_bytes: plan.arena_bytes,
            stack_reserve_bytes: plan.stack_reserve_bytes,
            stack_high_water_bytes: None,
        }
    }
}

/// Shares of test images classified as labelled.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// The network that came in.
    pub baseline_float: f64,
    /// Pruned and fine-tuned.
    pub pruned_float: f64,
    /// Quantised, by the engine on the desk.
    pub pruned_int8: f64,
    /// By the engine on the device, over the device's images.
    pub device: Option<f64>,
}

/// What the device said of itself and its runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceFigures {
    /// Where its accuracy over all images lies with 95 %: Wilson's interval.
    pub accuracy_interval: (f64, f64),
    /// Images whose every logit is the desk's.
    pub agreeing: usize,
    /// The first layer that differs, where one does.
    pub first_difference: Option<String>,
    /// What one run takes; null on an emulated board.
    pub latency: Option<Latency>,
    /// What the tensors take.
    pub arena_used_bytes: u32,
    /// What tensors may take.
    pub arena_available_bytes: u32,
    /// Variables.
    pub static_ram_bytes: u32,
}

/// Test images behind the accuracies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Images {
    /// On the desk.
    pub host: usize,
    /// On the device.
    pub device: usize,
}

/// A figure of the network that came in and of the one that goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeforeAfter<T> {
    /// In.
    pub before: T,
    /// Out.
    pub after: T,
}

/// One prunable layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerFigures {
    /// `conv1`, `hidden1`.
    pub name: String,
    /// Filters kept.
    pub kept: usize,
    /// Filters before.
    pub of: usize,
    /// Multiply-accumulates after pruning.
    pub macs: u64,
    /// The share of I(Y; F) that the kept filters have.
    pub cmi_kept: f64,
    /// After so many filters of the order, rounding decides.
    pub saturated_after: Option<usize>,
}

/// Wall-clock time of each part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seconds {
    /// Setting up and building the firmware.
    pub firmware: f64,
    /// Ranking the filters.
    pub survey: f64,
    /// Searching the widths.
    pub search: f64,
    /// Training after surgery.
    pub fine_tune: f64,
    /// Calibrating, choosing the observer, exporting.
    pub quantize: f64,
    /// Running test images on the desk.
    pub desk: f64,
    /// Running test images on the device.
    pub device: f64,
    /// All of it.
    pub total: f64,
}

impl Report {
    /// Writes the report, whole or not at all.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        super::write_json(Some(path), self)
    }

    /// Writes `report.json` and the page of it, `report.html`, into the results' folder.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn publish(&self, folder: &Path) -> Result<()> {
        self.write(&folder.join("report.json"))?;
        write_atomically(&folder.join("report.html"), html::page(self)?.as_bytes())
    }
}

/// Reads a report.
///
/// # Errors
/// No file, or one of another version.
pub fn read(path: &Path) -> Result<Report> {
    let text = std::fs::read(path)
        .with_context(|| format!("cannot read {}: make it with `cargo xtask prune --budget 512k`", path.display()))?;
    serde_json::from_slice(&text)
        .with_context(|| format!("{} is not a report of this version: prune again", path.display()))
}

/// The folder in `out` with the newest report.
///
/// # Errors
/// None there.
pub fn newest(out: &Path) -> Result<PathBuf> {
    let folders = std::fs::read_dir(out).into_iter().flatten().flatten().map(|entry| entry.path());
    let dated =
        folders.filter_map(|folder| Some((folder.join("report.json").metadata().ok()?.modified().ok()?, folder)));
    let newest = dated.max().map(|(_, folder)| folder);
    newest.with_context(|| format!("no report in {}: make one with `cargo xtask prune --budget 512k`", out.display()))
}
