//! The estimator against its bounds, its identity and slower ways to the same numbers.

mod bounds;
mod cka;
mod conditions;
mod order;
mod permutation;
mod spectra;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Criterion, GramMatrix, LayerRanking, Maps, rank};

/// Maps as a layer gives them: images are points around their class's centre, each position of each channel a ReLU of
/// its own direction in their space, each channel with its own strength and threshold.
pub(super) fn layer(samples: usize, channels: usize, positions: usize, seed: u64) -> (Maps, Vec<u8>) {
    const SPACE: usize = 12;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut normal = move || (0..12).map(|_| random.random::<f32>()).sum::<f32>() - 6.0;
    let mut point = move || std::array::from_fn::<f32, SPACE, _>(|_| normal());
    let labels: Vec<u8> = (0..samples).map(|sample| (sample * 7 % 10) as u8).collect();
    let centres: Vec<_> = (0..10).map(|_| point()).collect();
    let images: Vec<_> = labels.iter().map(|&label| (centres[usize::from(label)], point())).collect();
    let mut values = Vec::with_capacity(samples * channels * positions);
    for _ in 0..channels {
        let (bias, directions) = (point(), (0..positions).map(|_| point()).collect::<Vec<_>>());
        for (centre, own) in &images {
            let answer = |way: &[f32; SPACE]| (0..SPACE).map(|i| way[i] * (centre[i] + own[i])).sum::<f32>() / 4.0;
            values.extend(directions.iter().map(|way| bias[0].exp() * (answer(way) + bias[1] - 0.5).max(0.0)));
        }
    }
    (Maps::new(samples, channels, positions, values).expect("maps"), labels)
}

/// The ranking under a kernel width, at the default order.
pub(super) fn ranked(maps: &Maps, labels: &[u8], width: f64) -> LayerRanking {
    rank(maps, labels, &Criterion { width, ..Criterion::default() }, &[], &|_| ()).expect("ranked")
}

/// The product of a set of kernels.
pub(super) fn product<'a>(samples: usize, grams: impl IntoIterator<Item = &'a GramMatrix>) -> GramMatrix {
    let mut product = GramMatrix::ones(samples);
    grams.into_iter().for_each(|gram| product.join(gram));
    product
}
