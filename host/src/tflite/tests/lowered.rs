//! What becomes of operators that are no layer of their own.

use super::network;
use crate::tflite::{Network, Operator, Plan, lower, read};
use secateur_shared::layer::Layer;

fn network(bytes: &[u8]) -> Network {
    let graph = read(bytes).expect("a network");
    lower(&graph, &Plan::new(&graph).expect("a plan")).expect("layers")
}

/// Every layer's operator, and the tensors that it reads.
fn layers(network: &Network) -> Vec<String> {
    let line = |(layer, input, other): (&Layer, usize, Option<usize>)| match other {
        Some(other) => format!("{} {input} {other}", layer.operator()),
        None => format!("{} {input}", layer.operator()),
    };
    network.layers.iter().map(|lowered| line((&lowered.layer, lowered.input, lowered.other))).collect()
}

#[test]
fn additions_read_two_tensors_and_a_reshape_before_a_linear_layer_is_none() {
    let expected = [
        "conv2d 0",
        "conv2d 1",
        "conv2d 2",
        "add 3 1",
        "conv2d 4",
        "conv2d 5",
        "conv2d 4",
        "add 7 6",
        "average-pool2d 8",
        "linear 9",
        "softmax 10",
    ];
    assert_eq!(layers(&network(network!("residual"))), expected);
}

#[test]
fn operators_in_any_order_are_sorted() {
    let mut sorted = layers(&network(network!("unordered")));
    let mut given = layers(&network(network!("residual")));
    assert_ne!(sorted, given);
    sorted.sort();
    given.sort();
    // The same layers; the convolution beside the other two comes before them, so that numbers differ.
    assert_eq!(sorted.len(), given.len());
    assert_eq!(sorted.last(), given.last());
}

#[test]
fn a_pool_right_after_a_convolution_is_in_its_pass() {
    let network = network(network!("max_pools"));
    assert_eq!(layers(&network), ["conv2d 0", "max-pool2d 1", "conv2d 2", "max-pool2d 3", "add 4 3"]);
    let pooled = |layer: &Layer| matches!(layer, Layer::Conv2d(conv) if conv.is_pooled);
    assert_eq!(
        network.layers.iter().map(|lowered| pooled(&lowered.layer)).collect::<Vec<_>>(),
        [true, false, false, false, false]
    );
    assert_eq!(network.notes, ["operator 1 (MAX_POOL_2D): in the same pass as layer 0"]);
}

#[test]
fn a_clamp_is_folded_where_only_it_reads_the_layer_before() {
    let network = network(network!("clamps"));
    let expected =
        ["conv2d 0", "depthwise-conv2d 1", "max-pool2d 2", "add 2 3", "depthwise-conv2d 4", "depthwise-conv2d 5"];
    assert_eq!(layers(&network), expected);
    let ranges: Vec<_> = network.layers[..3].iter().map(|lowered| lowered.layer.activation()).collect();
    assert_eq!(
        ranges.iter().map(|range| (range.low, range.high)).collect::<Vec<_>>(),
        [(-20, 127), (-11, 89), (-11, 89)]
    );
}

#[test]
fn a_pad_becomes_the_windows_padding() {
    let network = network(network!("pads"));
    let Layer::Conv2d(conv) = network.layers[0].layer else { panic!("a convolution") };
    assert_eq!((conv.window.before_hw, conv.window.after_hw), ((0, 0), (1, 1)));
    let Layer::DepthwiseConv2d(conv) = network.layers[1].layer else { panic!("a depthwise convolution") };
    // PAD of 1, and SAME of 1 more.
    assert_eq!((conv.window.before_hw, conv.window.after_hw), ((2, 2), (2, 1)));
}

#[test]
fn a_reshape_is_a_layer_only_between_two_images() {
    let network = network(network!("shapes"));
    assert_eq!(layers(&network), ["conv2d 0", "reshape 1", "conv2d 2", "conv2d 3"]);
    assert_eq!((network.input.height, network.input.width, network.input.channels), (4, 6, 4));
}

#[test]
fn ends_that_are_not_int8_are_left_out() {
    for (network, end) in
        [(network(network!("float_ends")), "FLOAT32"), (network(network!("unsigned_ends")), "UINT8 (128 less)")]
    {
        assert_eq!(layers(&network), ["conv2d 0", "linear 1"]);
        let last = if end == "FLOAT32" { "DEQUANTIZE" } else { "QUANTIZE" };
        let notes = [
            format!("operator 3 ({last}) at the end: left out, the output is int8 instead of {end}"),
            format!("operator 0 (QUANTIZE) at the start: left out, the input is int8 instead of {end}"),
        ];
        assert_eq!(network.notes, notes);
    }
}

#[test]
fn a_shape_that_is_computed_is_not_read() {
    let mut graph = read(network!("residual")).expect("a network");
    // The shape of the vector before the last layers, now as the output of an operator that nothing here runs.
    let shape = graph.operators[9].inputs[1].expect("a shape");
    graph.tensors[shape].data = None;
    let packed = Operator { code: 83, outputs: vec![shape], inputs: vec![], ..graph.operators[9].clone() };
    graph.operators.push(packed);
    let network = lower(&graph, &Plan::new(&graph).expect("a plan")).expect("layers");
    assert_eq!(network.notes, ["1 operators that the output's values do not depend on: left out"]);
}

#[test]
fn a_reshape_of_the_input_is_the_inputs_shape() {
    let network = network(network!("speech"));
    assert_eq!(layers(&network), ["depthwise-conv2d 0", "linear 1", "softmax 2"]);
    assert_eq!((network.input.height, network.input.width, network.input.channels), (49, 40, 1));
}
