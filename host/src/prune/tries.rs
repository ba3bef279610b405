//! Plans tried out: where curves cannot say which widths are better, fitted networks and validation images do.

use anyhow::{Context, Result};

use super::budget::Plan;
use super::order::LayerOrder;
use super::reconstruct::{self, Answers};
use super::surgery;
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

impl Tries<'_> {
    /// The plan whose network, before it is trained, answers validation images most like the unpruned one; of equals the first.
    /// `seen` sees each one's divergence from it, in nats ([`evaluate::divergence`]). A single plan is not tried.
    ///
    /// That is what fine-tuning lowers, and tells widths apart where accuracy, a count of 2,000 images, does not. Fitted networks
    /// differ by their widths alone; training would add a spread of its own, and take its time.
    ///
    /// # Errors
    /// No plan; what surgery, reconstruction or the network refuses.
    pub fn best(&self, mut plans: Vec<Plan>, seen: impl Fn(&Plan, f64)) -> Result<Plan> {
        let (mut best, mut least) = (0, f64::INFINITY);
        if plans.len() > 1 {
            let logits = evaluate::logits(self.network, self.validation)?;
            for (place, plan) in plans.iter().enumerate() {
                let kept = surgery::kept(self.orders, &plan.widths);
                let cut = reconstruct::remove(self.network, &kept, self.answers)?;
                let divergence = evaluate::divergence(&cut, self.validation, &logits)?;
                seen(plan, divergence);
                if divergence < least {
                    (best, least) = (place, divergence);
                }
            }
        }
        (best < plans.len()).then(|| plans.swap_remove(best)).context("no plan to try")
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use secateur_shared::memory::Footprint;

    use super::*;
    use crate::data::Shape;
    use crate::network::Normalization;
    use crate::prune::Ground;
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
        let best = |plans| tries.best(plans, |_, divergence| seen.borrow_mut().push(divergence));
        assert_eq!(best(vec![plan([1, 1, 1]), plan([6, 8, 12]), plan([2, 2, 2])]).expect("tries").widths, [6, 8, 12]);
        let seen_all = seen.take();
        assert!(
            seen_all.len() == 3 && seen_all[1].abs() < 1e-9 && seen_all[0] > 0.0 && seen_all[2] > 0.0,
            "{seen_all:?}"
        );
        assert_eq!(best(vec![plan([1, 1, 1])]).expect("one").widths, [1, 1, 1]);
        assert!(seen.take().is_empty() && best(Vec::new()).is_err());
    }
}
