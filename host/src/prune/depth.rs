//! Which layers a pruned network has, of the unpruned one's: all, or some less.

use std::ops::Range;

use anyhow::Result;

use crate::network::{Layer, Network};

/// The layers that are left, by their indices in the unpruned network, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Depth {
    left: Vec<usize>,
}

impl Depth {
    /// All of the network's.
    pub fn whole(network: &Network) -> Self {
        Self::without(network, &[])
    }

    /// All but these, given by index.
    pub fn without(network: &Network, gone: &[usize]) -> Self {
        Self { left: (0..network.layers.len()).filter(|layer| !gone.contains(layer)).collect() }
    }

    /// One convolution or hidden layer less, or two after one another: each of them in turn. None leaves two pools after each
    /// other, for a pool is part of the kernel of the convolution before it, and none the classifier alone.
    pub fn shallower(&self, network: &Network) -> Vec<Self> {
        let (prunable, end) = (network.prunable(), self.left.len());
        let is_pool = |layer: Option<&usize>| layer.is_none_or(|layer| network.layers[*layer] == Layer::Pool);
        let can_go = |gone: &Range<usize>| {
            let before = gone.start.checked_sub(1).and_then(|before| self.left.get(before));
            let is_between_pools = is_pool(before) && is_pool(self.left.get(gone.end));
            let mut others = self.left[..gone.start].iter().chain(&self.left[gone.end..]);
            let leaves_some = others.any(|layer| prunable.contains(layer));
            self.left[gone.clone()].iter().all(|layer| prunable.contains(layer)) && !is_between_pools && leaves_some
        };
        let without = |gone: Range<usize>| {
            let mut left = self.left.clone();
            left.drain(gone);
            Self { left }
        };
        let runs = [1, 2].into_iter().flat_map(|length| (length..=end).map(move |after| after - length..after));
        runs.filter(can_go).map(without).collect()
    }

    /// The indices of the layers that are left.
    pub fn left(&self) -> &[usize] {
        &self.left
    }

    /// The names of the layers that are not.
    pub fn gone(&self, network: &Network) -> Vec<String> {
        let names = network.layer_names().into_iter().enumerate();
        names.filter(|(layer, _)| !self.left.contains(layer)).map(|(_, name)| name).collect()
    }

    /// What the layers that are left make, as they are; one that takes other inputs than it did, as [`Layer::take`] has it.
    ///
    /// # Errors
    /// No architecture.
    pub fn of_network(&self, network: &Network) -> Result<Network> {
        let layers = self.left.iter().map(|layer| network.layers[*layer].clone()).collect();
        let mut left = Network { layers, ..network.clone() };
        left.arch = left.arch_of_layers()?;
        let maps = left.arch.maps(left.input)?;
        left.layers.iter_mut().zip(maps).for_each(|(layer, map)| layer.take(map));
        Ok(left)
    }

    /// What belongs to the prunable layers that are left, of what belongs to each of the unpruned network's.
    pub fn of<T: Clone>(&self, network: &Network, each: &[T]) -> Vec<T> {
        let layers = network.prunable().into_iter().zip(each);
        layers.filter(|(layer, _)| self.left.contains(layer)).map(|(_, of)| of.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Images, Shape};
    use crate::network::{Normalization, evaluate};

    fn network(arch: &str) -> Network {
        let shape = Shape { height: 12, width: 12, channels: 1 };
        let arch = arch.parse().expect("an architecture");
        Network::random(arch, shape, 3, Normalization { mean: 100, deviation: 60.0 }, 1).expect("fits")
    }

    #[test]
    fn a_layer_goes_or_two_but_not_all_between_two_pools_and_not_the_last() {
        for (arch, once) in [
            ("4,5,P,6,F7", vec!["5,P,6,F7", "4,P,6,F7", "4,5,P,F7", "4,5,P,6", "4,5,P"]),
            ("4,P,4,P,F7", vec!["4,P,4,P"]),
            ("4,P,5,6,P,F7", vec!["4,P,6,P,F7", "4,P,5,P,F7", "4,P,5,6,P"]),
            ("4,P,5,6,7,P", vec!["4,P,6,7,P", "4,P,5,7,P", "4,P,5,6,P", "4,P,7,P", "4,P,5,P"]),
            ("4,P,5,6", vec!["4,P,6", "4,P,5", "4,P"]),
            ("4,P,5", vec!["4,P"]),
            ("4,F7", vec!["F7", "4"]),
            ("4", vec![]),
            ("4,P", vec![]),
            ("F7", vec![]),
        ] {
            let network = network(arch);
            let whole = Depth::whole(&network);
            assert_eq!(whole.of_network(&network).expect("itself"), network);
            let shallower = whole.shallower(&network).into_iter();
            let arch = |depth: Depth| depth.of_network(&network).expect("an architecture").arch.to_string();
            assert_eq!(shallower.map(arch).collect::<Vec<_>>(), once);
        }
    }

    #[test]
    fn what_is_left_keeps_what_is_its_own() {
        let network = network("4,4,P,6,6,F7");
        let depth = Depth::without(&network, &[1, 4]);
        assert_eq!(depth.of(&network, &["a", "b", "c", "d", "e"]), ["a", "c", "e"]);
        assert_eq!((depth.left(), depth.gone(&network)), (&[0, 2, 3, 5, 6][..], vec!["conv2".into(), "conv4".into()]));
        assert_eq!(depth.of_network(&network).expect("an architecture").arch.to_string(), "4,P,6,F7");
    }

    #[test]
    fn layers_after_one_that_is_gone_take_what_is_there_by_their_old_weights() {
        let network = network("4,5,P,6,F7");
        let images = Images { shape: network.input, pixels: vec![90; 3 * 144], labels: vec![0; 3] };
        for gone in [0, 1, 3, 4] {
            let left = Depth::without(&network, &[gone]).of_network(&network).expect("an architecture");
            assert_eq!(evaluate::logits(&left, &images).expect("runs").len(), 9, "{}", left.arch);
        }
        let conv = |network: &Network, layer: usize| match &network.layers[layer] {
            Layer::Conv(conv) => conv.weight_oihw.clone(),
            other => panic!("{other:?} is no convolution"),
        };
        // conv3 took five channels and takes the four of conv1: the first four's weights; conv2 took four and takes one.
        for (gone, before, after, was, now) in [(1, 3, 2, 5, 4), (0, 1, 0, 4, 1)] {
            let left = Depth::without(&network, &[gone]).of_network(&network).expect("an architecture");
            let (old, new) = (conv(&network, before), conv(&left, after));
            let mut filters = old.chunks(was * 9).zip(new.chunks(now * 9));
            assert!(filters.all(|(old, new)| new == &old[..now * 9]), "without layer {gone}");
        }
        // Where a layer takes more than it did, they come again.
        let mut conv1 = network.layers[0].clone();
        conv1.take(Shape { channels: 3, ..network.input });
        let Layer::Conv(conv1) = conv1 else { panic!("a convolution") };
        let again = |filter: &[f32]| filter[..9] == filter[9..18] && filter[..9] == filter[18..];
        assert!(conv1.weight_oihw.chunks(27).all(again) && conv1.weight_oihw.len() == 4 * 27);
    }
}
