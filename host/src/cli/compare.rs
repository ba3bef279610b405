//! The words of `compare`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use super::prune::{InputWords, TargetWords, reconstruct_images};
use crate::inform::Criterion;
use crate::network::train::FitOptions;
use crate::prune::allocate::{Control, Rule};
use crate::prune::compare::{self, Shard};
use crate::prune::rank::Method;
use crate::prune::{Budget, reconstruct, tune};
use crate::report::size;

/// How to spread the trials over machines.
const JOBS: &str = "\
Every finished trial is a file in the output's folder trials/, named by its settings: the same command again does only
what is missing, and figures of other settings are never mixed in.

Trials can be spread over machines; shards count from 0. As a Slurm job array of 8:

    sbatch --array=0-7 --wrap 'cargo xtask compare --shard $SLURM_ARRAY_TASK_ID/8 --output /shared/compare'

As a Kubernetes Job with completions: 8 and completionMode: Indexed, whose containers run

    cargo xtask compare --shard $JOB_COMPLETION_INDEX/8 --output /shared/compare

Where all write to one shared folder, the table is complete once the last is done; to show it again:

    cargo xtask compare --merge /shared/compare --output /shared/compare

Where each writes to a folder of its own, merge them:

    cargo xtask compare --merge shard-0 shard-1 shard-2 --output out/compare";

#[derive(Debug, Args)]
#[command(after_long_help = JOBS)]
pub(super) struct CompareWords {
    /// How filters are ordered, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Method::KINDS)]
    rankings: Vec<Method>,
    /// Flash that the image may occupy, as 512k, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "512k,128k,64k", value_name = "SIZE")]
    budgets: Vec<String>,
    /// How many seeds each trial is repeated with: 1, 2, .. N. A seed draws the images to rank on and orders fine-tuning.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// How widths are chosen, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "curves")]
    widths: Vec<Rule>,
    #[command(flatten)]
    target: TargetWords,
    #[command(flatten)]
    input: InputWords,
    /// Training images that rankings look at.
    #[arg(long, default_value_t = 256, value_name = "N")]
    survey_images: usize,
    /// Training images that layers are fitted on after surgery, as `prune --reconstruct-images`; 0 fits none.
    #[arg(long, default_value_t = reconstruct::IMAGES, value_name = "N", value_parser = reconstruct_images)]
    reconstruct_images: usize,
    /// Epochs of fine-tuning, as `prune --fine-tune-epochs`; 0 does none.
    #[arg(long, default_value_t = tune::defaults().epochs, value_name = "N")]
    epochs: f64,
    /// The highest learning rate of fine-tuning.
    #[arg(long, default_value_t = tune::defaults().learning_rate)]
    rate: f64,
    /// Widths by curves and own use no more multiply-accumulates than these at the same bytes [with no value: uniform].
    #[arg(long, value_name = "WIDTHS", num_args = 0..=1, default_missing_value = "uniform")]
    equal_macs: Option<Control>,
    /// Quantise each network too, and report what the chip's arithmetic makes of it.
    #[arg(long)]
    int8: bool,
    /// The results' folder [default: out/compare-<arch>-<data>].
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Only every n-th trial, from the i-th on: 0/8 .. 7/8 are all.
    #[arg(long, default_value = "0/1", value_name = "i/n", value_parser = shard)]
    shard: Shard,
    /// Do no trial: bring those of these folders together, as long as their settings are the same.
    #[arg(long, value_name = "DIR", num_args = 1.., conflicts_with = "shard")]
    merge: Vec<PathBuf>,
    /// Write the rows to FILE too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn shard(text: &str) -> Result<Shard, String> {
    let parts = text.split_once('/').and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
    let shard = parts.map(|(index, of)| Shard { index, of }).filter(|shard| shard.index < shard.of);
    shard.ok_or_else(|| "write i/n with i from 0 to n - 1, as 0/8".to_owned())
}

impl CompareWords {
    pub(super) fn run(self) -> Result<()> {
        let out = Path::new("out").to_owned();
        if self.merge.is_empty() {
            return compare::run(&self.request(out)?);
        }
        compare::merge(&compare::Merge { folders: self.merge, out, output: self.output, json: self.json })
    }

    fn request(self, out: PathBuf) -> Result<compare::Request> {
        self.input.backend.choose()?;
        let (board, ram) = self.target.open()?;
        let budget = |text: &String| Budget::on(&board, Some(size::parse(text).context("--budgets")?), ram);
        let budgets = self.budgets.iter().map(budget).collect::<Result<_>>()?;
        let fine_tune = FitOptions { epochs: self.epochs, learning_rate: self.rate, ..tune::defaults() };
        let fine_tune = (self.epochs != 0.0).then_some(fine_tune);
        fine_tune.as_ref().map_or(Ok(()), FitOptions::check).context("fine-tuning (--epochs, --rate)")?;
        let criterion = Criterion::default();
        let criterion = if self.equal_macs.is_some() { criterion.in_bounded_time() } else { criterion };
        Ok(compare::Request {
            network: self.input.network(),
            data: self.input.data,
            board,
            profile: self.target.profile,
            rankings: self.rankings,
            rules: self.widths,
            budgets,
            seeds: self.seeds,
            images: self.survey_images,
            criterion,
            reconstruct_images: self.reconstruct_images,
            fine_tune,
            equal_macs: self.equal_macs,
            int8: self.int8,
            shard: self.shard,
            out,
            output: self.output,
            json: self.json,
        })
    }
}
