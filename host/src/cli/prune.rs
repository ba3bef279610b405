//! The words of `prune` and `survey`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use secateur_boards::BoardSpec;

use super::board::find;
use crate::data;
use crate::failure::Failure;
use crate::inform::{Criterion, Mode};
use crate::network::backend::Backend;
use crate::network::train::FitOptions;
use crate::prune::across::{Direction, Formulation, Walk};
use crate::prune::cutoff::Cutoff;
use crate::prune::drop_layers::Limits;
use crate::prune::{Budget, Work, reconstruct, survey, survey_verb, tune, verb};
use crate::report::size;
use crate::rig::firmware::Profile;

/// None, or enough to fit a layer on.
pub(super) fn reconstruct_images(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(1) => Err("one image says nothing about a layer: give 0, or some hundred".to_owned()),
        Ok(images) => Ok(images),
        Err(why) => Err(why.to_string()),
    }
}

/// The trained network that the repository carries.
const EMBEDDED_NETWORK: &str = "assets/vgg-small-fashion-mnist.safetensors";

#[derive(Debug, Args)]
pub(super) struct InputWords {
    /// A network that `cargo xtask train` wrote [default: the embedded one].
    #[arg(long, value_name = "FILE")]
    network: Option<PathBuf>,
    /// The data set that it was trained on (mini-fashion, fashion-mnist), or a folder: images in a sub-folder a class,
    /// IDX files, or CIFAR-10's binary files.
    #[arg(long, default_value = data::DEFAULT, value_name = "NAME|DIR")]
    pub(super) data: String,
    /// The part of burn that runs the float networks.
    #[arg(long, value_enum, default_value_t)]
    pub(super) backend: Backend,
}

impl InputWords {
    pub(super) fn network(&self) -> PathBuf {
        let embedded = || Path::new(env!("CARGO_MANIFEST_DIR")).join(EMBEDDED_NETWORK);
        self.network.clone().unwrap_or_else(embedded)
    }
}

/// What a network is made to fit.
#[derive(Debug, Args)]
pub(super) struct TargetWords {
    /// RAM that static variables, arena and stack may occupy [default: the board's].
    #[arg(long, value_name = "SIZE")]
    ram: Option<String>,
    /// The board: see `cargo xtask boards`.
    #[arg(long, default_value = super::board::DEFAULT)]
    board: String,
    /// Firmware for speed or for size.
    #[arg(long, value_enum, default_value_t = Profile::Firmware)]
    pub(super) profile: Profile,
}

impl TargetWords {
    /// The board, and the RAM that was asked for.
    pub(super) fn open(&self) -> Result<(BoardSpec, Option<u32>)> {
        let ram = self.ram.as_deref().map(size::parse).transpose().context("--ram")?;
        Ok((find(&self.board)?, ram))
    }
}

#[derive(Debug, Args)]
struct RankWords {
    /// Training images that the information is estimated on.
    #[arg(long, default_value_t = 256, value_name = "N")]
    survey_images: usize,
    /// Order of the Renyi entropy, above 1; 2 needs no spectrum and is much faster.
    #[arg(long, default_value_t = Criterion::default().alpha)]
    alpha: f64,
    /// Kernel width, in typical distances of two images in all filters that a layer keeps.
    #[arg(long, default_value_t = Criterion::default().width)]
    width: f64,
    /// What information is about, and whose kernels: this project's, or the paper's.
    #[arg(long, value_enum, default_value_t)]
    mode: Mode,
    /// Evaluate every candidate, those too that provably cannot win: the same order, slower.
    #[arg(long)]
    exhaustive: bool,
    /// Same seed, same result.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl RankWords {
    fn options(&self) -> survey::Options {
        let criterion = Criterion {
            mode: self.mode,
            alpha: self.alpha,
            width: self.width,
            kept: None,
            exhaustive: self.exhaustive,
        };
        survey::Options { criterion, images: self.survey_images, seed: self.seed }
    }
}

#[derive(Debug, Args)]
struct WalkWords {
    /// What a layer's filters are ranked given.
    #[arg(long, value_enum, default_value_t)]
    cmi: Formulation,
    /// The way through the layers of compact and full CMI.
    #[arg(long, value_enum, default_value_t)]
    direction: Direction,
    /// Where a bidirectional way begins, as conv3 [default: the layer that loses the largest share].
    #[arg(long, value_name = "LAYER")]
    start: Option<String>,
}

impl WalkWords {
    /// A direction or a start that nothing would read is refused.
    fn walk(self) -> Result<Walk> {
        let (formulation, direction) = (self.cmi, self.direction);
        let usage = |text: &str| Err(Failure::Usage(text.to_owned()).into());
        if formulation == Formulation::PerLayer && direction == Direction::Bidirectional {
            return usage("--direction is about --cmi compact and full: per-layer CMI has none");
        }
        if self.start.is_some() && direction == Direction::Forward {
            return usage("--start is about --direction bidirectional: forward starts at the first layer");
        }
        Ok(Walk { formulation, direction, start: self.start })
    }
}

#[derive(Debug, Args)]
pub(super) struct PruneWords {
    /// Flash that the image may occupy: bytes, or 512k [default: the board's].
    #[arg(long, value_name = "SIZE")]
    budget: Option<String>,
    /// Milliseconds that one image may take, estimated from the board's clock and counted instructions.
    #[arg(long, value_name = "MS")]
    latency: Option<f64>,
    #[command(flatten)]
    target: TargetWords,
    #[command(flatten)]
    input: InputWords,
    #[command(flatten)]
    rank: RankWords,
    #[command(flatten)]
    walk: WalkWords,
    /// How wide a layer may be before the budget has its say: by its curve and validation, or by a test.
    #[arg(long, value_enum, default_value_t)]
    cutoff: Cutoff,
    /// First take out whole layers that answer as the layer before them: those whose CKA reaches this, as 0.98.
    #[arg(long, value_name = "CKA")]
    drop_layers: Option<f64>,
    /// Percentage points of validation accuracy that dropping layers may cost after training.
    #[arg(long, default_value_t = 1.0, value_name = "POINTS", requires = "drop_layers")]
    drop_tolerance: f64,
    /// Training images on which the layers that take less than they did are fitted to answer as before; 0 fits none.
    #[arg(long, default_value_t = reconstruct::IMAGES, value_name = "N", value_parser = reconstruct_images)]
    reconstruct_images: usize,
    /// How often fine-tuning sees each training image where all weights are kept; N / sqrt(s) times where the share s is. 0 does none.
    #[arg(long, default_value_t = tune::defaults().epochs, value_name = "N")]
    fine_tune_epochs: f64,
    /// The highest learning rate of fine-tuning.
    #[arg(long, default_value_t = tune::defaults().learning_rate, value_name = "RATE")]
    fine_tune_rate: f64,
    /// Prune and fine-tune in so many rounds, the training shared among them.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    steps: u16,
    /// Test images to run on the board; 0 runs none.
    #[arg(long, default_value_t = 200, value_name = "N")]
    images: usize,
    /// The results' folder in `out` [default: <arch>-<data>-<budget>].
    #[arg(long)]
    name: Option<String>,
    /// Write the report to FILE too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl PruneWords {
    pub(super) fn request(self) -> Result<verb::Request> {
        self.input.backend.choose()?;
        let (board, ram) = self.target.open()?;
        let flash = self.budget.as_deref().map(size::parse).transpose().context("--budget")?;
        let budget = Budget::on(&board, flash, ram)?;
        let work = self.latency.map(|milliseconds| Work::latency(&board, milliseconds)).transpose()?;
        let budget = Budget { work, ..budget };
        let mut survey = self.rank.options();
        if work.is_some() {
            survey.criterion = survey.criterion.in_bounded_time();
        }
        let fine_tune = FitOptions {
            epochs: self.fine_tune_epochs,
            learning_rate: self.fine_tune_rate,
            seed: self.rank.seed,
            ..tune::defaults()
        };
        if fine_tune.epochs != 0.0 {
            fine_tune.check().context("fine-tuning (--fine-tune-epochs, --fine-tune-rate)")?;
        }
        Ok(verb::Request {
            network: self.input.network(),
            data: self.input.data,
            board,
            profile: self.target.profile,
            budget,
            drop: self.drop_layers.map(|likeness| Limits { likeness, loss: self.drop_tolerance / 100.0 }),
            survey,
            walk: self.walk.walk()?,
            cutoff: self.cutoff,
            reconstruct_images: self.reconstruct_images,
            fine_tune,
            steps: self.steps.into(),
            device_images: self.images,
            out: PathBuf::from("out"),
            name: self.name,
            json: self.json,
        })
    }
}

#[derive(Debug, Args)]
pub(super) struct SurveyWords {
    #[command(flatten)]
    input: InputWords,
    #[command(flatten)]
    rank: RankWords,
    /// Survey N draws of the images, by seeds from --seed up, and show how far their orders agree.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    draws: u16,
    /// Show how far the orders agree with those of surveys that --json wrote, of the same network.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    against: Vec<PathBuf>,
    /// Write orders and curves to FILE, of the first draw where there are more.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl SurveyWords {
    pub(super) fn request(self) -> Result<survey_verb::Request> {
        self.input.backend.choose()?;
        Ok(survey_verb::Request {
            network: self.input.network(),
            data: self.input.data,
            options: self.rank.options(),
            draws: self.draws.into(),
            against: self.against,
            json: self.json,
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Words {
        #[command(flatten)]
        words: PruneWords,
    }

    fn mode(flags: &[&str]) -> Mode {
        let words = Words::try_parse_from([&["prune"], flags].concat()).expect("words").words;
        words.request().expect("a request").survey.criterion.mode
    }

    #[test]
    fn a_bound_on_time_brings_contributions_in_unless_a_mode_is_named() {
        assert_eq!(mode(&["--budget", "69k"]), Mode::Improved);
        assert_eq!(mode(&["--budget", "69k", "--latency", "8"]), Mode::Contributions);
        assert_eq!(mode(&["--latency", "8", "--mode", "maps"]), Mode::Maps);
        assert_eq!(mode(&["--latency", "8", "--mode", "faithful"]), Mode::Faithful);
    }
}
