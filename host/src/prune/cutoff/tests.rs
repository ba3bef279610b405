//! What holds for the candidates of every curve, and cuts on a real, small network.

use proptest::prelude::*;

use super::*;
use crate::data::Shape;
use crate::network::Normalization;

/// Names candidates on a curve.
type Rule = fn(&[f64]) -> Vec<usize>;

const ALL: [Rule; 2] = [scree::candidates, x_means::candidates];

/// A curve that falls by these gains to its last point.
fn falling(gains: &[f64], last: f64) -> Vec<f64> {
    let mut curve = vec![last];
    gains.iter().rev().for_each(|gain| curve.push(curve.last().expect("never empty") + gain));
    curve.reverse();
    curve
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn candidates_are_widths_ascending_each_once(curve in prop::collection::vec(-1.0..3.0_f64, 2..80)) {
        for candidates in ALL.map(|candidates| candidates(&curve)) {
            prop_assert!(!candidates.is_empty() && candidates.len() < 20);
            prop_assert!(candidates.iter().all(|kept| (1..curve.len()).contains(kept)), "{:?}", candidates);
            prop_assert!(candidates.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", candidates);
        }
    }

    /// Powers of two scale without rounding, so that no tie can turn.
    #[test]
    fn the_curve_s_unit_does_not_matter(gains in prop::collection::vec(0.0..1.0_f64, 1..60), power in -20..20) {
        let curve = falling(&gains, 0.0);
        let scaled: Vec<f64> = curve.iter().map(|c| c * 2.0_f64.powi(power)).collect();
        for candidates in ALL {
            prop_assert_eq!(candidates(&curve), candidates(&scaled));
        }
    }

    #[test]
    fn scree_finds_an_elbow_through_noise(
        elbow in 1..30_usize,
        flat in 1..30_usize,
        noise in prop::collection::vec(-1e-6..1e-6_f64, 60),
    ) {
        let steep = (0..elbow).map(|_| 1.0 / elbow as f64).chain((0..flat).map(|_| 0.0));
        let gains: Vec<f64> = steep.zip(&noise).map(|(gain, noise)| gain + noise).collect();
        prop_assert!(scree::candidates(&falling(&gains, 0.0)).contains(&elbow));
    }

    #[test]
    fn x_means_finds_a_step(step in 10..30_usize) {
        let curve: Vec<f64> = (0..40).map(|t| if t < step { 1.0 } else { 0.0 }).collect();
        prop_assert!(x_means::candidates(&curve).contains(&step));
    }
}

#[test]
fn an_exact_elbow_is_the_only_bend_of_scree() {
    let curve = falling(&[0.25, 0.25, 0.25, 0.25, 0.0, 0.0, 0.0], 0.0);
    assert_eq!(scree::candidates(&curve), [4]);
}

#[test]
fn a_curve_without_a_bend_keeps_all() {
    let straight = |filters: u32| (0..=filters).map(|t| 1.7 * f64::from(filters - t) / f64::from(filters)).collect();
    let curves: [Vec<f64>; 7] = [
        vec![0.0; 12],
        vec![0.7; 12],
        straight(11),
        vec![1.0, 0.0],
        vec![-1.0; 12],
        vec![1.0, f64::NAN, 0.0],
        (0..12).map(f64::from).collect(),
    ];
    for curve in curves {
        for candidates in ALL {
            assert_eq!(candidates(&curve), [curve.len() - 1], "{curve:?}");
        }
    }
}

/// A random network, images of noise over a brightness that tells the class, and orders by number.
fn bench() -> (Network, Images, Vec<LayerOrder>) {
    let shape = Shape { height: 6, width: 6, channels: 1 };
    let arch = "5,P,6,F7".parse().expect("an architecture");
    let network = Network::random(arch, shape, 3, Normalization { mean: 90, deviation: 60.0 }, 1).expect("fits");
    let pixel = |image: usize, at: usize| (80 * (image % 3) + (image * 31 + at * 37) % 61) as u8;
    let pixels = (0..60).flat_map(|image| (0..36).map(move |at| pixel(image, at))).collect();
    let images = Images { shape, pixels, labels: (0..60).map(|image| image % 3).collect() };
    let names = [("conv1", 5), ("conv2", 6), ("hidden1", 7)];
    let halves = |filters: i32| (0..filters).map(|filter| 0.5_f64.powi(filter)).collect::<Vec<_>>();
    let orders = names.map(|(name, filters)| LayerOrder::by_score(name, &halves(filters))).to_vec();
    (network, images, orders)
}

#[test]
fn every_cutoff_gives_each_layer_a_width() {
    let (network, images, orders) = bench();
    let evidence = Evidence {
        network: &network,
        orders: &orders,
        answers: None,
        validation: &images,
        images: &images,
        criterion: Criterion::default(),
        test: PermutationTest { permutations: 20, ..PermutationTest::default() },
    };
    assert_eq!(widths(&cut(Cutoff::Budget, &evidence).expect("cut")), [5, 6, 7]);
    for cutoff in [Cutoff::Scree, Cutoff::XMeans, Cutoff::Permutation] {
        let cuts = cut(cutoff, &evidence).expect("cut");
        assert!(cuts.iter().all(|cut| (1..=cut.filters).contains(&cut.kept)), "{cuts:?}");
        for cut in cuts.iter().filter(|cut| !cut.tried.is_empty()) {
            let best = cut.tried.iter().map(|tried| tried.accuracy).fold(0.0, f64::max);
            let first = cut.tried.iter().find(|tried| tried.accuracy == best).expect("the best is one of them");
            assert_eq!(cut.kept, first.kept);
        }
        assert_eq!(table(&cuts).lines().filter(|line| line.contains("conv") || line.contains("hidden")).count(), 3);
    }
    let without = Evidence { orders: &orders[1..], ..evidence };
    assert!(cut(Cutoff::Permutation, &without).is_err());
}

#[test]
fn candidates_are_judged_once_what_they_lose_is_made_up_for() {
    let (network, mut images, orders) = bench();
    let logits = evaluate::logits(&network, &images).expect("runs");
    images.labels = logits.chunks(3).map(|row| evaluate::highest(row) as u8).collect();
    let answers = Answers::new(&network, &images);
    let accuracy = |answers| {
        let evidence = Evidence {
            network: &network,
            orders: &orders,
            answers,
            validation: &images,
            images: &images,
            criterion: Criterion::default(),
            test: PermutationTest::default(),
        };
        let cuts = cut(Cutoff::Scree, &evidence).expect("cut");
        cuts.iter().flat_map(|cut| &cut.tried).map(|tried| tried.accuracy).sum::<f64>()
    };
    let (fitted, cut) = (accuracy(Some(&answers)), accuracy(None));
    assert!(fitted > cut, "{fitted} and {cut}");
}
