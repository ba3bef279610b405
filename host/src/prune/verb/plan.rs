//! From the trained network to the pruned one.

use std::time::Instant;

use anyhow::Result;

use super::Bench;
use crate::inform::PermutationTest;
use crate::network::{Network, evaluate};
use crate::prune::budget::{self, Ground};
use crate::prune::cutoff::{self, Cutoff, Evidence};
use crate::prune::reconstruct::{self, Answers};
use crate::prune::survey::{self, Survey};
use crate::prune::tries::{Tries, Try};
use crate::prune::tune::Teacher;
use crate::prune::{drop_layers, steps};
use crate::quantize::layout;
use crate::rig::board_memory;
use crate::rig::firmware::{self, Firmware};

impl Bench<'_> {
    /// Whole layers go, where that was asked for.
    pub(super) fn drop_layers(&mut self) -> Result<()> {
        let request = self.request;
        let Some(limits) = &request.drop else { return Ok(()) };
        let images = survey::draw(&self.data.train, request.survey.images, request.survey.seed)?;
        self.network = self.timed(
            |seconds| &mut seconds.fine_tune,
            |bench| {
                let fit_on = reconstruct::draw(&bench.data.train, request.reconstruct_images)?;
                drop_layers::drop(&bench.unpruned, &bench.data, &images, fit_on.as_ref(), limits, &request.fine_tune)
            },
        )?;
        Ok(())
    }

    /// The board's firmware with the network's operators.
    pub(super) fn firmware(&mut self) -> Result<Firmware> {
        let table = layout::table(&self.network.arch, self.network.input, self.network.classes)?;
        let request = self.request;
        self.timed(
            |seconds| &mut seconds.firmware,
            |_| firmware::build(&request.board, request.profile, &firmware::operators(&table)),
        )
    }

    /// The survey, and the widths that fit. Whether any fit is known before the survey.
    pub(super) fn plan(&mut self, firmware: &Firmware) -> Result<(Survey, Try)> {
        let request = self.request;
        let network = self.network.clone();
        let ground = Ground::new(&network, firmware.footprint, board_memory(&request.board));
        ground.check_reachable(request.budget)?;
        let cache = request.out.join("cache");
        let survey = self.timed(
            |seconds| &mut seconds.survey,
            |bench| survey::survey(&network, &bench.data.train, &request.survey, &cache),
        )?;
        let images = reconstruct::draw(&self.data.train, request.reconstruct_images)?;
        let answers = images.map(|images| Answers::new(&network, &images));
        let answers = answers.as_ref();
        let (depth, plan) =
            self.timed(|seconds| &mut seconds.search, |bench| bench.search(&survey, answers, &ground))?;
        let gone = depth.gone(&network);
        if !gone.is_empty() {
            println!("without {}: the time is worth more elsewhere", gone.join(", "));
        }
        println!("plan: {} keeps {}", network.arch, plan.arch);
        let survey = self.timed(
            |seconds| &mut seconds.survey,
            |bench| {
                let shallower = reconstruct::without(&network, &depth, answers)?;
                let survey = Survey { layers: depth.of(&network, &survey.layers) };
                request.walk.survey(&shallower, &bench.data.train, &request.survey, survey, &plan.widths, &cache)
            },
        )?;
        Ok((survey, (depth, plan)))
    }

    /// What the cutoff keeps, and what of it fits.
    fn search(&self, survey: &Survey, answers: Option<&Answers>, ground: &Ground) -> Result<Try> {
        let (request, orders) = (self.request, survey.orders());
        let (network, validation) = (&self.network, &self.data.validation);
        let evidence = Evidence {
            network,
            orders: &orders,
            answers,
            validation,
            images: &survey::draw(&self.data.train, request.survey.images, request.survey.seed)?,
            criterion: request.survey.criterion,
            test: PermutationTest { seed: request.survey.seed, ..PermutationTest::default() },
        };
        let cuts = cutoff::cut(request.cutoff, &evidence)?;
        if request.cutoff != Cutoff::Budget {
            println!("{}", cutoff::table(&cuts));
        }
        let widest = cutoff::widths(&cuts);
        let searched = budget::search_within(&widest, &orders, ground, request.budget)?;
        let tries = Tries { network, orders: &orders, answers, validation };
        tries.search(searched, &widest, ground, request.budget, |(depth, plan), nats| {
            let gone = depth.gone(network);
            let without = if gone.is_empty() { String::new() } else { format!(" without {}", gone.join(", ")) };
            println!("tried {}{without}: {nats:.4} nats from the unpruned network's answers", plan.arch)
        })
    }

    /// Surgery, reconstruction and fine-tuning.
    pub(super) fn prune(&mut self, survey: &Survey, (depth, plan): &Try, teacher: &Teacher) -> Result<Network> {
        let options = &self.request.fine_tune;
        let images = reconstruct::draw(&self.data.train, self.request.reconstruct_images)?;
        let fitted =
            images.as_ref().map_or(String::new(), |images| format!(", layers fitted on {} images", images.len()));
        let validation = &self.data.validation;
        let seen = |cut: &Network| {
            let accuracy = 100.0 * evaluate::accuracy(cut, validation)?;
            println!("cut to {}{fitted}: {accuracy:.2} % on validation", cut.arch);
            Ok(())
        };
        let rounds =
            steps::Rounds { count: self.request.steps, rank_again: None, images: images.as_ref(), seen: &seen };
        let begun = Instant::now();
        let widths = &plan.widths;
        let pruned = steps::prune(teacher, depth, &survey.orders(), widths, &self.data.train, options, &rounds)?;
        println!("fine-tuned: {:.2} % on validation", 100.0 * evaluate::accuracy(&pruned, validation)?);
        self.seconds.fine_tune += begun.elapsed().as_secs_f64();
        Ok(pruned)
    }
}
