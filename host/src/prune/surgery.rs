//! Takes filters out of a network for good: from the layer's weights, its batch norm, and the inputs of the next layer.

use anyhow::{Result, ensure};

use super::order::LayerOrder;
use crate::network::{BatchNorm, Layer, Network};

/// The filters that each prunable layer keeps, ascending: the first `widths[i]` of its order.
pub fn kept(orders: &[LayerOrder], widths: &[usize]) -> Vec<Vec<usize>> {
    let prefix = |order: &[usize], width: usize| {
        let mut kept = order[..width.min(order.len())].to_vec();
        kept.sort_unstable();
        kept
    };
    orders.iter().zip(widths).map(|(layer, width)| prefix(&layer.order, *width)).collect()
}

/// The network with only the filters of `kept`, one ascending list per prunable layer.
///
/// # Errors
/// Lists that are not one per prunable layer, or an empty one.
pub fn remove(network: &Network, kept: &[Vec<usize>]) -> Result<Network> {
    ensure!(kept.len() == network.prunable().len(), "surgery needs one list of filters per prunable layer");
    ensure!(
        kept.iter().all(|filters| !filters.is_empty()),
        "a layer without filters passes nothing on: keep at least one"
    );
    let maps = network.arch.maps(network.input)?;
    let mut inputs: Vec<usize> = (0..network.input.channels).collect();
    let mut kept = kept.iter();
    let mut pruned = network.clone();
    for (layer, map) in pruned.layers.iter_mut().zip(&maps) {
        let plane = map.height * map.width;
        match layer {
            Layer::Conv(conv) => {
                let Some(outputs) = kept.next() else { continue };
                conv.weight_oihw = select(&conv.weight_oihw, conv.inputs, 9, outputs, &inputs);
                norm(&mut conv.norm, outputs);
                (conv.inputs, conv.outputs) = (inputs.len(), outputs.len());
                inputs.clone_from(outputs);
            }
            Layer::Pool => {}
            Layer::Hidden(hidden) => {
                let Some(outputs) = kept.next() else { continue };
                hidden.weight_oi = select(&hidden.weight_oi, hidden.inputs / plane, plane, outputs, &inputs);
                norm(&mut hidden.norm, outputs);
                (hidden.inputs, hidden.outputs) = (inputs.len() * plane, outputs.len());
                inputs.clone_from(outputs);
            }
            Layer::Classifier(last) => {
                let outputs: Vec<usize> = (0..last.outputs).collect();
                last.weight_oi = select(&last.weight_oi, last.inputs / plane, plane, &outputs, &inputs);
                last.inputs = inputs.len() * plane;
            }
        }
    }
    pruned.arch = pruned.arch_of_layers()?;
    Ok(pruned)
}

/// `[output][input][plane]` values of these outputs and inputs, from `of` inputs.
fn select(values: &[f32], of: usize, plane: usize, outputs: &[usize], inputs: &[usize]) -> Vec<f32> {
    let pairs = outputs.iter().flat_map(|output| inputs.iter().map(move |input| output * of + input));
    pairs.flat_map(|pair| &values[pair * plane..(pair + 1) * plane]).copied().collect()
}

fn norm(norm: &mut BatchNorm, kept: &[usize]) {
    for values in [&mut norm.gamma, &mut norm.beta, &mut norm.mean, &mut norm.variance] {
        *values = kept.iter().map(|channel| values[*channel]).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Shape;
    use crate::network::{Normalization, evaluate};

    /// Silences filters by γ = β = 0: their maps are then zero, and taking them out changes nothing.
    fn silence(network: &mut Network, layer: usize, filters: &[usize]) {
        let norm = match &mut network.layers[layer] {
            Layer::Conv(conv) => &mut conv.norm,
            Layer::Hidden(hidden) => &mut hidden.norm,
            other => panic!("{other:?} has no filters"),
        };
        for filter in filters {
            norm.gamma[*filter] = 0.0;
            norm.beta[*filter] = 0.0;
        }
    }

    #[test]
    fn taking_out_silent_filters_changes_no_logit() {
        let shape = Shape { height: 9, width: 8, channels: 2 };
        let arch = "5,6,P,4,F7".parse().expect("an architecture");
        let mut network =
            Network::random(arch, shape, 3, Normalization { mean: 10, deviation: 60.0 }, 1).expect("fits");
        silence(&mut network, 0, &[1, 4]);
        silence(&mut network, 1, &[0]);
        silence(&mut network, 3, &[2, 3]);
        silence(&mut network, 4, &[0, 5, 6]);
        let kept = [vec![0, 2, 3], vec![1, 2, 3, 4, 5], vec![0, 1], vec![1, 2, 3, 4]];
        let pruned = remove(&network, &kept).expect("surgery");
        assert_eq!(pruned.arch.to_string(), "3,5,P,2,F4");
        let pixels = (0..4 * 144).map(|index| (index * 37 % 251) as u8).collect();
        let images = crate::data::Images { shape, pixels, labels: vec![0; 4] };
        let before = evaluate::logits(&network, &images).expect("runs");
        let after = evaluate::logits(&pruned, &images).expect("runs");
        for (before, after) in before.iter().zip(&after) {
            assert!((before - after).abs() < 1e-4, "{before} became {after}");
        }
    }
}
