//! Plans tried out: where curves cannot say which widths are better, or whether a layer less is, fitted networks and validation
//! images do.

use anyhow::{Context, Result};

use super::budget::{self, Budget, Ground, Plan};
use super::depth::Depth;
use super::order::LayerOrder;
use super::reconstruct::{self, Answers};
use super::{allocate, surgery};
use crate::data::Images;
use crate::network::{Network, evaluate};

/// What plans are tried with.
pub struct Tries<'a> {
    /// The unpruned network.
    pub network: &'a Network,
    /// Of its filters.
    pub orders: &'a [LayerOrder],
    /// What layers are fitted to.
    pub answers: Option<&'a Answers>,
    /// What a choice is made on; its labels are not looked at.
    pub validation: &'a Images,
}

/// A plan, and the layers that it is about.
pub type Try = (Depth, Plan);

impl Tries<'_> {
    /// What is nearest to the unpruned network's answers of [`allocate::candidates`] and, where time is bounded, of plans for
    /// networks of fewer layers. `seen` sees each one's distance, in nats. Without such a bound that is `searched`.
    ///
    /// From the best so far, layers more are left out, each in turn ([`Depth::shallower`]), until none is nearer.
    ///
    /// # Errors
    /// What the search, surgery, reconstruction or the network refuses.
    pub fn search(
        &self,
        searched: Plan,
        widest: &[usize],
        ground: &Ground,
        budget: Budget,
        seen: impl Fn(&Try, f64),
    ) -> Result<Try> {
        let whole = Depth::whole(self.network);
        if budget.work.is_none() {
            return Ok((whole, searched));
        }
        let logits = evaluate::logits(self.network, self.validation)?;
        let nearest = |tries: Vec<Try>| self.nearest(tries, &logits, &seen);
        let plans = allocate::candidates(searched, widest, ground, budget)?;
        let plans = plans.into_iter().map(|plan| (whole.clone(), plan)).collect();
        let (mut found, mut least) = nearest(plans)?.context("no plan to try")?;
        loop {
            let shallower = found.0.shallower(self.network).into_iter();
            let plans = shallower.filter_map(|depth| self.plan(depth, widest, ground, budget).transpose());
            match nearest(plans.collect::<Result<_>>()?)? {
                Some((next, nats)) if nats < least => (found, least) = (next, nats),
                _ => return Ok(found),
            }
        }
    }

    /// The search's plan for these layers; none where one filter per layer does not fit. That may be although it did with a layer
    /// more: what comes after may take more than that layer did.
    fn plan(&self, depth: Depth, widest: &[usize], ground: &Ground, budget: Budget) -> Result<Option<Try>> {
        let arch = depth.of_network(self.network)?.arch;
        let (ground, widest) = (Ground { arch: &arch, ..*ground }, depth.of(self.network, widest));
        if ground.check_reachable(budget).is_err() {
            return Ok(None);
        }
        let plan = budget::search_within(&widest, &depth.of(self.network, self.orders), &ground, budget)?;
        Ok(Some((depth, plan)))
    }

    /// The plan whose network, before it is trained, answers validation images most like the unpruned one, whose `logits` these
    /// are, and its divergence from it, in nats ([`evaluate::divergence`]); of equals the first.
    ///
    /// That is what fine-tuning lowers, and tells plans apart where accuracy, a count of 2,000 images, does not. Fitted networks
    /// differ by their plans alone; training would add a spread of its own, and take its time.
    ///
    /// # Errors
    /// What surgery, reconstruction or the network refuses.
    fn nearest(&self, tries: Vec<Try>, logits: &[f32], seen: &impl Fn(&Try, f64)) -> Result<Option<(Try, f64)>> {
        let mut nearest: Option<(Try, f64)> = None;
        for trial in tries {
            let (depth, plan) = &trial;
            let kept = surgery::kept(&depth.of(self.network, self.orders), &plan.widths);
            let cut = reconstruct::cut(self.network, depth, &kept, self.answers)?;
            let nats = evaluate::divergence(&cut, self.validation, logits)?;
            seen(&trial, nats);
            if nearest.as_ref().is_none_or(|(_, least)| nats < *least) {
                nearest = Some((trial, nats));
            }
        }
        Ok(nearest)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use secateur_shared::memory::Footprint;

    use super::*;
    use crate::data::Shape;
    use crate::network::{Arch, Layer, Normalization};
    use crate::prune::Work;
    use crate::rig::board_memory;

    const SHAPE: Shape = Shape { height: 8, width: 8, channels: 1 };

    /// What a search needs, of a network of noise.
    struct Bench {
        network: Network,
        images: Images,
        answers: Answers,
        orders: Vec<LayerOrder>,
        budget: Budget,
    }

    impl Bench {
        /// With this share of the network's multiply-accumulates, where it is bounded.
        fn new(arch: &str, share: Option<u64>) -> Self {
            let normalization = Normalization { mean: 100, deviation: 60.0 };
            let arch: Arch = arch.parse().expect("an architecture");
            let network = Network::random(arch, SHAPE, 4, normalization, 3).expect("fits");
            let pixels = (0..100 * SHAPE.values()).map(|at| (at * 37 % 251 + at / 64 * 17 % 97) as u8).collect();
            let images = Images { shape: SHAPE, pixels, labels: vec![0; 100] };
            let widths = network.arch.items().iter().filter_map(|item| item.width());
            let orders = widths.map(|filters| LayerOrder::by_score("layer", &vec![1.0; filters])).collect();
            let board = secateur_boards::find("netduinoplus2").expect("a board");
            let macs = network.macs().expect("an architecture") as u64;
            let work = share.map(|share| Work::macs(macs * share / 100));
            let budget = Budget { work, ..Budget::on(&board, None, None).expect("a budget") };
            Self { answers: Answers::new(&network, &images), network, images, orders, budget }
        }

        fn tries(&self) -> Tries<'_> {
            let Self { network, images, answers, orders, .. } = self;
            Tries { network, orders, answers: Some(answers), validation: images }
        }

        /// What is found, and what was seen: architecture, nats.
        fn search(&self) -> (Try, Vec<(String, f64)>) {
            let board = secateur_boards::find("netduinoplus2").expect("a board");
            let footprint = Footprint { code_bytes: 10_000, static_ram_bytes: 1_024 };
            let ground = Ground::new(&self.network, footprint, board_memory(&board));
            let widest: Vec<usize> = self.orders.iter().map(LayerOrder::filters).collect();
            let searched = budget::search(&self.orders, &ground, self.budget).expect("a plan");
            let seen = RefCell::new(Vec::new());
            let see = |(_, plan): &Try, nats: f64| seen.borrow_mut().push((plan.arch.to_string(), nats));
            let found = self.tries().search(searched, &widest, &ground, self.budget, see).expect("a plan");
            (found, seen.into_inner())
        }
    }

    #[test]
    fn without_a_bound_on_time_nothing_is_tried() {
        let bench = Bench::new("6,6,P,8,F12", None);
        let ((depth, plan), seen) = bench.search();
        assert!(depth.gone(&bench.network).is_empty() && seen.is_empty());
        assert_eq!(plan.widths, [6, 6, 8, 12]);
    }

    #[test]
    fn what_answers_most_like_the_unpruned_network_is_taken() {
        for (arch, share) in [("6,6,P,8,F12", 60), ("6,6,P,8,F12", 20), ("6,6,P,8,8,F12", 10), ("6,P,8,F12,F12", 30)] {
            let bench = Bench::new(arch, Some(share));
            let ((depth, plan), seen) = bench.search();
            let least = seen.iter().min_by(|a, b| a.1.total_cmp(&b.1)).expect("some");
            assert_eq!(plan.arch.to_string(), least.0, "{arch} at {share} %");
            assert_eq!(plan.widths.len(), depth.of(&bench.network, &bench.orders).len());
            let macs = plan.arch.macs(SHAPE, 4).expect("an architecture");
            assert!(macs <= bench.network.macs().expect("an architecture") * share as usize / 100, "{}", plan.arch);
        }
    }

    #[test]
    fn a_layer_without_which_nothing_fits_stays() {
        // Of one filter and one unit 576 + 64 + 4 multiply-accumulates; without the hidden layer 576 + 256.
        let mut bench = Bench::new("8,F8", None);
        bench.budget.work = Some(Work::macs(700));
        let ((_, plan), seen) = bench.search();
        assert!(seen.len() > 1 && seen.iter().all(|(arch, _)| arch.contains('F')), "{}: {seen:?}", plan.arch);
    }

    #[test]
    fn layers_whose_time_is_wasted_go_one_after_the_other() {
        let mut bench = Bench::new("8,8,8,8,P,8,F12", Some(10));
        (1..=3).for_each(|layer| pass_on(&mut bench.network, layer));
        bench.answers = Answers::new(&bench.network, &bench.images);
        let ((depth, plan), seen) = bench.search();
        assert_eq!(depth.gone(&bench.network), ["conv2", "conv3", "conv4"], "{}: {seen:?}", plan.arch);
    }

    fn pass_on(network: &mut Network, layer: usize) {
        let Layer::Conv(conv) = &mut network.layers[layer] else { panic!("layer {layer} is a convolution") };
        conv.pass_on();
    }
}
