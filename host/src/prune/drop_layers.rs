//! Whole layers out of a network, where neighbors answer alike. After MPruner (arXiv 2408.13482).

use anyhow::{Result, ensure};

use super::depth::Depth;
use super::reconstruct::{self, Answers};
use super::tune::{self, Teacher};
use crate::data::{DataSet, Images};
use crate::inform::UnitKernel;
use crate::network::train::FitOptions;
use crate::network::{Layer, Network, evaluate, taps};

/// What may go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Neighbors whose CKA reaches this answer alike.
    pub likeness: f64,
    /// The most that validation may lose after training, as a share of the images.
    pub loss: f64,
}

/// The network without layers that are alike, trained again; the network itself where that loses too much.
///
/// Layers after those that went are first fitted on `fit_on`, where there are such images, to answer as before. All of a run of
/// likes but its first layer are tried first, then every second, every third; the first network whose
/// loss is within the limit is taken, and each try is printed.
///
/// # Errors
/// Those of [`drop_layers`], of [`reconstruct::without`] and of training.
pub fn drop(
    network: &Network,
    data: &DataSet,
    images: &Images,
    fit_on: Option<&Images>,
    limits: &Limits,
    options: &FitOptions,
) -> Result<Network> {
    let whole = evaluate::accuracy(network, &data.validation)?;
    let teacher = Teacher::new(network);
    for stride in 1..=network.prunable().len() {
        let dropped = drop_layers(network, images, limits.likeness, stride)?;
        if stride == 1 {
            dropped.clusters.iter().for_each(|cluster| println!("{cluster}"));
        }
        if dropped.names.is_empty() {
            break;
        }
        let answers = fit_on.map(|images| Answers::new(network, images));
        let depth = Depth::without(network, &dropped.gone);
        let cut = reconstruct::without(network, &depth, answers.as_ref())?;
        let tuned = tune::fine_tune(cut, &teacher, &data.train, options)?;
        let accuracy = evaluate::accuracy(&tuned, &data.validation)?;
        let (names, taken) = (dropped.names.join(", "), whole - accuracy <= limits.loss);
        println!(
            "without {names}: {:.2} % on validation, {:.2} % with: {}",
            100.0 * accuracy,
            100.0 * whole,
            if taken { "dropped" } else { "it stays" }
        );
        if taken {
            return Ok(tuned);
        }
    }
    println!("no layer dropped");
    Ok(network.clone())
}

/// Which layers a network can do without, and why.
#[derive(Clone, Debug)]
pub struct Dropped {
    /// The layers that go, by index.
    pub gone: Vec<usize>,
    /// The same, as in `Network::layer_names`.
    pub names: Vec<String>,
    /// Where layers answer alike.
    pub clusters: Vec<Cluster>,
}

/// Neighbors that answer alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// The layers, at least two.
    pub names: Vec<String>,
    /// Those of them that went; none where every one that was to go changes the number of channels.
    pub dropped: Vec<String>,
}

impl std::fmt::Display for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.names.join(", ");
        match self.dropped.as_slice() {
            [] => write!(f, "{names} answer alike, but what was to go changes the number of channels: all stay"),
            dropped => write!(f, "{names} answer alike: {} may go", dropped.join(", ")),
        }
    }
}

/// Two neighbors and how alike they answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Likeness {
    /// The nearer to the input.
    pub first: String,
    /// The one after it.
    pub second: String,
    /// Linear CKA of their outputs after the ReLU, unbiased.
    pub cka: f64,
}

/// The CKA of each prunable layer's output with the next one's.
///
/// # Errors
/// Those of the network; fewer than four images.
pub fn likeness(network: &Network, images: &Images) -> Result<Vec<Likeness>> {
    let maps = taps::maps(network, images)?;
    let kernels = maps.iter().map(UnitKernel::of_layer).collect::<Result<Vec<_>>>()?;
    let names = network.layer_names();
    let layers = network.prunable();
    let pair = |(kernels, layers): (&[UnitKernel], &[usize])| Likeness {
        first: names[layers[0]].clone(),
        second: names[layers[1]].clone(),
        cka: kernels[0].cka(&kernels[1]),
    };
    Ok(kernels.windows(2).zip(layers.windows(2)).map(pair).collect())
}

/// Chooses layers where a run of neighbors has a CKA of `threshold` (0.95, 0.98, 0.99) and more from one to the next.
///
/// Of each run the first layer stays, and every `stride`-th of the others, from the second layer on, is to go; it goes
/// if its inputs and outputs are equally many, so that the layers around it still fit.
///
/// # Errors
/// A threshold outside 0..=1, a stride of 0, and those of `likeness`.
pub fn drop_layers(network: &Network, images: &Images, threshold: f64, stride: usize) -> Result<Dropped> {
    ensure!((0.0..=1.0).contains(&threshold), "a CKA threshold of {threshold}: give one from 0 to 1, as 0.98");
    ensure!(stride > 0, "a stride of 0 drops nothing: give 1 for all layers of a run but its first");
    let likeness = likeness(network, images)?;
    let alike: Vec<bool> = likeness.iter().map(|pair| pair.cka >= threshold).collect();
    let (names, layers) = (network.layer_names(), network.prunable());
    let mut gone = Vec::new();
    let mut clusters = Vec::new();
    for run in runs(&alike) {
        let run = &layers[run];
        let goes: Vec<usize> =
            run.iter().skip(1).step_by(stride).copied().filter(|&l| fits_without(network, l)).collect();
        let named = |layers: &[usize]| layers.iter().map(|&layer| names[layer].clone()).collect();
        clusters.push(Cluster { names: named(run), dropped: named(&goes) });
        gone.extend(goes);
    }
    Ok(Dropped { names: gone.iter().map(|&l| names[l].clone()).collect(), gone, clusters })
}

/// The runs of two and more places whose neighbors are alike; `alike[i]` is said of the places i and i + 1.
fn runs(alike: &[bool]) -> Vec<std::ops::Range<usize>> {
    let mut runs = Vec::new();
    let mut from = 0;
    for place in 0..=alike.len() {
        if alike.get(place) != Some(&true) {
            if place > from {
                runs.push(from..place + 1);
            }
            from = place + 1;
        }
    }
    runs
}

/// Whether the layer after takes what this one takes.
fn fits_without(network: &Network, layer: usize) -> bool {
    match &network.layers[layer] {
        Layer::Conv(conv) => conv.inputs == conv.outputs,
        Layer::Hidden(hidden) => hidden.inputs == hidden.outputs,
        Layer::Pool | Layer::Classifier(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Shape;
    use crate::network::{Normalization, evaluate};

    const SHAPE: Shape = Shape { height: 8, width: 8, channels: 2 };

    fn network(arch: &str) -> Network {
        let arch = arch.parse().expect("an architecture");
        Network::random(arch, SHAPE, 3, Normalization { mean: 100, deviation: 60.0 }, 1).expect("fits")
    }

    fn images() -> Images {
        let pixel = |at: usize| ((at * 37 + at / 128 * 91) % 251) as u8;
        Images { shape: SHAPE, pixels: (0..12 * 128).map(pixel).collect(), labels: vec![0; 12] }
    }

    fn without(network: &Network, dropped: &Dropped) -> Network {
        Depth::without(network, &dropped.gone).of_network(network).expect("an architecture")
    }

    fn pass_on(network: &mut Network, layer: usize) {
        let Layer::Conv(conv) = &mut network.layers[layer] else { panic!("layer {layer} is a convolution") };
        conv.pass_on();
    }

    #[test]
    fn layers_that_hand_on_their_input_go_and_the_logits_stay() {
        let mut network = network("4,4,P,6,6,6,F7,F7");
        [1, 4, 5].into_iter().for_each(|layer| pass_on(&mut network, layer));
        let dropped = drop_layers(&network, &images(), 0.9999, 1).expect("dropped");
        assert_eq!(dropped.names, ["conv2", "conv4", "conv5"]);
        assert_eq!(without(&network, &dropped).arch.to_string(), "4,P,6,F7,F7");
        let before = evaluate::logits(&network, &images()).expect("runs");
        let after = evaluate::logits(&without(&network, &dropped), &images()).expect("runs");
        before.iter().zip(&after).for_each(|(a, b)| assert!((a - b).abs() < 1e-3 * a.abs().max(1.0), "{a} became {b}"));
        let every_second = drop_layers(&network, &images(), 0.9999, 2).expect("dropped");
        assert_eq!(every_second.names, ["conv2", "conv4"]);
    }

    #[test]
    fn every_threshold_leaves_a_network_that_runs() {
        let network = network("4,4,P,6,6,P,F7,F7");
        for threshold in [0.0, 0.5, 0.95, 1.0] {
            let dropped = drop_layers(&network, &images(), threshold, 1).expect("dropped");
            assert_eq!(evaluate::logits(&without(&network, &dropped), &images()).expect("runs").len(), 36);
            let gone = network.layers.len() - without(&network, &dropped).layers.len();
            assert_eq!(gone, dropped.names.len());
        }
        assert!(drop_layers(&network, &images(), 1.5, 1).is_err() && drop_layers(&network, &images(), 0.9, 0).is_err());
    }

    #[test]
    fn a_run_of_layers_that_all_change_the_channels_says_so() {
        let dropped = drop_layers(&network("4,5,6,F7"), &images(), 0.0, 1).expect("dropped");
        assert!(dropped.names.is_empty());
        assert!(dropped.clusters.iter().all(|cluster| cluster.to_string().ends_with("all stay")));
    }

    #[test]
    fn what_loses_too_much_stays() {
        let mut network = network("4,4,P,F7");
        pass_on(&mut network, 1);
        let images = images();
        let data = DataSet {
            name: "noise".into(),
            classes: 3,
            train: images.clone(),
            validation: images.clone(),
            test: images.clone(),
        };
        let options = FitOptions { batch: 4, ..tune::defaults() };
        let drop = |loss, fit_on| {
            drop(&network, &data, &images, fit_on, &Limits { likeness: 0.9999, loss }, &options).expect("trains")
        };
        assert_eq!(drop(1.0, None).arch.to_string(), "4,P,F7");
        assert_eq!(drop(1.0, Some(&images)).arch.to_string(), "4,P,F7");
        assert_eq!(drop(-1.1, None), network);
    }

    #[test]
    fn runs_are_as_long_as_they_can_be() {
        assert_eq!(runs(&[true, true, false, false, true]), [0..3, 4..6]);
        assert_eq!(runs(&[false, true, false, true]), [1..3, 3..5]);
        assert!(runs(&[false]).is_empty() && runs(&[]).is_empty());
    }
}
