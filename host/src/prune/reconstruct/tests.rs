use super::*;
use crate::data::Shape;
use crate::network::{Item, Normalization, taps};

const SHAPE: Shape = Shape { height: 8, width: 8, channels: 1 };

fn network(arch: &str) -> Network {
    let arch = arch.parse().expect("an architecture");
    Network::random(arch, SHAPE, 4, Normalization { mean: 100, deviation: 60.0 }, 3).expect("fits")
}

fn images() -> Images {
    let pixels = (0..200 * SHAPE.values()).map(|at| (at * 37 % 251 + at / 64 * 17 % 97) as u8).collect();
    Images { shape: SHAPE, pixels, labels: vec![0; 200] }
}

fn targets(network: &Network) -> Answers {
    Answers::new(network, &images())
}

fn logits(network: &Network, images: &Images) -> Vec<f32> {
    let mut all = Vec::new();
    taps::observe(network, images, |_, logits| {
        all.extend(logits);
        Ok(())
    })
    .expect("runs");
    all
}

/// The mean square by which the logits are off, as a share of their own.
fn error(network: &Network, unpruned: &Network) -> f64 {
    let (got, want) = (logits(network, &images()), logits(unpruned, &images()));
    let square = |value: f32| f64::from(value).powi(2);
    let off: f64 = got.iter().zip(&want).map(|(got, want)| square(got - want)).sum();
    off / want.iter().map(|want| square(*want)).sum::<f64>()
}

fn all(count: usize) -> Vec<usize> {
    (0..count).collect()
}

#[test]
fn what_loses_nothing_stays_bit_by_bit() {
    let network = network("4,P,6,F8");
    assert_eq!(remove(&network, &[all(4), all(6), all(8)], Some(&targets(&network))).expect("reconstructs"), network);
}

#[test]
fn layers_up_to_the_first_cut_stay_but_for_what_is_cut() {
    let network = network("4,5,P,6,F8");
    let kept = [all(4), vec![0, 2, 4], all(6), all(8)];
    let (fitted, cut) = (
        remove(&network, &kept, Some(&targets(&network))).expect("fits"),
        surgery::remove(&network, &kept).expect("cuts"),
    );
    assert_eq!(fitted.layers[..3], cut.layers[..3]);
    assert_ne!(fitted.layers[3], cut.layers[3]);
    assert_eq!(fitted.arch, cut.arch);
}

#[test]
fn a_filter_that_copies_another_one_is_not_missed() {
    let mut network = network("4,P,6,F8");
    let Layer::Conv(conv) = &mut network.layers[0] else { panic!("a convolution") };
    let (first, rest) = conv.weight_oihw.split_at_mut(9);
    rest[9..18].copy_from_slice(first);
    let kept = [vec![0, 1, 3], all(6), all(8)];
    let cut = error(&surgery::remove(&network, &kept).expect("cuts"), &network);
    let fitted = error(&remove(&network, &kept, Some(&targets(&network))).expect("fits"), &network);
    assert!(fitted < 0.02 * cut, "{fitted} of {cut}");
}

#[test]
fn a_narrow_network_answers_more_like_the_whole_one() {
    for arch in ["6,P,8,F16", "6,P,8", "8,8,P"] {
        let network = network(arch);
        let kept: Vec<Vec<usize>> =
            network.arch.items().iter().filter_map(Item::width).map(|width| all(width / 2)).collect();
        let cut = error(&surgery::remove(&network, &kept).expect("cuts"), &network);
        let fitted = error(&remove(&network, &kept, Some(&targets(&network))).expect("fits"), &network);
        assert!(fitted < 0.5 * cut, "{arch}: {fitted} of {cut}");
    }
}

#[test]
fn weights_before_a_norm_keep_their_length() {
    let (network, kept) = (network("4,P,6,F8"), [vec![0, 3], vec![1, 2, 5], all(8)]);
    let (fitted, cut) = (
        remove(&network, &kept, Some(&targets(&network))).expect("fits"),
        surgery::remove(&network, &kept).expect("cuts"),
    );
    let (Layer::Conv(new), Layer::Conv(old)) = (&fitted.layers[2], &cut.layers[2]) else { panic!("convolutions") };
    let length = |weights: &[f32]| weights.iter().map(|weight| weight * weight).sum::<f32>().sqrt();
    for (new, old) in new.weight_oihw.chunks(18).zip(old.weight_oihw.chunks(18)) {
        assert!(new != old && (length(new) / length(old) - 1.0).abs() < 1e-5);
    }
    assert!(new.norm.variance.iter().all(|variance| *variance > 0.0));
}

#[test]
fn the_same_whatever_the_threads() {
    let (network, kept) = (network("6,P,8,F16"), [vec![0, 1, 4], vec![2, 3, 7], vec![1, 5]]);
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    let one = alone.install(|| remove(&network, &kept, Some(&targets(&network))).expect("fits"));
    assert_eq!(remove(&network, &kept, Some(&targets(&network))).expect("fits"), one);
}

#[test]
fn silent_filters_and_broken_networks() {
    let mut network = network("4,P,6,F8");
    let Layer::Conv(conv) = &mut network.layers[0] else { panic!("a convolution") };
    conv.norm.beta.fill(-1e6);
    let kept = [vec![0, 1], all(6), all(8)];
    let fitted = remove(&network, &kept, Some(&targets(&network))).expect("fits what never varies");
    let (got, want) = (logits(&fitted, &images()), logits(&network, &images()));
    assert!(got.iter().zip(&want).all(|(got, want)| (got - want).abs() < 1e-4));
    let Layer::Conv(conv) = &mut network.layers[0] else { panic!("a convolution") };
    conv.norm.beta.fill(f32::NAN);
    let why = format!("{:#}", remove(&network, &kept, Some(&targets(&network))).expect_err("nothing to fit"));
    assert!(why.contains("conv2") && why.contains("train"), "{why}");
}

#[test]
fn a_draw_takes_what_there_is() {
    let images = images();
    assert_eq!(draw(&images, 500).expect("draws").expect("some").len(), 200);
    assert_eq!(draw(&images, 20).expect("draws").expect("some").len(), 20);
    assert!(draw(&images, 0).expect("draws none").is_none());
    assert!(draw(&images, 1).is_err());
}

#[test]
fn a_layer_that_goes_is_made_up_for() {
    let network = network("6,6,P,8,8,F16");
    for gone in [vec![0], vec![1], vec![3], vec![5], vec![1, 4], vec![3, 4]] {
        let depth = Depth::without(&network, &gone);
        let cut = error(&depth.of_network(&network).expect("cuts"), &network);
        let fitted = error(&without(&network, &depth, Some(&targets(&network))).expect("fits"), &network);
        assert!(fitted < 0.5 * cut, "{gone:?}: {fitted} of {cut}");
    }
}

#[test]
fn a_layer_of_too_many_inputs_keeps_what_surgery_left() {
    let shape = Shape { height: 96, width: 96, channels: 1 };
    let arch = "2,F4".parse().expect("an architecture");
    let network = Network::random(arch, shape, 3, Normalization { mean: 100, deviation: 60.0 }, 1).expect("fits");
    let pixels = (0..12 * shape.values()).map(|at| (at * 37 % 251) as u8).collect();
    let images = Images { shape, pixels, labels: vec![0; 12] };
    let kept = [vec![1], all(4)];
    let fitted = remove(&network, &kept, Some(&Answers::new(&network, &images))).expect("fits");
    let cut = surgery::remove(&network, &kept).expect("cuts");
    assert!(fitted.layers[..2] == cut.layers[..2] && fitted.layers[2] != cut.layers[2]);
}
