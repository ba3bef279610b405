//! By chance: what any ranking must beat.

use anyhow::Result;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::{Ranking, Subject, prunable};
use crate::network::Layer;
use crate::prune::LayerOrder;

/// Shuffled by the subject's seed; every filter is worth the same.
pub(super) struct Random;

/// The stream of the seed's random numbers that shuffles; stream 0 has drawn the images.
const STREAM: u64 = 1;

impl Ranking for Random {
    fn orders(&self, subject: &Subject) -> Result<Vec<LayerOrder>> {
        let mut rng = ChaCha8Rng::seed_from_u64(subject.seed);
        rng.set_stream(STREAM);
        let names = subject.network.layer_names();
        let layers = subject.network.prunable().into_iter().zip(prunable(subject.network));
        let order = |(index, layer): (usize, &Layer)| {
            let mut order: Vec<usize> = (0..filters(layer)).collect();
            order.shuffle(&mut rng);
            let kept_share = (0..=order.len()).map(|kept| kept as f64 / order.len() as f64).collect();
            LayerOrder { name: names[index].clone(), order, kept_share }
        };
        Ok(layers.map(order).collect())
    }
}

fn filters(layer: &Layer) -> usize {
    match layer {
        Layer::Conv(conv) => conv.outputs,
        Layer::Hidden(hidden) => hidden.outputs,
        Layer::Pool | Layer::Classifier(_) => 0,
    }
}
