//! The network's formulas as plain loops: slow, and right by reading.

use crate::data::Shape;
use crate::network::{BatchNorm, Conv, Layer, Network};

/// What each layer gives for one image (HWC pixels), `[channel][row][column]`; the logits last.
pub(super) fn outputs(network: &Network, pixels_hwc: &[u8]) -> Vec<Vec<f32>> {
    let maps = network.arch.maps(network.input).expect("fits");
    let channels = network.input.channels;
    let planar = (0..channels).flat_map(|channel| pixels_hwc.iter().skip(channel).step_by(channels));
    let mut values: Vec<f32> = planar.map(|pixel| network.normalization.apply(*pixel)).collect();
    let mut outputs = Vec::new();
    for (layer, map) in network.layers.iter().zip(maps) {
        values = match layer {
            Layer::Conv(conv) => activated(convolution(conv, &values, map), &conv.norm),
            Layer::Pool => pooled(&values, map),
            Layer::Hidden(hidden) => activated(products(&hidden.weight_oi, &values), &hidden.norm),
            Layer::Classifier(last) => products(&last.weight_oi, &values)
                .iter()
                .zip(&last.bias)
                .map(|(product, bias)| product + bias)
                .collect(),
        };
        outputs.push(values.clone());
    }
    outputs
}

fn convolution(conv: &Conv, input: &[f32], map: Shape) -> Vec<f32> {
    let Shape { height, width, .. } = map;
    let at = |channel: usize, row: isize, column: isize| {
        let inside = (0..height as isize).contains(&row) && (0..width as isize).contains(&column);
        if inside { input[(channel * height + row as usize) * width + column as usize] } else { 0.0 }
    };
    let mut output = Vec::new();
    for (filter, row, column) in places(Shape { channels: conv.outputs, ..map }) {
        let mut sum = 0.0;
        for (channel, down, right) in places(Shape { height: 3, width: 3, channels: conv.inputs }) {
            let weight = conv.weight_oihw[((filter * conv.inputs + channel) * 3 + down) * 3 + right];
            sum += weight * at(channel, (row + down) as isize - 1, (column + right) as isize - 1);
        }
        output.push(sum);
    }
    output
}

/// Channel, row and column of every value.
fn places(shape: Shape) -> impl Iterator<Item = (usize, usize, usize)> {
    let Shape { height, width, channels } = shape;
    (0..channels * height * width).map(move |at| (at / (height * width), at / width % height, at % width))
}

fn pooled(input: &[f32], map: Shape) -> Vec<f32> {
    let at = |channel: usize, row: usize, column: usize| input[(channel * map.height + row) * map.width + column];
    let window = |(channel, row, column)| {
        let corners =
            [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(down, right)| at(channel, 2 * row + down, 2 * column + right));
        corners.into_iter().fold(f32::MIN, f32::max)
    };
    places(Shape { height: map.height / 2, width: map.width / 2, ..map }).map(window).collect()
}

/// W x.
pub(super) fn products(weight_oi: &[f32], input: &[f32]) -> Vec<f32> {
    let row = |row: &[f32]| row.iter().zip(input).map(|(weight, value)| weight * value).sum();
    weight_oi.chunks_exact(input.len()).map(row).collect()
}

/// max(0, γ (x − mean) / sqrt(variance + ε) + β).
fn activated(values: Vec<f32>, norm: &BatchNorm) -> Vec<f32> {
    let plane = values.len() / norm.gamma.len();
    let one = |(at, value): (usize, f32)| {
        let channel = at / plane;
        let centered = (value - norm.mean[channel]) / (norm.variance[channel] + norm.epsilon).sqrt();
        (norm.gamma[channel] * centered + norm.beta[channel]).max(0.0)
    };
    values.into_iter().enumerate().map(one).collect()
}
