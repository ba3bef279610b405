//! Orders given other layers, and the published estimator.

use super::super::{Condition, Criterion, LayerRanking, Maps, Mode, rank};
use super::layer;

fn ranked_given(maps: &Maps, labels: &[u8], criterion: &Criterion, given: &[Condition]) -> LayerRanking {
    rank(maps, labels, criterion, given, &|_| ()).expect("ranked")
}

#[test]
fn a_curve_given_others_starts_where_theirs_ends() {
    let (maps, labels) = layer(80, 6, 3, 3);
    let pair = Criterion::default().keeping(2);
    let wide = Criterion { width: pair.width * 2.0_f64.sqrt(), ..pair };
    let alone = ranked_given(&maps, &labels, &wide, &[]);
    let given = Condition::new(&maps, &alone.order[..2], &labels, &pair).expect("condition");
    // Two layers share the exponent, so the condition's kernels are as wide as `wide` makes them.
    let conditioned = ranked_given(&maps, &labels, &Criterion::default(), &[given]);
    assert!((conditioned.information[0] - alone.information[2]).abs() < 1e-9);
    assert!((conditioned.joint_entropy[0] - alone.joint_entropy[2]).abs() < 1e-9);
    assert_eq!((conditioned.kept_share(0), conditioned.kept_share(6)), (0.0, 1.0));
}

#[test]
fn skipping_never_changes_an_order_given_others_or_one_as_published() {
    let (maps, labels) = layer(80, 24, 2, 12);
    let (other, _) = layer(80, 10, 4, 12);
    for mode in [Mode::Improved, Mode::Faithful] {
        let criterion = Criterion { mode, ..Criterion::default() };
        let given = [Condition::new(&other, &[0, 3, 4], &labels, &criterion).expect("condition")];
        let fast = ranked_given(&maps, &labels, &criterion, &given);
        let plain = ranked_given(&maps, &labels, &Criterion { exhaustive: true, ..criterion }, &given);
        assert_eq!(fast.order, plain.order, "{mode:?}");
        let apart = fast.information.iter().zip(&plain.information).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f64::max) < 1e-9, "{mode:?}");
        assert_eq!((plain.proof.evaluated, plain.proof.skipped), (24 * 25 / 2, 0));
        assert_eq!(fast.proof.evaluated + fast.proof.skipped, 24 * 25 / 2);
        assert!(fast.proof.margin.is_none_or(|margin| margin > 0.0));
    }
}

/// The published label kernel is so wide that ten balanced classes hold 0.43 nats in place of 2.30.
#[test]
fn the_published_label_kernel_holds_little() {
    let labels: Vec<u8> = (0..250).map(|sample| (sample % 10) as u8).collect();
    let answers = labels.iter().map(|&label| 100.0 * f32::from(label)).collect();
    let maps = Maps::new(250, 1, 1, answers).expect("maps");
    // Classes lie far apart for the published sigma, 1.66 for one position: I(Y; F) = S(Y).
    let criterion = Criterion { mode: Mode::Faithful, ..Criterion::default() };
    let told = ranked_given(&maps, &labels, &criterion, &[]).information[1];
    assert!((told - 0.43).abs() < 0.02, "{told}");
}

#[test]
fn a_condition_names_channels_that_exist() {
    let (maps, labels) = layer(40, 4, 1, 1);
    assert!(Condition::new(&maps, &[4], &labels, &Criterion::default()).is_err());
}
