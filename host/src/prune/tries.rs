//! Plans tried out: where curves cannot say which widths are better, fitted networks and validation images do.

use anyhow::{Context, Result};

use super::budget::{self, Budget, Ground, Plan};
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
    /// What a plan must fit, and where.
    pub ground: &'a Ground<'a>,
    /// The same.
    pub budget: Budget,
    /// No plan is wider.
    pub widest: &'a [usize],
}

/// By what a layer's width is multiplied, or divided where it is whole, to see what that changes.
const PROBE: f64 = 1.25;

/// By what widths may change at a time, at the most: less where more made things worse.
const REACHES: [f64; 2] = [1.6, 1.25];

/// The most times that elasticities are measured.
const ROUNDS: usize = 3;

impl Tries<'_> {
    /// Under a bound on time, the plan whose network, before it is trained, answers validation images most like the unpruned one: of
    /// [`allocate::candidates`], then of what is found from the best of them. `seen` sees each one's divergence from the unpruned
    /// network, in nats, the mean over images ([`evaluate::divergences`]). Without such a bound, `searched`.
    ///
    /// From the best plan, each layer's elasticity e is measured: the divergence goes by the power -e of its width. The search for
    /// the least sum of such powers within the budget then gives another plan, no width of which is far from where e was measured.
    /// Where that one is better, the same from there: better by more than twice the standard error of the images' differences, for
    /// what is looked for among many plans is found in a sample's noise too.
    ///
    /// Divergence is what fine-tuning lowers, and tells widths apart where accuracy, a count of 2,000 images, does not. Fitted
    /// networks differ by their widths alone; training would add a spread of its own, and take its time.
    ///
    /// # Errors
    /// What search, surgery, reconstruction or the network refuses.
    pub fn best(&self, searched: Plan, seen: impl Fn(&Plan, f64)) -> Result<Plan> {
        if self.budget.work.is_none() {
            return Ok(searched);
        }
        let whole = evaluate::logits(self.network, self.validation)?;
        let tried = |plan: Plan| -> Result<Tried> {
            let tried = Tried { nats: self.divergences(&plan.widths, &whole)?, plan };
            seen(&tried.plan, mean(&tried.nats));
            Ok(tried)
        };
        let candidates = allocate::candidates(searched, self.widest, self.ground, self.budget)?;
        let all = candidates.into_iter().map(tried).collect::<Result<Vec<_>>>()?;
        let mut best =
            all.into_iter().min_by(|a, b| mean(&a.nats).total_cmp(&mean(&b.nats))).context("no plan to try")?;
        for _ in 0..ROUNDS {
            let elasticities = self.elasticities(&best, &whole)?;
            let mut better = None;
            for reach in REACHES {
                let next = self.near(&best, &elasticities, reach)?;
                if next.widths != best.plan.widths {
                    better = Some(tried(next)?).filter(|next| next.is_better(&best));
                }
                if better.is_some() {
                    break;
                }
            }
            let Some(next) = better else { break };
            best = next;
        }
        Ok(best.plan)
    }

    fn divergences(&self, widths: &[usize], whole: &[f32]) -> Result<Vec<f64>> {
        let cut = reconstruct::remove(self.network, &surgery::kept(self.orders, widths), self.answers)?;
        evaluate::divergences(&cut, self.validation, whole)
    }

    /// -d ln(divergence) / d ln(width) of each layer, never below 0.
    fn elasticities(&self, at: &Tried, whole: &[f32]) -> Result<Vec<f64>> {
        let elasticity = |layer: usize| {
            let mut widths = at.plan.widths.clone();
            let (width, filters) = (widths[layer], self.orders[layer].filters());
            let wider = ((width as f64 * PROBE).round() as usize).max(width + 1);
            let narrower = ((width as f64 / PROBE).round() as usize).max(1);
            widths[layer] = if width < filters { wider.min(filters) } else { narrower };
            if widths[layer] == width {
                return Ok(0.0);
            }
            let ratio = mean(&self.divergences(&widths, whole)?) / mean(&at.nats);
            Ok(-(ratio.ln() / (widths[layer] as f64 / width as f64).ln()).min(0.0))
        };
        (0..at.plan.widths.len()).map(elasticity).collect()
    }

    /// The plan of the least sum of powers, no width of which is more than `reach` times another.
    fn near(&self, at: &Tried, elasticities: &[f64], reach: f64) -> Result<Plan> {
        let most = |(width, widest): (&usize, &usize)| ((*width as f64 * reach).ceil() as usize).min(*widest);
        let widest: Vec<usize> = at.plan.widths.iter().zip(self.widest).map(most).collect();
        let nats = mean(&at.nats);
        let losses = |layer: usize| {
            let width = at.plan.widths[layer] as f64;
            let least = (width / reach).floor().max(1.0);
            // A filter too few costs more than any power: only a budget that nothing else meets takes it.
            let loss =
                |kept: f64| nats * (kept.max(least) / width).powf(-elasticities[layer]) + FAR * (least - kept).max(0.0);
            (0..=self.orders[layer].filters()).map(|kept| loss(kept as f64)).collect()
        };
        let losses: Vec<Vec<f64>> = (0..widest.len()).map(losses).collect();
        budget::search_by(&losses, &widest, self.ground, self.budget)
    }
}

/// Nats for each filter out of reach.
const FAR: f64 = 1e3;

/// A plan, and how far its fitted network's answer is from the unpruned one's for each image, in nats.
struct Tried {
    plan: Plan,
    nats: Vec<f64>,
}

impl Tried {
    fn is_better(&self, than: &Self) -> bool {
        let less: Vec<f64> = than.nats.iter().zip(&self.nats).map(|(other, own)| other - own).collect();
        let (mean, count) = (mean(&less), less.len() as f64);
        let variance = less.iter().map(|less| (less - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
        mean > 2.0 * (variance / count).sqrt()
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use secateur_shared::memory::Footprint;

    use super::*;
    use crate::data::Shape;
    use crate::network::{Arch, Normalization};
    use crate::prune::Work;
    use crate::rig::board_memory;

    const SHAPE: Shape = Shape { height: 8, width: 8, channels: 1 };

    fn network() -> Network {
        let arch = "6,P,8,F12".parse().expect("an architecture");
        Network::random(arch, SHAPE, 4, Normalization { mean: 100, deviation: 60.0 }, 3).expect("fits")
    }

    fn images() -> Images {
        let pixels: Vec<u8> = (0..100 * SHAPE.values()).map(|at| (at * 37 % 251 + at / 64 * 17 % 97) as u8).collect();
        Images { shape: SHAPE, pixels, labels: vec![0; 100] }
    }

    /// The plan from these widths within so much work, and every plan that was tried.
    fn best(from: [usize; 3], work: Option<Work>) -> (Vec<usize>, Vec<(Vec<usize>, f64)>) {
        let (network, images) = (network(), images());
        let orders = [6, 8, 12].map(|filters| LayerOrder::by_score("layer", &vec![1.0; filters]));
        let board = secateur_boards::find("netduinoplus2").expect("a board");
        let footprint = Footprint { code_bytes: 10_000, static_ram_bytes: 1_024 };
        let ground = Ground::new(&network, footprint, board_memory(&board));
        let answers = Answers::new(&network, &images);
        let tries = Tries {
            network: &network,
            orders: &orders,
            answers: Some(&answers),
            validation: &images,
            ground: &ground,
            budget: Budget { work, ..Budget::on(&board, None, None).expect("a budget") },
            widest: &[6, 8, 12],
        };
        let seen = RefCell::new(Vec::new());
        let tried = |plan: &Plan, nats| seen.borrow_mut().push((plan.widths.clone(), nats));
        let plan = tries.best(ground.plan(&from).expect("a plan"), tried).expect("tries");
        (plan.widths, seen.take())
    }

    #[test]
    fn what_answers_most_like_the_unpruned_network_is_taken() {
        let arch: Arch = "3,P,4,F6".parse().expect("an architecture");
        let macs = arch.macs(SHAPE, 4).expect("macs") as u64;
        let (widths, seen) = best([1, 8, 1], Some(Work::macs(macs)));
        let least = seen.iter().min_by(|a, b| a.1.total_cmp(&b.1)).expect("tried");
        assert_eq!(widths, least.0);
        // The one that the search came with, what needs no curves, and what elasticities lead to.
        assert_eq!(seen[0].0, [1, 8, 1]);
        assert!(seen.len() > 4 && least.1 < seen[0].1, "{seen:?}");
        let within = |widths: &[usize]| {
            let text = format!("{},P,{},F{}", widths[0], widths[1], widths[2]);
            text.parse::<Arch>().expect("an architecture").macs(SHAPE, 4).expect("macs") as u64 <= macs
        };
        assert!(seen.iter().all(|(widths, _)| within(widths)), "{seen:?}");
    }

    #[test]
    fn without_a_bound_on_time_nothing_is_tried() {
        assert_eq!(best([1, 8, 1], None), (vec![1, 8, 1], Vec::new()));
    }
}
