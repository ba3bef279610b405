//! What holds for every layer.

use proptest::prelude::*;

use super::super::bound::TangentPlane;
use super::super::cmi::layer_grams;
use super::super::packed::PackedLower;
use super::super::{Classes, Criterion, GramMatrix, LayerRanking, RenyiEntropy, Spectrum};
use super::{layer, product, ranked};

/// Rounding, in nats.
const EXACT: f64 = 1e-10;

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn entropies_and_information_keep_their_bounds(seed: u64, samples in 20..60_usize, width in 0.3..8.0_f64, alpha in 1.005..3.0_f64) {
        let (maps, labels) = layer(samples, 4, 3, seed);
        let (classes, entropy) = (Classes::new(&labels).expect("labels"), RenyiEntropy::new(alpha).expect("order"));
        let grams = layer_grams(&maps, &classes, &Criterion { width, ..Criterion::default() }, 1).1;
        let (ones, mut room) = (GramMatrix::ones(samples), Spectrum::new(samples));
        let (first, rest) = (&grams[0], product(samples, &grams[1..]));
        let joint = entropy.joint(first, &rest, &mut room);
        let with_label = entropy.joint_with_classes(first, &rest, &classes, &mut room);
        for marginal in [entropy.joint(first, &ones, &mut room), entropy.joint(&rest, &ones, &mut room)] {
            prop_assert!(-EXACT <= marginal && marginal <= joint + EXACT);
        }
        prop_assert!(joint <= with_label + EXACT && entropy.of_classes(&classes) <= with_label + EXACT);
        prop_assert!(with_label <= (samples as f64).ln() + EXACT);
    }

    #[test]
    fn a_ranking_takes_each_filter_once_and_tells_no_more_than_the_label(seed: u64, width in 0.5..8.0_f64) {
        let (maps, labels) = layer(50, 9, 2, seed);
        let label_entropy = RenyiEntropy::new(1.01).expect("order").of_classes(&Classes::new(&labels).expect("labels"));
        let ranking = ranked(&maps, &labels, width);
        let mut order = ranking.order.clone();
        order.sort_unstable();
        prop_assert_eq!(order, (0..9).collect::<Vec<_>>());
        prop_assert!(ranking.information.iter().all(|&i| -1e-3 <= i && i <= label_entropy + EXACT));
        prop_assert!(ranking.joint_entropy.windows(2).all(|pair| pair[0] <= pair[1] + EXACT));
        let shares: Vec<f64> = (0..=9).map(|kept| ranking.kept_share(kept)).collect();
        prop_assert!(shares.is_sorted() && shares[0] == 0.0 && shares[9] == 1.0);
    }

    #[test]
    fn the_tangent_plane_bounds_every_entropy_and_touches_at_its_reference(seed: u64, width in 0.3..8.0_f64, alpha in 1.005..3.0_f64) {
        let (maps, labels) = layer(40, 8, 2, seed);
        let (classes, entropy) = (Classes::new(&labels).expect("labels"), RenyiEntropy::new(alpha).expect("order"));
        let grams = layer_grams(&maps, &classes, &Criterion { width, ..Criterion::default() }, 1).1;
        let (base, mut room) = (product(40, &grams[..3]), Spectrum::new(40));
        let mut mean = PackedLower::filled(40, 0.0);
        grams[3..].iter().for_each(|gram| mean.add_scaled(0.2, gram.packed()));
        let plane = TangentPlane::new(entropy, &base, &mean).expect("eigenvalues");
        for gram in &grams {
            prop_assert!(entropy.joint(&base, gram, &mut room) <= plane.entropy_at_most(gram) + EXACT);
        }
        let touching = TangentPlane::new(entropy, &base, grams[3].packed()).expect("eigenvalues");
        let gap = touching.entropy_at_most(&grams[3]) - entropy.joint(&base, &grams[3], &mut room);
        prop_assert!(gap.abs() < EXACT);
    }
}

#[test]
fn ten_balanced_classes_hold_ln_10() {
    let labels: Vec<u8> = (0..250).map(|sample| (sample % 10) as u8).collect();
    let entropy = RenyiEntropy::new(1.01).expect("order").of_classes(&Classes::new(&labels).expect("labels"));
    assert!((entropy - 10.0_f64.ln()).abs() < 1e-12);
}

#[test]
fn an_order_of_one_or_less_is_refused() {
    for alpha in [1.0, 0.5, f64::NAN, f64::INFINITY] {
        assert!(RenyiEntropy::new(alpha).is_err());
    }
}

#[test]
fn a_share_never_falls_where_the_estimate_does() {
    let information = vec![0.0, 1.0, 0.8, 2.0, 1.6];
    let ranking = LayerRanking { information, order: vec![0, 1, 2, 3], ..LayerRanking::empty(1.0, 0.0, 0.0) };
    let shares: Vec<f64> = (0..=5).map(|kept| ranking.kept_share(kept)).collect();
    assert_eq!(shares, [0.0, 0.5, 0.5, 1.0, 1.0, 1.0]);
    assert_eq!(LayerRanking::empty(1.0, 0.0, 0.0).kept_share(0), 1.0);
}
