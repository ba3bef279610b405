//! Plans tried out: where curves cannot say which widths are better, or whether a layer less is, fitted networks and validation
//! images do.

use anyhow::{Context, Result};

use super::budget::{self, Budget, Ground, Plan};
use super::order::LayerOrder;
use super::reconstruct::{self, Answers};
use super::{allocate, surgery};
use crate::data::Images;
use crate::network::{Layer, Network, evaluate};

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

/// A network without one of its layers, the ones after it fitted to answer as before.
pub struct Shallower {
    /// What is left.
    pub network: Network,
    /// The layer's place among those that can be pruned.
    pub gone: usize,
    /// Of the filters that are left.
    pub orders: Vec<LayerOrder>,
    /// What its layers are fitted to once it is cut.
    pub answers: Option<Answers>,
}

/// A plan, and the network that it is about where that is not the whole one.
pub type Try = (Option<Shallower>, Plan);

impl Tries<'_> {
    /// What is nearest to the unpruned network's answers of [`allocate::candidates`] and, where time is bounded, of plans for
    /// networks without one of the layers. `seen` sees each one's distance, in nats. Without such a bound that is `searched`.
    ///
    /// # Errors
    /// What the search, surgery, reconstruction or the network refuses.
    pub fn search(
        &self,
        searched: Plan,
        widest: &[usize],
        ground: &Ground,
        budget: Budget,
        seen: impl Fn(&Plan, f64),
    ) -> Result<Try> {
        let plans = allocate::candidates(searched, widest, ground, budget)?;
        let shallower = if budget.work.is_some() { self.shallower(widest, ground, budget)? } else { Vec::new() };
        self.best(plans.into_iter().map(|plan| (None, plan)).chain(shallower).collect(), seen)
    }

    /// For each layer that gives as many channels as it takes the search's plan of a network without it, none wider than `widest`.
    /// Where time is tight the others win more by its multiply-accumulates than it did (README.md).
    ///
    /// # Errors
    /// As [`budget::search_within`] and [`reconstruct::without`].
    fn shallower(&self, widest: &[usize], ground: &Ground, budget: Budget) -> Result<Vec<Try>> {
        let layers = self.network.prunable();
        let passes_on = |layer: usize| match &self.network.layers[layer] {
            Layer::Conv(conv) => conv.inputs == conv.outputs,
            _ => false,
        };
        let without = |(gone, layer): (usize, &usize)| -> Result<Try> {
            let network = reconstruct::without(self.network, &[*layer], self.answers)?;
            let answers = self.answers.map(|answers| answers.of_network(&network));
            let shallower = Shallower { orders: left(self.orders, gone), network, gone, answers };
            let ground = Ground { arch: &shallower.network.arch, ..*ground };
            let plan = budget::search_within(&left(widest, gone), &shallower.orders, &ground, budget)?;
            Ok((Some(shallower), plan))
        };
        layers.iter().enumerate().filter(|(_, layer)| passes_on(**layer)).map(without).collect()
    }

    /// The plan whose network, before it is trained, answers validation images most like the unpruned one; of equals the first.
    /// `seen` sees each one's divergence from it, in nats ([`evaluate::divergence`]). A single plan is not tried.
    ///
    /// That is what fine-tuning lowers, and tells widths apart where accuracy, a count of 2,000 images, does not. Fitted networks
    /// differ by their widths alone; training would add a spread of its own, and take its time.
    ///
    /// # Errors
    /// No plan; what surgery, reconstruction or the network refuses.
    fn best(&self, mut tries: Vec<Try>, seen: impl Fn(&Plan, f64)) -> Result<Try> {
        let (mut best, mut least) = (0, f64::INFINITY);
        if tries.len() > 1 {
            let logits = evaluate::logits(self.network, self.validation)?;
            for (place, (shallower, plan)) in tries.iter().enumerate() {
                let cut = match shallower {
                    Some(Shallower { network, orders, answers, .. }) => {
                        reconstruct::remove(network, &surgery::kept(orders, &plan.widths), answers.as_ref())?
                    }
                    None => reconstruct::remove(self.network, &surgery::kept(self.orders, &plan.widths), self.answers)?,
                };
                let divergence = evaluate::divergence(&cut, self.validation, &logits)?;
                seen(plan, divergence);
                if divergence < least {
                    (best, least) = (place, divergence);
                }
            }
        }
        (best < tries.len()).then(|| tries.swap_remove(best)).context("no plan to try")
    }
}

/// All but the one that is gone.
pub fn left<T: Clone>(layers: &[T], gone: usize) -> Vec<T> {
    layers.iter().enumerate().filter(|(layer, _)| *layer != gone).map(|(_, layer)| layer.clone()).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use secateur_shared::memory::Footprint;

    use super::*;
    use crate::data::Shape;
    use crate::network::{Item, Normalization};
    use crate::prune::Work;
    use crate::rig::board_memory;

    const SHAPE: Shape = Shape { height: 8, width: 8, channels: 1 };

    #[test]
    fn what_answers_most_like_the_unpruned_network_is_taken_and_a_single_plan_is_not_tried() {
        let arch = "6,P,8,F12".parse().expect("an architecture");
        let normalization = Normalization { mean: 100, deviation: 60.0 };
        let network = Network::random(arch, SHAPE, 4, normalization, 3).expect("fits");
        let pixels: Vec<u8> = (0..100 * SHAPE.values()).map(|at| (at * 37 % 251 + at / 64 * 17 % 97) as u8).collect();
        let images = Images { shape: SHAPE, pixels, labels: vec![0; 100] };
        let orders = [6, 8, 12].map(|filters| LayerOrder::by_score("layer", &vec![1.0; filters]));
        let board = secateur_boards::find("netduinoplus2").expect("a board");
        let footprint = Footprint { code_bytes: 10_000, static_ram_bytes: 1_024 };
        let ground = Ground::new(&network, footprint, board_memory(&board));
        let plan = |widths: [usize; 3]| ground.plan(&widths).expect("a plan");
        let answers = Answers::new(&network, &images);
        let tries = Tries { network: &network, orders: &orders, answers: Some(&answers), validation: &images };
        let seen = RefCell::new(Vec::new());
        let whole = |plans: Vec<Plan>| plans.into_iter().map(|plan| (None, plan)).collect::<Vec<Try>>();
        let best = |plans| {
            let found = tries.best(whole(plans), |_, divergence| seen.borrow_mut().push(divergence));
            found.map(|(_, plan)| plan)
        };
        assert_eq!(best(vec![plan([1, 1, 1]), plan([6, 8, 12]), plan([2, 2, 2])]).expect("tries").widths, [6, 8, 12]);
        let seen_all = seen.take();
        assert!(
            seen_all.len() == 3 && seen_all[1].abs() < 1e-9 && seen_all[0] > 0.0 && seen_all[2] > 0.0,
            "{seen_all:?}"
        );
        assert_eq!(best(vec![plan([1, 1, 1])]).expect("one").widths, [1, 1, 1]);
        assert!(seen.take().is_empty() && best(Vec::new()).is_err());
    }

    #[test]
    fn a_layer_that_gives_what_it_takes_is_tried_without() {
        let normalization = Normalization { mean: 100, deviation: 60.0 };
        let pixels: Vec<u8> = (0..100 * SHAPE.values()).map(|at| (at * 37 % 251 + at / 64 * 17 % 97) as u8).collect();
        let images = Images { shape: SHAPE, pixels, labels: vec![0; 100] };
        let board = secateur_boards::find("netduinoplus2").expect("a board");
        let footprint = Footprint { code_bytes: 10_000, static_ram_bytes: 1_024 };
        for (arch, gone) in [("6,6,P,8,F12", vec![1]), ("6,P,8,F12,F12", vec![]), ("5,6,6,P,6,F12", vec![2, 3])] {
            let network =
                Network::random(arch.parse().expect("an architecture"), SHAPE, 4, normalization, 3).expect("fits");
            let of = |layer: usize| LayerOrder::by_score("layer", &vec![1.0; layer]);
            let widest: Vec<usize> = network.arch.items().iter().filter_map(width).collect();
            let orders: Vec<LayerOrder> = widest.iter().map(|filters| of(*filters)).collect();
            let ground = Ground::new(&network, footprint, board_memory(&board));
            let answers = Answers::new(&network, &images);
            let tries = Tries { network: &network, orders: &orders, answers: Some(&answers), validation: &images };
            let macs = network.macs().expect("an architecture") as u64 / 4;
            let budget = Budget { work: Some(Work::macs(macs)), ..Budget::on(&board, None, None).expect("a budget") };
            let found = tries.shallower(&widest, &ground, budget).expect("plans");
            let places: Vec<usize> = found.iter().filter_map(|(left, _)| Some(left.as_ref()?.gone)).collect();
            assert_eq!(places, gone, "{arch}");
            for (left, plan) in &found {
                let left = left.as_ref().expect("a layer less");
                assert_eq!((left.orders.len(), plan.widths.len()), (widest.len() - 1, widest.len() - 1));
                assert_eq!(left.network.layers.len(), network.layers.len() - 1);
                assert!(plan.arch.macs(SHAPE, 4).expect("an architecture") as u64 <= macs, "{}", plan.arch);
            }
            let (seen, count) = (RefCell::new(Vec::new()), found.len());
            let all = found.into_iter().chain([(None, ground.plan(&vec![1; widest.len()]).expect("a plan"))]).collect();
            let (best, plan) =
                tries.best(all, |plan, nats| seen.borrow_mut().push((nats, plan.arch.to_string()))).expect("tries");
            let seen = seen.into_inner();
            if count == 0 {
                assert!(seen.is_empty() && best.is_none());
                continue;
            }
            let least = seen.iter().min_by(|a, b| a.0.total_cmp(&b.0)).expect("some");
            assert_eq!((seen.len(), &plan.arch.to_string()), (count + 1, &least.1));
            assert!(best.is_some() == (plan.widths.len() < widest.len()));
        }
    }

    fn width(item: &Item) -> Option<usize> {
        match item {
            Item::Conv(width) | Item::Hidden(width) => Some(*width),
            Item::Pool => None,
        }
    }
}
