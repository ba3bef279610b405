//! burn computes the formulas, and gives back the numbers that it got.

use super::formulas::{outputs, products};
use super::{CLASSES, images, network};
use crate::network::backend::device;
use crate::network::vgg::Vgg;
use crate::network::{Layer, evaluate, taps};

/// More than one batch, and a last one that is not full.
const COUNT: usize = 131;

pub(super) fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-4 * expected.abs().max(1.0), "{what}: {found}, expected {expected}");
    }
}

#[test]
fn every_layer_gives_what_its_formula_says() {
    let (network, images) = (network(1), images(COUNT));
    let mut seen = 0;
    taps::observe(&network, &images, |taps, logits| {
        assert_eq!(taps.len(), network.prunable().len());
        for sample in 0..taps[0].samples {
            let expected = outputs(&network, images.image(seen + sample));
            for (tap, layer) in taps.iter().zip(network.prunable()) {
                let length = tap.channels * tap.positions;
                assert_close(&tap.values[sample * length..][..length], &expected[layer], "tap");
            }
            assert_close(&logits[sample * CLASSES..][..CLASSES], &expected[expected.len() - 1], "logits");
        }
        seen += taps[0].samples;
        Ok(())
    })
    .expect("runs");
    assert_eq!(seen, COUNT);
}

#[test]
fn the_last_tap_leads_to_the_logits() {
    let (network, images) = (network(1), images(COUNT));
    let Some(Layer::Classifier(last)) = network.layers.last() else { panic!("the last layer is the classifier") };
    let (mut before, mut logits) = (Vec::new(), Vec::new());
    taps::observe(&network, &images, |taps, batch| {
        before.extend(taps.last().expect("a prunable layer").values.clone());
        logits.extend(batch);
        Ok(())
    })
    .expect("runs");
    for (values, logits) in before.chunks_exact(last.inputs).zip(logits.chunks_exact(CLASSES)) {
        let sums: Vec<f32> =
            products(&last.weight_oi, values).iter().zip(&last.bias).map(|(sum, bias)| sum + bias).collect();
        assert_close(logits, &sums, "logits");
    }
    assert_close(&evaluate::logits(&network, &images).expect("runs"), &logits, "without taps");
}

#[test]
fn the_survey_gets_each_channel_of_each_image_in_its_place() {
    let (network, images) = (network(1), images(COUNT));
    let maps = taps::maps(&network, &images).expect("runs");
    for image in [0, 64, COUNT - 1] {
        let expected = outputs(&network, images.image(image));
        for (maps, layer) in maps.iter().zip(network.prunable()) {
            let found: Vec<f32> = (0..maps.channels())
                .flat_map(|channel| &maps.channel(channel)[image * maps.positions()..][..maps.positions()])
                .copied()
                .collect();
            assert_close(&found, &expected[layer], "maps");
        }
    }
}

#[test]
fn a_network_comes_back_from_burn_as_it_went_in() {
    let network = network(1);
    for device in [device(), device().autodiff()] {
        let vgg = Vgg::new(&network, &device).expect("has a classifier");
        let back = vgg.to_network(&super::network(2)).expect("reads back");
        assert_eq!(back, network);
        assert_eq!(
            evaluate::logits(&back, &images(9)).expect("runs"),
            evaluate::logits(&network, &images(9)).expect("runs")
        );
    }
}

#[test]
fn images_of_another_size_are_refused() {
    let mut images = images(2);
    (images.shape.height, images.shape.width) = (8, 9);
    let message = evaluate::logits(&network(1), &images).expect_err("another size").to_string();
    assert_eq!(message, "the images are 8x9x2, the network was trained on 9x8x2: choose another --data");
}
