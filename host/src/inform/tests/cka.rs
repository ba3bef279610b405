//! CKA against the formula that it is a short form of, and what must not move it.

use faer::Mat;
use proptest::prelude::*;

use super::super::{Maps, UnitKernel};
use super::layer;

/// `values(channel, sample, position)`.
fn maps(samples: usize, channels: usize, positions: usize, value: impl Fn(usize, usize, usize) -> f32) -> Maps {
    let place = |at: usize| value(at / positions / samples, at / positions % samples, at % positions);
    Maps::new(samples, channels, positions, (0..channels * samples * positions).map(place).collect()).expect("maps")
}

fn of_layer(maps: &Maps) -> UnitKernel {
    UnitKernel::of_layer(maps).expect("enough samples")
}

fn of_channel(maps: &Maps, channel: usize) -> UnitKernel {
    UnitKernel::of_channel(maps, channel).expect("enough samples")
}

/// Song et al. 2012, written out: (tr(K L) + 1'K1 1'L1 / ((n-1)(n-2)) - 2 1'KL1 / (n-2)) / (n (n-3)), no diagonals.
fn hsic(k: &Mat<f64>, l: &Mat<f64>) -> f64 {
    let n = k.nrows() as f64;
    let (product, ones) = (k * l, Mat::<f64>::full(k.nrows(), 1, 1.0));
    let sum = |matrix: &Mat<f64>| (ones.transpose() * matrix * &ones)[(0, 0)];
    let trace: f64 = (0..k.nrows()).map(|i| product[(i, i)]).sum();
    let rest = sum(k) * sum(l) / ((n - 1.0) * (n - 2.0)) - 2.0 * sum(&product) / (n - 2.0);
    (trace + rest) / (n * (n - 3.0))
}

/// The linear kernel of a layer, without its diagonal.
fn linear(maps: &Maps) -> Mat<f64> {
    let (n, positions) = (maps.samples(), maps.positions());
    Mat::from_fn(n, n, |i, j| {
        let map = |channel: usize, sample: usize| &maps.channel(channel)[sample * positions..][..positions];
        let product = |channel: usize| -> f64 {
            map(channel, i).iter().zip(map(channel, j)).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        if i == j { 0.0 } else { (0..maps.channels()).map(product).sum() }
    })
}

#[test]
fn it_is_the_ratio_of_unbiased_estimates() {
    let (a, b) = (layer(30, 4, 3, 1).0, layer(30, 6, 2, 2).0);
    let (k, l) = (linear(&a), linear(&b));
    let expected = hsic(&k, &l) / (hsic(&k, &k) * hsic(&l, &l)).sqrt();
    assert!((of_layer(&a).cka(&of_layer(&b)) - expected).abs() < 1e-10);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_keeps_its_bounds_and_is_one_with_itself(seed: u64, samples in 4..50_usize) {
        let (a, b) = (layer(samples, 3, 2, seed).0, layer(samples, 2, 4, seed ^ 1).0);
        let (a, b) = (of_layer(&a), of_layer(&b));
        prop_assert!(a.is_silent() || (a.cka(&a) - 1.0).abs() < 1e-9);
        prop_assert!(a.cka(&b).abs() <= 1.0 + 1e-9 && a.cka(&b) == b.cka(&a));
    }

    #[test]
    fn neither_a_scale_nor_a_common_part_moves_it(seed: u64, scale in 0.01..100.0_f32, common in -4.0..4.0_f32) {
        let (plain, other) = (layer(40, 3, 2, seed).0, layer(40, 3, 2, seed ^ 1).0);
        let moved = maps(40, 3, 2, |c, s, p| scale * (plain.channel(c)[s * 2 + p] + common));
        let by = of_layer(&plain).cka(&of_layer(&other)) - of_layer(&moved).cka(&of_layer(&other));
        prop_assert!(by.abs() < 1e-3, "moved by {}", by);
    }
}

#[test]
fn independent_channels_are_near_zero_on_average() {
    let noise = |seed: u64| maps(200, 1, 8, |_, s, p| layer_noise(seed, s * 8 + p));
    let all: Vec<f64> = (0..20).map(|seed| of_layer(&noise(seed)).cka(&of_layer(&noise(seed + 100)))).collect();
    let mean = all.iter().sum::<f64>() / 20.0;
    assert!(mean.abs() < 0.02 && all.iter().all(|cka| cka.abs() < 0.1), "{all:?}");
}

/// A number in -1..1 that no other place shares.
fn layer_noise(seed: u64, at: usize) -> f32 {
    use rand::{Rng, SeedableRng};
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(at as u64);
    random.random_range(-1.0..1.0)
}

#[test]
fn a_copy_is_told_from_a_stranger() {
    let (own, _) = layer(60, 2, 4, 3);
    let copied = maps(60, 3, 4, |c, s, p| own.channel(c % 2)[s * 4 + p]);
    let kernels: Vec<_> = (0..3).map(|channel| of_channel(&copied, channel)).collect();
    assert!((kernels[0].cka(&kernels[2]) - 1.0).abs() < 1e-9 && kernels[0].cka(&kernels[1]) < 0.9);
}

#[test]
fn silence_and_a_single_answer_compare_with_nothing() {
    let channels = maps(9, 4, 2, |channel, sample, _| match (channel, sample) {
        (1, _) => 0.3,
        (2, 4) => 7.0,
        (3, _) => sample as f32,
        _ => 0.0,
    });
    let kernels: Vec<_> = (0..4).map(|channel| of_channel(&channels, channel)).collect();
    let silent: Vec<_> = kernels.iter().map(UnitKernel::is_silent).collect();
    assert_eq!(silent, [true, true, true, false]);
    assert_eq!(kernels[2].cka(&kernels[3]), 0.0);
    assert!(UnitKernel::of_layer(&maps(3, 1, 1, |_, sample, _| sample as f32)).is_err());
}
