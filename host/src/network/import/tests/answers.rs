//! An imported network answers as PyTorch's definitions say.

use super::*;
use crate::network::vgg::{Vgg, numbers};
use crate::network::{Layer, Network, backend, batch, evaluate};

fn assert_close(found: &[f32], expected: &[f32], within: f32) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= within * expected.abs().max(1.0), "{found}, expected {expected}");
    }
}

fn imported(name: &str) -> Network {
    import(&plan(fixture(name)), &data()).expect("imports").network
}

#[test]
fn both_files_give_the_network_that_computes_the_same() {
    let (images, expected) = known();
    let network = imported("tiny.pth");
    assert_close(&evaluate::logits(&network, &images).expect("runs"), &expected, 1e-4);
    assert_eq!(network, imported("tiny.safetensors"));
}

#[test]
fn the_file_that_is_written_loads_as_the_network() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("network.safetensors");
    let network = imported("tiny.pth");
    network.save(&path).expect("writes");
    assert_eq!(Network::load(&path).expect("loads"), network);
}

#[test]
fn a_map_in_our_own_words_gives_the_same_network() {
    let folder = tempfile::tempdir().expect("a folder");
    let map = folder.path().join("map.toml");
    let text = "# ours = theirs\nconv1 = \"features.0\"\nconv1.norm = 'features.1'\nconv2.weight = features.4.weight\n\
                conv2.bias = features.4.bias # not before a batch norm\nhidden1 = classifier.1\n\
                hidden1.norm.gamma = classifier.2.weight\nhidden1.norm.beta = classifier.2.bias\n\
                hidden1.norm.mean = classifier.2.running_mean\nhidden1.norm.variance = classifier.2.running_var\n\
                classifier = classifier.4\n";
    std::fs::write(&map, text).expect("writes");
    let mapped = import(&Plan { map: Some(map), ..plan(fixture("tiny.pth")) }, &data()).expect("imports");
    assert_eq!(mapped.network, imported("tiny.pth"));
    assert!(mapped.unused.is_empty(), "{:?}", mapped.unused);
}

#[test]
fn a_batch_norm_without_scale_and_shift_has_one_and_zero() {
    let plain =
        changed(|entries| entries.retain(|(name, ..)| !name.starts_with("features.1.") || name.contains("run")))
            .expect("imports");
    let Layer::Conv(conv) = &plain.network.layers[0] else { panic!("layer 0 is conv1") };
    assert_eq!((conv.norm.gamma.as_slice(), conv.norm.beta.as_slice()), ([1.0; 3].as_slice(), [0.0; 3].as_slice()));
}

/// Every batch norm is out of the file, and every layer has statistics of the very images that then are a batch.
#[test]
fn fine_tuning_begins_from_the_network_that_was_imported() {
    let (images, _) = known();
    let network = changed(|entries| {
        entries.retain(|(name, ..)| !name.starts_with("features.1.") && !name.starts_with("classifier.2."));
    });
    let network = network.expect("imports").network;
    let device = backend::device().autodiff();
    let batch = batch::tensor(&images, 0, images.len(), network.normalization, &device);
    let training = Vgg::new(&network, &device).expect("has a classifier").forward(batch);
    let expected = evaluate::logits(&network, &images).expect("runs");
    assert_close(&numbers(training.inner()).expect("reads back"), &expected, 1e-3);
}

/// Theirs pads with a pixel of 51.3, ours with one of 51: what does not see the padding is the same.
#[test]
fn a_mean_between_two_pixels_changes_the_edge_only() {
    let input = TheirInput { mean: vec![51.3 / 255.0], std: plan(fixture("tiny.pth")).input.std };
    let imported = import(&Plan { input, ..plan(fixture("tiny.pth")) }, &data()).expect("imports");
    assert!((imported.padding_steps - 0.3).abs() < 1e-5, "{}", imported.padding_steps);
    let (images, _) = known();
    let entries = entries();
    let their = |name: &str| &entries.iter().find(|(found, ..)| found == name).expect("a tensor").2;
    let Layer::Conv(conv) = &imported.network.layers[0] else { panic!("layer 0 is conv1") };
    let at = |filter: usize, row: usize, column: usize, value: &dyn Fn(usize, u8) -> f64, weights: &[f32]| {
        let taps = (0..18).map(|tap| (tap / 9, tap / 3 % 3, tap % 3));
        let sum = taps.map(|(channel, down, right)| {
            let pixel = images.pixels[((row + down) * SHAPE.width + column + right) * 2 + channel];
            f64::from(weights[((filter * 2 + channel) * 3 + down) * 3 + right]) * value(channel, pixel)
        });
        sum.sum::<f64>()
    };
    for (filter, row, column) in (0..3 * 3 * 4).map(|at| (at / 12, at / 4 % 3, at % 4)) {
        let std = [60.0, 80.0];
        let theirs = |channel: usize, pixel: u8| (f64::from(pixel) - 51.3) / std[channel];
        let ours = |_: usize, pixel: u8| f64::from(imported.network.normalization.apply(pixel));
        let expected = at(filter, row, column, &theirs, their("features.0.weight"))
            + f64::from(their("features.0.bias")[filter] - their("features.1.running_mean")[filter]);
        let found = at(filter, row, column, &ours, &conv.weight_oihw) - f64::from(conv.norm.mean[filter]);
        assert!((found - expected).abs() < 1e-4, "{found}, expected {expected}");
    }
}
