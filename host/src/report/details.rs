//! The figures behind the page's drawings: parts of `report.json` that the table for people does not show.

use anyhow::Result;
use secateur_boards::BoardSpec;
use secateur_shared::layer::{Layer, Step, Table};
use secateur_shared::{Model, header};
use serde::{Deserialize, Serialize};

use crate::rig::bench::figures::Figures;

/// What the page draws. A report of an earlier version has none of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// By what the results were made.
    pub made_by: Option<MadeBy>,
    /// The board.
    pub board: Option<BoardFigures>,
    /// What the filters were ranked by.
    pub survey: Option<SurveyFigures>,
    /// Every layer that the engine runs.
    pub steps: Vec<StepFigures>,
    /// Where tensors lie.
    pub arena: Vec<ArenaStep>,
    /// The first image whose logits differ on the device.
    pub difference: Option<Difference>,
    /// What `cargo xtask bench` counted.
    pub cycles: Option<Figures>,
}

/// What to run to get the results again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeBy {
    /// The command line, quoted for a shell.
    pub command: String,
    /// Of this program.
    pub version: String,
    /// Of the blob.
    pub format_version: u16,
    /// Of the blob.
    pub kernel_abi: u16,
}

/// A board's facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardFigures {
    /// As its maker names it.
    pub chip: String,
    /// Flash.
    pub flash_bytes: u32,
    /// RAM.
    pub ram_bytes: u32,
    /// Runs of equal erase sectors from the start of flash: (count, bytes).
    pub sectors: Vec<(u32, u32)>,
    /// The clock that start-up aims at.
    pub clock_hz: u32,
    /// The emulator, where it has one.
    pub emulator: Option<String>,
}

/// The survey's settings and curves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SurveyFigures {
    /// Training images.
    pub images: usize,
    /// The entropy's order.
    pub alpha: f64,
    /// Of each prunable layer, the share of I(Y; F) that the first t filters of the order have, t = 0..=F.
    pub curves: Vec<Vec<f64>>,
}

/// A layer as the engine runs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFigures {
    /// `conv1`; the operator where it has no parameters.
    pub name: String,
    /// `conv2d and max-pool2d`.
    pub operator: String,
    /// Of its output: rows, columns, channels.
    pub output_hwc: (u16, u16, u16),
    /// Pruned.
    pub after: Cost,
    /// Unpruned; none where whole layers were dropped.
    pub before: Option<Cost>,
}

/// What a layer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Weights, a byte each in the blob.
    pub weights: u64,
    /// In the blob: weights, biases and multipliers.
    pub parameter_bytes: u32,
    /// Multiply-accumulates.
    pub macs: u64,
}

/// What lies in the arena while a layer runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArenaStep {
    /// As in [`StepFigures::name`].
    pub name: String,
    /// What it reads.
    pub inputs: Vec<Place>,
    /// What it makes.
    pub output: Place,
    /// What it works on.
    pub scratch: Place,
    /// What later layers read.
    pub kept: Vec<Place>,
}

/// Some bytes of the arena.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The first.
    pub at: u32,
    /// How many.
    pub bytes: u32,
}

/// The first image that device and desk answer differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Its index among the test images.
    pub image: usize,
    /// The device's logits.
    pub device: Vec<i8>,
    /// The desk's logits.
    pub desk: Vec<i8>,
    /// The first layer whose output differs, in words.
    #[serde(default)]
    pub layer: String,
}

impl MadeBy {
    /// This process, by a command line.
    pub fn this(command: String) -> Self {
        Self {
            command,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            format_version: header::FORMAT_VERSION,
            kernel_abi: header::KERNEL_ABI,
        }
    }
}

impl From<&BoardSpec> for BoardFigures {
    fn from(board: &BoardSpec) -> Self {
        Self {
            chip: board.chip.clone(),
            flash_bytes: board.flash.bytes,
            ram_bytes: board.ram.bytes,
            sectors: board.flash.sectors.clone(),
            clock_hz: board.clock_hz,
            emulator: board.emulator.as_ref().map(ToString::to_string),
        }
    }
}

impl Place {
    /// After its last byte.
    pub fn end(self) -> u32 {
        self.at.saturating_add(self.bytes)
    }

    /// The bytes that two share, where they share any.
    pub fn shared(self, other: Place) -> Option<Place> {
        let (at, end) = (self.at.max(other.at), self.end().min(other.end()));
        (at < end).then(|| Place { at, bytes: end - at })
    }
}

/// Every layer of a model, whose parameters' layers have these names in order, and what it was before.
///
/// # Errors
/// A table that does not fit together.
pub fn steps(model: &Model, unpruned: &Table, names: &[String]) -> Result<Vec<StepFigures>> {
    let before = unpruned.steps().collect::<Result<Vec<_>, _>>()?;
    let after = model.steps().collect::<Result<Vec<_>, _>>()?;
    let same = before.len() == after.len();
    let named = after.iter().zip(step_names(&after, names));
    Ok(named
        .enumerate()
        .map(|(index, (step, name))| StepFigures {
            name,
            operator: operator(step),
            output_hwc: (step.output.shape.height, step.output.shape.width, step.output.shape.channels),
            after: Cost::of(step),
            before: before.get(index).filter(|_| same).map(Cost::of),
        })
        .collect())
}

/// What lies in a model's arena, layer by layer.
///
/// # Errors
/// A table that does not fit together.
pub fn arena(model: &Model, names: &[String]) -> Result<Vec<ArenaStep>> {
    let mut walk = model.steps();
    let steps = walk.by_ref().collect::<Result<Vec<_>, _>>()?;
    let places: Vec<Place> =
        walk.tensors().iter().map(|tensor| Place { at: tensor.at, bytes: tensor.shape.bytes().unwrap_or(0) }).collect();
    let last = last_readers(&steps);
    let named = steps.iter().zip(step_names(&steps, names));
    Ok(named
        .map(|(step, name)| {
            let read: Vec<usize> = [step.input_index].into_iter().chain(step.other().map(|(_, index)| index)).collect();
            let is_kept = |&tensor: &usize| !read.contains(&tensor) && last[tensor] > step.index;
            ArenaStep {
                name,
                inputs: read.iter().map(|&tensor| places[tensor]).collect(),
                output: places[step.index + 1],
                scratch: Place { at: step.scratch_at, bytes: step.scratch_bytes() },
                kept: (0..=step.index).filter(is_kept).map(|tensor| places[tensor]).collect(),
            }
        })
        .collect())
}

/// Of each tensor, the number of the last layer that reads it; its maker's where none does.
fn last_readers(steps: &[Step]) -> Vec<usize> {
    let mut last: Vec<usize> = (0..=steps.len()).map(|tensor| tensor.saturating_sub(1)).collect();
    for step in steps {
        for tensor in [step.input_index].into_iter().chain(step.other().map(|(_, index)| index)) {
            last[tensor] = step.index;
        }
    }
    last
}

/// The names in their order go to the layers with parameters.
fn step_names(steps: &[Step], names: &[String]) -> Vec<String> {
    let mut names = names.iter();
    let mut name = |step: &Step| step.parameters().and_then(|_| names.next().cloned());
    steps.iter().map(|step| name(step).unwrap_or_else(|| operator(step))).collect()
}

/// What a step does: `conv2d and max-pool2d`.
fn operator(step: &Step) -> String {
    let is_pooled = matches!(step.layer(), Layer::Conv2d(conv) if conv.is_pooled);
    format!("{}{}", step.layer().operator(), if is_pooled { " and max-pool2d" } else { "" })
}

impl Cost {
    fn of(step: &Step) -> Self {
        let weights = step.parameters().map_or(0, |(outputs, each)| (outputs * each) as u64);
        Self { weights, parameter_bytes: step.parameters_end - step.parameters_at, macs: step.macs() }
    }
}

/// Words as a shell reads them: those that a shell would change are quoted.
pub fn quoted(words: impl IntoIterator<Item = String>) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./,:=+@%".contains(letter);
    let quote = |word: String| {
        let is_plain = !word.is_empty() && word.chars().all(plain);
        if is_plain { word } else { format!("'{}'", word.replace('\'', "'\\''")) }
    };
    words.into_iter().map(quote).collect::<Vec<_>>().join(" ")
}

/// The command line of this process; `xtask` is written as people start it.
pub fn typed() -> String {
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let program = words.next().unwrap_or_default();
    let is_xtask = std::path::Path::new(&program).file_stem().is_some_and(|name| name == "xtask");
    let program = if is_xtask { "cargo xtask".to_owned() } else { quoted([program]) };
    [program, quoted(words)].join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_shell() {
        let words = ["--data", "my images", "a'b", "", "$(rm)", "512k"].map(str::to_owned);
        assert_eq!(quoted(words), r"--data 'my images' 'a'\''b' '' '$(rm)' 512k");
    }

    #[test]
    fn places_share_bytes_or_none() {
        let place = |at, bytes| Place { at, bytes };
        assert_eq!(place(0, 10).shared(place(4, 10)), Some(place(4, 6)));
        assert_eq!(place(0, 4).shared(place(4, 4)), None);
    }
}
