//! Each ranking where the answer is known.

use super::*;
use crate::data::Shape;
use crate::network::{BatchNorm, Normalization, evaluate, gradients};

const CLASSES: usize = 3;

fn network() -> Network {
    let shape = Shape { height: 8, width: 8, channels: 1 };
    let normalization = Normalization { mean: 100, deviation: 60.0 };
    let arch = "5,P,4,F6".parse().expect("an architecture");
    Network::random(arch, shape, CLASSES, normalization, 3).expect("fits")
}

/// Noise over a brightness that tells the class.
fn images(network: &Network, count: usize) -> Images {
    let label = |image: usize| image * 5 % CLASSES;
    let pixel = |image: usize, at: usize| (80 * label(image) + (image * 31 + at * 37) % 61) as u8;
    let pixels = |image| (0..network.input.values()).map(move |at| pixel(image, at));
    Images {
        shape: network.input,
        pixels: (0..count).flat_map(pixels).collect(),
        labels: (0..count).map(|image| label(image) as u8).collect(),
    }
}

fn norm(network: &mut Network, layer: usize) -> &mut BatchNorm {
    match &mut network.layers[layer] {
        Layer::Conv(conv) => &mut conv.norm,
        Layer::Hidden(hidden) => &mut hidden.norm,
        other => panic!("{other:?} has no filters"),
    }
}

/// The second filter of every prunable layer without weights and without a voice.
fn with_dead_filters() -> Network {
    let mut network = network();
    for layer in network.prunable() {
        let norm = norm(&mut network, layer);
        (norm.gamma[1], norm.beta[1]) = (0.0, 0.0);
        match &mut network.layers[layer] {
            Layer::Conv(conv) => conv.weight_oihw[conv.inputs * 9..2 * conv.inputs * 9].fill(0.0),
            Layer::Hidden(hidden) => hidden.weight_oi[hidden.inputs..2 * hidden.inputs].fill(0.0),
            other => panic!("{other:?} has no filters"),
        }
    }
    network
}

fn orders(method: Method, network: &Network, seed: u64) -> Vec<LayerOrder> {
    let (train, cache) = (images(network, 40), tempfile::tempdir().expect("a folder"));
    let options = Options { criterion: Criterion::default(), cache: cache.path().to_owned() };
    let subject = Subject::new(network, &train, 24, seed).expect("enough images");
    method.ranking(&options).orders(&subject).expect("ranked")
}

#[test]
fn every_ranking_orders_every_filter_of_every_layer() {
    let network = network();
    for method in Method::value_variants() {
        let orders = orders(*method, &network, 1);
        let names: Vec<&str> = orders.iter().map(|layer| layer.name.as_str()).collect();
        assert_eq!(names, ["conv1", "conv2", "hidden1"], "{method}");
        for (layer, filters) in orders.iter().zip([5, 4, 6]) {
            let mut sorted = layer.order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..filters).collect::<Vec<_>>(), "{method}");
            assert!(layer.kept_share.is_sorted() && layer.kept_share.len() == filters + 1, "{method}: {layer:?}");
            assert_eq!(layer.kept_share.last(), Some(&1.0), "{method}");
        }
    }
}

#[test]
fn a_dead_filter_is_the_first_to_go() {
    let network = with_dead_filters();
    for method in [Method::L1, Method::Mi, Method::BnScale, Method::Taylor] {
        for layer in orders(method, &network, 1) {
            assert_eq!(layer.order.last(), Some(&1), "{method}: {layer:?}");
            assert!(layer.kept_share[layer.filters() - 1] > 1.0 - 1e-9, "{method}: {layer:?}");
        }
    }
}

#[test]
fn weights_and_scales_order_by_their_size_whatever_their_sign() {
    let mut network = network();
    norm(&mut network, 0).gamma = vec![0.1, -3.0, 2.0, 0.0, -0.5];
    assert_eq!(orders(Method::BnScale, &network, 1)[0].order, [1, 2, 4, 0, 3]);
    let Layer::Conv(conv) = &mut network.layers[0] else { panic!("a convolution") };
    conv.weight_oihw = [2.0, -1.0, -5.0, 3.0, 0.0].iter().flat_map(|weight| [*weight; 9]).collect();
    let l1 = &orders(Method::L1, &network, 1)[0];
    assert_eq!(l1.order, [2, 3, 0, 1, 4]);
    assert_eq!(l1.kept_share[1], 5.0 / 11.0);
}

#[test]
fn chance_follows_the_seed() {
    let network = network();
    assert_eq!(orders(Method::Random, &network, 1), orders(Method::Random, &network, 1));
    assert_ne!(orders(Method::Random, &network, 1), orders(Method::Random, &network, 2));
}

/// Each image's cross entropy with its label, in nats.
fn losses(network: &Network, images: &Images) -> Vec<f64> {
    let logits = evaluate::logits(network, images).expect("runs");
    let loss = |(row, label): (&[f32], &u8)| {
        let sum: f64 = row.iter().map(|logit| f64::from(*logit).exp()).sum();
        sum.ln() - f64::from(row[usize::from(*label)])
    };
    logits.chunks_exact(CLASSES).zip(&images.labels).map(loss).collect()
}

/// The logits less their mean over the classes, `[image][class]`.
fn centred_logits(network: &Network, images: &Images) -> Vec<f64> {
    let logits = evaluate::logits(network, images).expect("runs");
    let centred = |row: &[f32]| {
        let mean = row.iter().sum::<f32>() / CLASSES as f32;
        row.iter().map(|logit| f64::from(logit - mean)).collect::<Vec<_>>()
    };
    logits.chunks_exact(CLASSES).flat_map(centred).collect()
}

#[test]
fn gates_answer_as_the_loss_does() {
    let (network, images) = open_network();
    let gradients = gradients::of_gates(&network, &images).expect("runs");
    assert_slopes(&network, &images, losses, |layer, filter| {
        let of_filter = gradients[layer].values.iter().skip(filter).step_by(gradients[layer].filters);
        of_filter.copied().collect()
    });
}

#[test]
fn contributions_are_how_gates_move_the_logits() {
    let (network, images) = open_network();
    let contributions = gradients::contributions(&network, &images).expect("runs");
    assert_slopes(&network, &images, centred_logits, |layer, filter| contributions[layer].channel(filter).to_vec());
}

/// A network whose filters differ, most of them with a voice.
fn open_network() -> (Network, Images) {
    let mut network = network();
    for layer in network.prunable() {
        let norm = norm(&mut network, layer);
        (0..norm.beta.len()).for_each(|filter| norm.beta[filter] = 0.1 * filter as f32 - 0.2);
        norm.variance.fill(1.5);
        norm.mean.fill(-0.1);
    }
    let images = images(&network, 35);
    (network, images)
}

/// That `found` has, for a prunable layer's filter, the slope of each of `values` when the filter's gate opens.
fn assert_slopes(
    network: &Network,
    images: &Images,
    values: fn(&Network, &Images) -> Vec<f64>,
    found: impl Fn(usize, usize) -> Vec<f32>,
) {
    const STEP: f32 = 1e-3;
    let whole = values(network, images);
    for (at, layer) in network.prunable().into_iter().enumerate() {
        let filters = norm(&mut network.clone(), layer).gamma.len();
        for filter in 0..filters {
            // ReLU(g y) = g ReLU(y), so scaling γ and β opens the gate.
            let gated = |gate: f32| {
                let mut network = network.clone();
                let norm = norm(&mut network, layer);
                (norm.gamma[filter], norm.beta[filter]) = (gate * norm.gamma[filter], gate * norm.beta[filter]);
                values(&network, images)
            };
            // Where a later ReLU turns between the two, only one side's slope is the gradient.
            let (more, less, found) = (gated(1.0 + STEP), gated(1.0 - STEP), found(at, filter));
            assert_eq!(found.len(), whole.len());
            for (value, found) in found.into_iter().map(f64::from).enumerate() {
                let slopes =
                    [more[value] - whole[value], whole[value] - less[value]].map(|rise| rise / f64::from(STEP));
                let close = slopes.iter().any(|slope| (slope - found).abs() < 5e-3 * slope.abs().max(1.0));
                assert!(close, "layer {layer}, filter {filter}, value {value}: {found}, expected one of {slopes:?}");
            }
        }
    }
}

#[test]
fn what_is_to_be_filled_has_the_orders_of_its_own_layers() {
    let network = network();
    let (train, cache) = (images(&network, 40), tempfile::tempdir().expect("a folder"));
    let options = Options { criterion: Criterion::default(), cache: cache.path().to_owned() };
    let subject = Subject::new(&network, &train, 24, 1).expect("enough images");
    let depth = Depth::without(&network, &[2]);
    let shallower = depth.of_network(&network).expect("an architecture");
    let target = Target { depth: &depth, network: &shallower, widths: &[2, 3] };
    for method in Method::value_variants() {
        let ranking = method.ranking(&options);
        let orders = ranking.orders(&subject).expect("ranked");
        let filled = ranking.orders_at(&subject, &orders, &target).expect("ranked");
        let layers: Vec<(&str, usize)> = filled.iter().map(|layer| (layer.name.as_str(), layer.order.len())).collect();
        assert_eq!(layers, [("conv1", 5), ("hidden1", 6)], "{method}");
    }
}
