//! The order against slower searches, and what it must make of copies and of silence.

use faer::{Mat, Side};

use super::super::cmi::layer_grams;
use super::super::search::TIE;
use super::super::{Classes, Criterion, GramMatrix, Maps, RenyiEntropy, Spectrum, evaluations, rank};
use super::{layer, product, ranked};

/// S(Y) + S(P o K_j) - S(P o K_j o K_Y) of every filter at every step.
fn plain_order(maps: &Maps, labels: &[u8], criterion: &Criterion) -> Vec<usize> {
    let (classes, entropy) =
        (Classes::new(labels).expect("labels"), RenyiEntropy::new(criterion.alpha).expect("order"));
    let grams = layer_grams(maps, &classes, criterion, 1).1;
    let mut room = Spectrum::new(maps.samples());
    let mut information = |base: &GramMatrix, channel: usize| {
        let gram = &grams[channel];
        entropy.joint(base, gram, &mut room) - entropy.joint_with_classes(base, gram, &classes, &mut room)
    };
    let (mut order, mut left) = (Vec::new(), (0..maps.channels()).collect::<Vec<_>>());
    while !left.is_empty() {
        let base = product(maps.samples(), order.iter().map(|&channel: &usize| &grams[channel]));
        let told: Vec<f64> = left.iter().map(|&channel| information(&base, channel)).collect();
        let highest = told.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let best = told.iter().position(|&told| told >= highest - TIE).expect("a filter left");
        order.push(left.remove(best));
    }
    order
}

#[test]
fn skipped_evaluations_never_change_the_order() {
    for (channels, positions, width, alpha) in [
        (40, 4, 4.0, 1.01),
        (40, 1, 4.0, 1.01),
        (40, 1, 0.3, 1.01),
        (24, 9, 1.0, 1.5),
        (40, 2, 60.0, 1.01),
        (40, 3, 4.0, 2.0),
    ] {
        let (maps, labels) = layer(80, channels, positions, 11);
        let criterion = Criterion { alpha, width, ..Criterion::default() };
        let ranking = rank(&maps, &labels, &criterion, &[], &|_| ()).expect("ranked");
        assert_eq!(ranking.order, plain_order(&maps, &labels, &criterion), "{positions} positions, {criterion:?}");
    }
}

/// S_1.01 of the product of Gaussian kernels of single-position channels, and of the label's where asked: all dense.
fn direct_entropy(maps: &Maps, channels: &[usize], labels: Option<&[u8]>, sigma: f64) -> f64 {
    let n = maps.samples();
    let matrix = Mat::from_fn(n, n, |i, j| {
        let apart = |&channel: &usize| f64::from(maps.channel(channel)[i]) - f64::from(maps.channel(channel)[j]);
        let exponent: f64 = channels.iter().map(|channel| apart(channel).powi(2) / (2.0 * sigma * sigma)).sum();
        let same = labels.is_none_or(|labels| labels[i] == labels[j]);
        if same { (-exponent).exp() / n as f64 } else { 0.0 }
    });
    let values = matrix.self_adjoint_eigenvalues(Side::Lower).expect("eigenvalues");
    values.iter().map(|x| x.abs().powf(1.01)).sum::<f64>().ln() / -0.01
}

#[test]
fn the_identity_gives_the_published_curve_and_order() {
    let (maps, labels) = layer(60, 12, 1, 5);
    let ranking = ranked(&maps, &labels, 4.0);
    let entropy = |set: &[usize], y: Option<&[u8]>| direct_entropy(&maps, set, y, ranking.sigma);
    let all: Vec<usize> = (0..12).collect();
    // I(Y; R | S) = S(Y, S) + S(R, S) - S(Y, R, S) - S(S)
    let left_behind = |taken: &[usize]| {
        entropy(taken, Some(&labels)) + entropy(&all, None) - entropy(&all, Some(&labels)) - entropy(taken, None)
    };
    let mut taken = Vec::new();
    for (step, c) in ranking.cmi().into_iter().enumerate().skip(1) {
        let with = |&filter: &usize| [taken.as_slice(), &[filter]].concat();
        let left = all.iter().filter(|filter| !taken.contains(filter));
        let best = left.min_by(|a, b| left_behind(&with(a)).total_cmp(&left_behind(&with(b)))).expect("a filter left");
        taken = with(best);
        assert_eq!(taken, ranking.order[..step]);
        assert!((left_behind(&taken) - c).abs() < 1e-9, "step {step}");
    }
}

/// The layer with further channels behind its own.
fn extended(maps: &Maps, more: &[f32]) -> Maps {
    let own = (0..maps.channels()).flat_map(|channel| maps.channel(channel));
    let values: Vec<f32> = own.chain(more).copied().collect();
    let channels = values.len() / (maps.samples() * maps.positions());
    Maps::new(maps.samples(), channels, maps.positions(), values).expect("maps")
}

#[test]
fn a_silent_channel_comes_last_and_adds_nothing() {
    let (maps, labels) = layer(64, 5, 3, 2);
    let silent = Maps::new(64, 1, 3, vec![0.0; 64 * 3]).expect("maps");
    let answers: Vec<f32> = (0..5).flat_map(|channel| maps.channel(channel).to_vec()).collect();
    let ranking = ranked(&extended(&silent, &answers), &labels, 4.0);
    assert_eq!(ranking.order.last(), Some(&0));
    assert!((ranking.information[6] - ranking.information[5]).abs() < 1e-9);
}

#[test]
fn a_copy_of_the_best_channel_comes_late_under_a_narrow_kernel() {
    let (maps, labels) = layer(100, 12, 1, 2);
    let best = ranked(&maps, &labels, 0.08).order[0];
    let ranking = ranked(&extended(&maps, maps.channel(best)), &labels, 0.08);
    assert!(ranking.order.iter().position(|&channel| channel == 12) >= Some(6), "{:?}", ranking.order);
}

#[test]
fn a_layer_without_an_answer_keeps_its_order_and_tells_nothing() {
    let labels: Vec<u8> = (0..30).map(|sample| sample % 3).collect();
    let ranking = ranked(&Maps::new(30, 4, 2, vec![0.0; 240]).expect("maps"), &labels, 4.0);
    assert_eq!(ranking.order, [0, 1, 2, 3]);
    assert!(ranking.information.iter().all(|information| information.abs() < 1e-9));
    assert_eq!(ranking.saturated_after, None);
}

#[test]
fn a_kernel_far_too_narrow_is_reported_as_saturated() {
    let (maps, labels) = layer(60, 10, 4, 8);
    assert_eq!(ranked(&maps, &labels, 4.0).saturated_after, None);
    let narrow = ranked(&maps, &labels, 0.05);
    let full = narrow.saturated_after.expect("saturated");
    assert!(full > 0 && full < 10 && 60.0_f64.ln() - narrow.joint_entropy[full] < 1e-3);
}

#[test]
fn labels_must_match_and_every_evaluation_is_reported() {
    let (maps, labels) = layer(40, 11, 2, 4);
    let error = rank(&maps, &labels[1..], &Criterion::default(), &[], &|_| ()).expect_err("refused");
    assert!(error.to_string().starts_with("39 labels for 40 samples"));
    let wide = Criterion { width: 0.0, ..Criterion::default() };
    assert!(rank(&maps, &labels, &wide, &[], &|_| ()).is_err());
    let done = std::sync::atomic::AtomicU64::new(0);
    let count = |more| _ = done.fetch_add(more, std::sync::atomic::Ordering::Relaxed);
    rank(&maps, &labels, &Criterion::default(), &[], &count).expect("ranked");
    assert_eq!(done.into_inner(), evaluations(11));
}
