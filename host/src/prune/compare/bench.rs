//! What trials share, and the doing of one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use secateur_shared::memory::Footprint;

use super::trial::{self, Accuracy, Outcome, Settings, Trial};
use super::{Request, store};
use crate::data::DataSet;
use crate::network::train::FitOptions;
use crate::network::{Network, backend, evaluate};
use crate::prune::allocate::Rule;
use crate::prune::depth::Depth;
use crate::prune::rank::{self, Method, Ranking, Subject, Target};
use crate::prune::reconstruct::{self, Answers};
use crate::prune::tries::{Tries, Try};
use crate::prune::tune::{self, Teacher};
use crate::prune::{Budget, Ground, LayerOrder, allocate, finish, inputs, surgery};
use crate::quantize::layout;
use crate::rig::{board_memory, firmware};

/// A comparison under way.
pub(super) struct Bench<'r> {
    request: &'r Request,
    network: Network,
    teacher: Teacher,
    data: DataSet,
    /// What layers are fitted to.
    answers: Option<Answers>,
    footprint: Footprint,
    folder: PathBuf,
    settings: Settings,
    key: String,
    /// Rankings that were made already.
    orders: HashMap<(Method, u64), Vec<LayerOrder>>,
    /// The unpruned network on test images, once it is known.
    unpruned_test: Option<f64>,
}

impl<'r> Bench<'r> {
    /// Reads everything, and finds out whether budgets can be met and results written, before any trial.
    pub(super) fn open(request: &'r Request) -> Result<Self> {
        let (network, data) = inputs::open(&request.network, &request.data)?;
        let table = layout::table(&network.arch, network.input, network.classes)?;
        let firmware = firmware::build(&request.board, request.profile, &firmware::operators(&table))?;
        let settings = settings(request, &network, &data, firmware.footprint)?;
        let folder = request.output.clone().unwrap_or_else(|| request.out.join(settings.folder_name()));
        let (footprint, key) = (firmware.footprint, settings.key()?);
        let (orders, unpruned_test) = (HashMap::new(), None);
        let images = reconstruct::draw(&data.train, request.reconstruct_images)?;
        let answers = images.map(|images| Answers::new(&network, &images));
        let teacher = Teacher::new(&network);
        let bench =
            Self { request, network, teacher, data, answers, footprint, folder, settings, key, orders, unpruned_test };
        request.budgets.iter().try_for_each(|budget| bench.ground().check_reachable(*budget))?;
        finish::try_folder(&bench.folder)?;
        Ok(bench)
    }

    /// The comparison's folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A trial that is done.
    pub(super) fn find(&self, trial: &Trial) -> Option<Outcome> {
        store::find(&self.folder, trial, &self.key)
    }

    pub(super) fn headline(&self, all: usize, mine: usize, left: usize) -> Result<String> {
        let shard = self.request.shard;
        let part =
            if shard.of == 1 { String::new() } else { format!(", {mine} in shard {}/{}", shard.index, shard.of) };
        Ok(format!(
            "{} on {}: {:.0} k weights; {all} trials{part}, {left} to do in {}",
            self.network.arch.name(),
            self.data.name,
            self.network.weights()? as f64 / 1e3,
            self.folder.display(),
        ))
    }

    fn ground(&self) -> Ground<'_> {
        Ground::new(&self.network, self.footprint, board_memory(&self.request.board))
    }

    /// Does a trial and writes it.
    pub(super) fn try_out(&mut self, trial: &Trial) -> Result<Outcome> {
        let outcome = self.outcome(trial).with_context(|| trial.to_string())?;
        store::put(&self.folder, &outcome)?;
        Ok(outcome)
    }

    fn outcome(&mut self, trial: &Trial) -> Result<Outcome> {
        let begun = Instant::now();
        let orders = self.orders(trial.ranking, trial.seed)?;
        let (depth, plan) = self.plan(trial, &orders)?;
        let shallower = reconstruct::without(&self.network, &depth, self.answers.as_ref())?;
        let target = Target { depth: &depth, network: &shallower, widths: &plan.widths };
        let orders = self.ranking(trial.ranking).orders_at(&self.subject(trial.seed)?, &orders, &target)?;
        let kept = surgery::kept(&orders, &plan.widths);
        let cut = reconstruct::cut(&self.network, &depth, &kept, self.answers.as_ref())?;
        let before_validation = evaluate::accuracy(&cut, &self.data.validation)?;
        let tuned = self.fine_tune(cut, trial.seed)?;
        Ok(Outcome {
            key: self.key.clone(),
            trial: *trial,
            arch: tuned.arch.to_string(),
            flash_bytes: plan.memory.flash_bytes,
            ram_bytes: plan.memory.ram_bytes,
            macs: tuned.macs()?,
            weights: tuned.weights()?,
            accuracy: self.accuracy(&tuned, before_validation)?,
            kept: plan.widths,
            seconds: begun.elapsed().as_secs_f64(),
            settings: self.settings.clone(),
        })
    }

    /// A ranking of a seed, made once.
    fn orders(&mut self, ranking: Method, seed: u64) -> Result<Vec<LayerOrder>> {
        if let Some(orders) = self.orders.get(&(ranking, seed)) {
            return Ok(orders.clone());
        }
        let orders = self.ranking(ranking).orders(&self.subject(seed)?)?;
        self.orders.insert((ranking, seed), orders.clone());
        Ok(orders)
    }

    fn ranking(&self, ranking: Method) -> Box<dyn Ranking> {
        let cache = self.request.out.join("cache");
        ranking.ranking(&rank::Options { criterion: self.request.criterion, cache })
    }

    fn subject(&self, seed: u64) -> Result<Subject<'_>> {
        Subject::new(&self.network, &self.data.train, self.request.images, seed)
    }

    fn plan(&mut self, trial: &Trial, own: &[LayerOrder]) -> Result<Try> {
        let curves = match trial.widths {
            Rule::Curves => self.orders(Method::Cmi, trial.seed)?,
            _ => Vec::new(),
        };
        let (ground, budget) = (self.ground(), self.budget(trial)?);
        let plan = allocate::plan(trial.widths, own, &curves, &ground, budget)?;
        if trial.widths != Rule::Curves {
            return Ok((Depth::whole(&self.network), plan));
        }
        let widest: Vec<usize> = curves.iter().map(LayerOrder::filters).collect();
        let trials = Tries {
            network: &self.network,
            orders: &curves,
            answers: self.answers.as_ref(),
            validation: &self.data.validation,
        };
        trials.search(plan, &widest, &ground, budget, |_, _| ())
    }

    fn budget(&self, trial: &Trial) -> Result<Budget> {
        let asked = self.request.budgets.iter().find(|budget| budget.flash_bytes == trial.budget_bytes);
        let asked = asked.copied().context("trials are made from budgets")?;
        match self.request.equal_macs {
            Some(control) if matches!(trial.widths, Rule::Curves | Rule::Own) => {
                allocate::at_macs_of(control, &self.ground(), asked)
            }
            _ => Ok(asked),
        }
    }

    fn fine_tune(&self, cut: Network, seed: u64) -> Result<Network> {
        let Some(options) = &self.request.fine_tune else { return Ok(cut) };
        tune::fine_tune(cut, &self.teacher, &self.data.train, &FitOptions { seed, ..options.clone() })
    }

    /// Test images are read here, for the report; nothing is chosen by them.
    fn accuracy(&mut self, tuned: &Network, before_validation: f64) -> Result<Accuracy> {
        let unpruned_test = match self.unpruned_test {
            Some(accuracy) => accuracy,
            None => evaluate::accuracy(&self.network, &self.data.test)?,
        };
        self.unpruned_test = Some(unpruned_test);
        let int8 = || finish::accuracy(&finish::quantize(tuned, &self.data)?.blob, &self.data.test);
        Ok(Accuracy {
            unpruned_test,
            before_validation,
            validation: evaluate::accuracy(tuned, &self.data.validation)?,
            test: evaluate::accuracy(tuned, &self.data.test)?,
            int8_test: self.request.int8.then(int8).transpose()?,
        })
    }
}

fn settings(request: &Request, network: &Network, data: &DataSet, footprint: Footprint) -> Result<Settings> {
    let fine_tune = match &request.fine_tune {
        // The seed is the trial's.
        Some(options) => serde_json::to_value(FitOptions { seed: 0, ..options.clone() })?,
        None => serde_json::Value::Null,
    };
    Ok(Settings {
        revision: trial::REVISION,
        arch: network.arch.name(),
        network: trial::network_digest(network)?,
        data: data.name.clone(),
        images: trial::data_digest(data),
        board: request.board.name.clone(),
        profile: request.profile.name().to_owned(),
        code_bytes: footprint.code_bytes,
        static_ram_bytes: footprint.static_ram_bytes,
        ram_bytes: request.budgets.first().map_or(0, |budget| budget.ram_bytes),
        survey_images: request.images,
        backend: backend::name().to_owned(),
        reconstruct_images: request.reconstruct_images,
        criterion: request.criterion,
        fine_tune,
        equal_macs: request.equal_macs,
        int8: request.int8,
    })
}
