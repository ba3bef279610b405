//! Pruning in rounds: a part of the cut, a part of the training, and again. Han et al. 2015 (arXiv 1506.02626),
//! section 3.4. One round wins back most at equal training (README, "What was tried").

use anyhow::{Result, ensure};

use super::depth::Depth;
use super::order::LayerOrder;
use super::reconstruct::{self, Answers};
use super::surgery;
use super::tune::{self, Teacher};
use crate::data::Images;
use crate::network::Network;
use crate::network::train::FitOptions;

/// Orders a network's filters.
pub type Rank<'r> = dyn Fn(&Network) -> Result<Vec<LayerOrder>> + 'r;

/// Sees a network.
pub type Seen<'r> = dyn Fn(&Network) -> Result<()> + 'r;

/// How the way from the unpruned network to its plan is divided.
pub struct Rounds<'r> {
    /// How many there are, 1 or more.
    pub count: usize,
    /// Orders what is left after each round but the last; where absent the first order is kept.
    pub rank_again: Option<&'r Rank<'r>>,
    /// What the layers are reconstructed on after each cut; where absent they are not.
    pub images: Option<&'r Images>,
    /// Sees the network after each cut, before it is trained.
    pub seen: &'r Seen<'r>,
}

/// Takes the teacher's network to another depth and to `widths`, one per prunable layer, and trains it after each round on an equal part of the images
/// that one round would see. One round is [`reconstruct::cut`] and [`tune::fine_tune`]; where nothing is cut, nothing is trained.
///
/// # Errors
/// No round; widths or orders that are not one per prunable layer; an order's or a training's own.
pub fn prune(
    teacher: &Teacher,
    depth: &Depth,
    orders: &[LayerOrder],
    widths: &[usize],
    train: &Images,
    options: &FitOptions,
    rounds: &Rounds,
) -> Result<Network> {
    ensure!(rounds.count > 0, "pruning in 0 rounds prunes nothing: give --steps 1 or more");
    let network = teacher.network();
    let full: Vec<usize> = orders.iter().map(LayerOrder::filters).collect();
    let cut = reconstruct::cut(network, depth, &surgery::kept(orders, widths), None)?;
    if cut.arch == network.arch {
        return Ok(cut);
    }
    let epochs = tune::epochs(options.epochs, network, &cut)?;
    let (mut depth, mut orders) = (depth.clone(), orders.to_vec());
    let mut pruned = network.clone();
    for round in 1..=rounds.count {
        let kept = surgery::kept(&orders, &between(&full, widths, round, rounds.count));
        let answers = rounds.images.map(|images| Answers::new(&pruned, images));
        pruned = reconstruct::cut(&pruned, &depth, &kept, answers.as_ref())?;
        depth = Depth::whole(&pruned);
        (rounds.seen)(&pruned)?;
        let part = FitOptions {
            epochs: epochs / rounds.count as f64,
            seed: options.seed + round as u64 - 1,
            ..options.clone()
        };
        pruned = tune::train(pruned, teacher, train, &part)?;
        orders = match rounds.rank_again {
            Some(rank) if round < rounds.count => rank(&pruned)?,
            _ => orders.iter().zip(&kept).map(|(order, kept)| renumbered(order, kept)).collect(),
        };
    }
    Ok(pruned)
}

/// The widths after `round` of `count` rounds: every round keeps the same share of a layer, the last ends at `last`.
fn between(full: &[usize], last: &[usize], round: usize, count: usize) -> Vec<usize> {
    let part = round as f64 / count as f64;
    let width = |full: usize, last: usize| full as f64 * (last as f64 / full as f64).powf(part);
    full.iter().zip(last).map(|(&full, &last)| (width(full, last).round() as usize).max(last)).collect()
}

/// The order of the filters that are left, by their new numbers; `kept` is ascending.
fn renumbered(order: &LayerOrder, kept: &[usize]) -> LayerOrder {
    let left = &order.order[..kept.len()];
    let share = |kept: usize| order.kept_share[kept];
    // Surgery reads the order alone; a layer whose first filters are worth nothing keeps its shares as they are.
    let whole = if share(kept.len()) > 0.0 { share(kept.len()) } else { 1.0 };
    LayerOrder {
        name: order.name.clone(),
        order: left.iter().map(|filter| kept.partition_point(|other| other < filter)).collect(),
        kept_share: (0..=kept.len()).map(|kept| share(kept) / whole).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Shape;
    use crate::network::{Item, Normalization};

    const SHAPE: Shape = Shape { height: 6, width: 6, channels: 1 };

    const ONE: Rounds = Rounds { count: 1, rank_again: None, images: None, seen: &|_| Ok(()) };

    fn network() -> Network {
        let arch = "8,P,6,6,F12".parse().expect("an architecture");
        Network::random(arch, SHAPE, 2, Normalization { mean: 10, deviation: 60.0 }, 1).expect("fits")
    }

    fn train() -> Images {
        Images {
            shape: SHAPE,
            pixels: (0..32 * SHAPE.values()).map(|at| (at * 37 % 251) as u8).collect(),
            labels: (0..32).map(|image| image % 2).collect(),
        }
    }

    fn orders(network: &Network) -> Result<Vec<LayerOrder>> {
        let widths = network.arch.items().iter().filter_map(Item::width);
        let scores = |width| (0..width).map(|filter| (filter * 7 % 5) as f64).collect::<Vec<_>>();
        Ok(widths.map(|width| LayerOrder::by_score("layer", &scores(width))).collect())
    }

    fn whole() -> Depth {
        Depth::whole(&network())
    }

    fn pruned(depth: &Depth, widths: &[usize], rounds: &Rounds) -> Network {
        let (network, options) = (network(), FitOptions { batch: 16, ..tune::defaults() });
        let orders = depth.of(&network, &orders(&network).expect("orders"));
        prune(&Teacher::new(&network), depth, &orders, widths, &train(), &options, rounds).expect("prunes")
    }

    #[test]
    fn one_round_is_surgery_and_fine_tuning() {
        let (network, options) = (network(), FitOptions { batch: 16, ..tune::defaults() });
        let kept = surgery::kept(&orders(&network).expect("orders"), &[3, 6, 6, 2]);
        let cut = surgery::remove(&network, &kept).expect("surgery");
        let tuned = tune::fine_tune(cut, &Teacher::new(&network), &train(), &options).expect("trains");
        assert_eq!(pruned(&whole(), &[3, 6, 6, 2], &Rounds { count: 1, ..ONE }), tuned);
    }

    #[test]
    fn where_nothing_is_cut_nothing_is_trained() {
        assert_eq!(pruned(&whole(), &[8, 6, 6, 12], &Rounds { count: 2, ..ONE }), network());
    }

    #[test]
    fn a_layer_that_goes_is_made_up_for_as_what_the_cut_takes() {
        let (network, options) = (network(), FitOptions { batch: 16, ..tune::defaults() });
        let depth = Depth::without(&network, &[3]);
        let shallower = depth.of_network(&network).expect("an architecture");
        assert_eq!(shallower.arch.to_string(), "8,P,6,F12");
        let tuned = tune::fine_tune(shallower, &Teacher::new(&network), &train(), &options).expect("trains");
        assert_eq!(pruned(&depth, &[8, 6, 12], &ONE), tuned);
    }

    #[test]
    fn every_number_of_rounds_ends_at_the_plan() {
        for rank_again in [None, Some(&orders as &Rank)] {
            for count in [2, 3] {
                let rounds = Rounds { count, rank_again, ..ONE };
                assert_eq!(pruned(&whole(), &[3, 6, 6, 2], &rounds).arch.to_string(), "3,P,6,6,F2");
                let depth = Depth::without(&network(), &[3]);
                assert_eq!(pruned(&depth, &[3, 6, 2], &rounds).arch.to_string(), "3,P,6,F2");
            }
        }
    }

    #[test]
    fn rounds_keep_equal_shares_and_end_at_the_plan() {
        assert_eq!(between(&[64, 20], &[16, 20], 1, 2), [32, 20]);
        assert_eq!(between(&[64, 20], &[16, 20], 2, 2), [16, 20]);
        assert_eq!(between(&[100], &[3], 3, 3), [3]);
    }

    #[test]
    fn what_is_left_keeps_its_order() {
        let order = LayerOrder::by_score("conv1", &[1.0, 4.0, 0.0, 2.0, 9.0]);
        assert_eq!(order.order, [4, 1, 3, 0, 2]);
        let left = renumbered(&order, &[1, 3, 4]);
        assert_eq!(left.order, [2, 0, 1]);
        let expected = [0.0, 9.0 / 15.0, 13.0 / 15.0, 1.0];
        assert!(left.kept_share.iter().zip(expected).all(|(share, expected)| (share - expected).abs() < 1e-12));
    }
}
