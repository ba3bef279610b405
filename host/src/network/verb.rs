//! The verb `train`: a plan, progress on the terminal, a state file to go on from, the figures.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};

use super::arch::Arch;
use super::evaluate::accuracy;
use super::train::{FitOptions, State, Watch, resume};
use super::weights::{Network, Normalization};
use crate::data::files::write_atomically;
use crate::data::{DataSet, Images, load};

/// What `train` was asked to do.
#[derive(Debug)]
pub struct Plan {
    /// The network's layers.
    pub arch: Arch,
    /// A data set's name or folder.
    pub data: String,
    /// How to train.
    pub options: FitOptions,
    /// Where the trained network goes; by default `out/<arch>-<data>.safetensors`.
    pub output: Option<PathBuf>,
    /// Go on from the state file beside the output.
    pub resume: bool,
    /// Where the figures go.
    pub json: Option<PathBuf>,
}

/// What a training gave.
#[derive(Debug, Serialize)]
struct Figures {
    arch: String,
    data: String,
    options: FitOptions,
    macs: usize,
    weights: usize,
    seconds: f64,
    validation_accuracy: f64,
    test_accuracy: f64,
    output: PathBuf,
}

/// Trains a network, saves the last epoch's weights and prints its accuracy.
///
/// # Errors
/// Data that cannot be read, an architecture that does not fit the images, a loss that is no number, a full disk.
pub fn run(plan: &Plan) -> Result<()> {
    let data = load(&plan.data)?;
    let output = plan
        .output
        .clone()
        .unwrap_or_else(|| Path::new("out").join(format!("{}-{}.safetensors", plan.arch.name(), data.name)));
    let state = start(plan, &data, &resume_path(&output))?;
    println!("{}", headline(&state, &data)?);
    let begun = Instant::now();
    let mut progress = Progress::new(plan, &data, &output, state.steps);
    let network = resume(state, &data.train, &plan.options, &mut progress)?;
    progress.bar.finish_and_clear();
    network.save(&output)?;
    let figures = figures(plan, &network, &data, begun.elapsed().as_secs_f64(), output.clone())?;
    let _ = std::fs::remove_file(resume_path(&output));
    finish(plan, &figures)
}

fn resume_path(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".resume");
    PathBuf::from(name)
}

/// A fresh network, or the one that an interrupted training left.
fn start(plan: &Plan, data: &DataSet, saved: &Path) -> Result<State> {
    if plan.resume {
        return load_state(plan, data, saved);
    }
    let normalization = Normalization::of(&data.train);
    let mut network = Network::random(plan.arch.clone(), data.shape(), data.classes, normalization, plan.options.seed)?;
    network.data.clone_from(&data.name);
    Ok(State { network, momentum: Vec::new(), steps: 0 })
}

fn headline(state: &State, data: &DataSet) -> Result<String> {
    let network = &state.network;
    Ok(format!(
        "{} on {}: {} training images of {}, {:.1} M multiply-accumulates, {:.0} k weights{}",
        network.arch.name(),
        data.name,
        data.train.len(),
        network.input,
        network.macs()? as f64 / 1e6,
        network.weights()? as f64 / 1e3,
        if state.steps > 0 { format!(", resumed after step {}", state.steps) } else { String::new() }
    ))
}

/// Test images are read here, once.
fn figures(plan: &Plan, network: &Network, data: &DataSet, seconds: f64, output: PathBuf) -> Result<Figures> {
    Ok(Figures {
        arch: network.arch.to_string(),
        data: data.name.clone(),
        options: plan.options.clone(),
        macs: network.macs()?,
        weights: network.weights()?,
        seconds,
        validation_accuracy: accuracy(network, &data.validation)?,
        test_accuracy: accuracy(network, &data.test)?,
        output,
    })
}

fn finish(plan: &Plan, figures: &Figures) -> Result<()> {
    println!(
        "validation accuracy {:.2} %, test accuracy {:.2} %, {:.0} s; wrote {}",
        100.0 * figures.validation_accuracy,
        100.0 * figures.test_accuracy,
        figures.seconds,
        figures.output.display()
    );
    match &plan.json {
        Some(path) => write_atomically(path, &serde_json::to_vec_pretty(figures)?),
        None => Ok(()),
    }
}

/// The state file's first line; the network's and the optimizer's bytes follow it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct StateHeader {
    steps: usize,
    arch: String,
    data: String,
    options: String,
    network_bytes: usize,
    momentum_bytes: usize,
}

fn header(plan_options: &FitOptions, state: &State, network_bytes: usize) -> Result<StateHeader> {
    Ok(StateHeader {
        steps: state.steps,
        arch: state.network.arch.to_string(),
        data: state.network.data.clone(),
        options: serde_json::to_string(plan_options)?,
        network_bytes,
        momentum_bytes: state.momentum.len(),
    })
}

fn save_state(options: &FitOptions, state: &State, path: &Path) -> Result<()> {
    let network = state.network.to_bytes()?;
    let mut bytes = serde_json::to_vec(&header(options, state, network.len())?)?;
    bytes.push(b'\n');
    bytes.extend(network);
    bytes.extend(&state.momentum);
    write_atomically(path, &bytes)
}

fn load_state(plan: &Plan, data: &DataSet, path: &Path) -> Result<State> {
    let bytes = std::fs::read(path)
        .with_context(|| format!("there is no training to go on with at {}: leave out --resume", path.display()))?;
    let damaged = || format!("{} is cut or damaged: train without --resume", path.display());
    let end = bytes.iter().position(|&byte| byte == b'\n').with_context(damaged)?;
    let about: StateHeader = serde_json::from_slice(&bytes[..end]).with_context(damaged)?;
    let rest = &bytes[end + 1..];
    ensure!(Some(rest.len()) == about.network_bytes.checked_add(about.momentum_bytes), damaged());
    let (network, momentum) = rest.split_at(about.network_bytes);
    let state = State {
        network: Network::from_bytes(network).with_context(damaged)?,
        momentum: momentum.to_vec(),
        steps: about.steps,
    };
    let options = serde_json::to_string(&plan.options)?;
    ensure!(
        (&about.arch, &about.data, &about.options) == (&plan.arch.to_string(), &data.name, &options),
        "{} belongs to a training of {} on {} with {}: give the same flags, or leave out --resume",
        path.display(),
        about.arch,
        about.data,
        about.options
    );
    Ok(state)
}

/// A bar for people, a line per epoch for logs, a state file to go on from.
struct Progress<'a> {
    bar: ProgressBar,
    options: &'a FitOptions,
    validation: &'a Images,
    saved: PathBuf,
    per_epoch: usize,
    loss: Sum,
    epoch_begun: Instant,
}

/// A mean under way.
#[derive(Default)]
struct Sum {
    total: f64,
    images: usize,
}

impl<'a> Progress<'a> {
    fn new(plan: &'a Plan, data: &'a DataSet, output: &Path, done: usize) -> Progress<'a> {
        let bar = ProgressBar::new(plan.options.steps(data.train.len()) as u64).with_position(done as u64);
        let style = ProgressStyle::with_template("{bar:32} {pos}/{len} steps, {eta} left, {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.reset_eta();
        Progress {
            bar,
            options: &plan.options,
            validation: &data.validation,
            saved: resume_path(output),
            per_epoch: plan.options.steps_per_epoch(data.train.len()),
            loss: Sum::default(),
            epoch_begun: Instant::now(),
        }
    }

    fn images_per_second(&self) -> f64 {
        self.loss.images as f64 / self.epoch_begun.elapsed().as_secs_f64()
    }
}

impl Watch for Progress<'_> {
    fn step(&mut self, _done: usize, loss: f64, images: usize) {
        self.loss.total += loss * images as f64;
        self.loss.images += images;
        self.bar.inc(1);
        self.bar.set_message(format!("{:.0} images/s, loss {loss:.3}", self.images_per_second()));
    }

    fn epoch(&mut self, state: &State) -> Result<()> {
        let speed = self.images_per_second();
        save_state(self.options, state, &self.saved)?;
        let validation = 100.0 * accuracy(&state.network, self.validation)?;
        let (epoch, loss) = (state.steps as f64 / self.per_epoch as f64, self.loss.total / self.loss.images as f64);
        self.bar.suspend(|| {
            println!(
                "epoch {epoch:.1}/{}: loss {loss:.4}, validation {validation:.2} %, {speed:.0} images/s",
                self.options.epochs
            );
        });
        self.loss = Sum::default();
        self.epoch_begun = Instant::now();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
