//! Networks that cannot be run are refused by the place of what is wrong.

use super::network;
use crate::tflite::{Fused, Graph, Options, Plan, Type, lower, read};

/// What is said of a network after a change.
fn refusal(bytes: &[u8], change: impl FnOnce(&mut Graph)) -> String {
    let mut graph = read(bytes).expect("a network");
    change(&mut graph);
    let lowered = Plan::new(&graph).and_then(|plan| lower(&graph, &plan));
    format!("{:#}", lowered.expect_err("a refusal"))
}

fn check(bytes: &[u8], change: impl FnOnce(&mut Graph), expected: &str) {
    let message = refusal(bytes, change);
    assert!(message.starts_with(expected), "{message}\nnot: {expected}");
}

const RESIDUAL: &[u8] = network!("residual");
const INT8: &str = "only int8 networks run here, export it with full integer quantisation";

/// Tensor numbers in `residual`: the first convolution's.
const WEIGHTS: usize = 1;
const BIAS: usize = 2;

#[test]
fn unknown_operators() {
    let known = "ADD, AVERAGE_POOL_2D, CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED, MAX_POOL_2D, RELU, RELU6, RESHAPE, \
                 SOFTMAX, PAD, MEAN, SQUEEZE, PADV2, EXPAND_DIMS, QUANTIZE";
    let expected = format!("operator 3 (TRANSPOSE): code 39, version 2, is not supported; what is: {known}");
    check(RESIDUAL, |graph| graph.operators[3].code = 39, &expected);
    check(RESIDUAL, |graph| graph.operators[3].code = 999, "operator 3 (operator code 999): code 999");
    check(RESIDUAL, |graph| graph.operators[3].custom = "Detect".into(), "operator 3 (CUSTOM \"Detect\"): code 0");
    check(RESIDUAL, |graph| graph.operators[3].code = 119, "operator 3 (WHILE): code 119");
}

#[test]
fn other_numbers() {
    for (number, name) in [(3, "UINT8"), (7, "INT16"), (0, "FLOAT32"), (99, "type 99")] {
        let expected = format!("operator 0 (CONV_2D): tensor 3 `t3` is {name}: {INT8}");
        check(RESIDUAL, |graph| graph.tensors[3].kind = Type(number), &expected);
    }
    let kind = |tensor: usize, kind: Type| move |graph: &mut Graph| graph.tensors[tensor].kind = kind;
    check(RESIDUAL, kind(0, Type::UINT8), &format!("the input: tensor 0 `t0` is UINT8: {INT8}"));
    check(RESIDUAL, kind(27, Type::FLOAT32), &format!("the output: tensor 27 `t27` is FLOAT32: {INT8}"));
    check(
        RESIDUAL,
        kind(WEIGHTS, Type(17)),
        "operator 0 (CONV_2D): the weights, tensor 1 `t1` (INT4): only int8 weights run here",
    );
    check(RESIDUAL, kind(BIAS, Type(4)), "operator 0 (CONV_2D): the bias: tensor 2 `t2` is INT64, not INT32");
}

#[test]
fn sizes() {
    let shape =
        |tensor: usize, shape: &'static [i32]| move |graph: &mut Graph| graph.tensors[tensor].shape = shape.to_vec();
    let several = "the input: tensor 0 `t0` is of [2, 6, 6, 2]: only a batch of 1, and at most 3 dimensions more";
    check(RESIDUAL, shape(0, &[2, 6, 6, 2]), several);
    let unknown = "the input: tensor 0 `t0` is of [1, -1, 6, 2], known only when it runs: export it with fixed sizes";
    check(RESIDUAL, shape(0, &[1, -1, 6, 2]), unknown);
    check(RESIDUAL, shape(0, &[1, 0, 6, 2]), "the input: tensor 0 `t0` is of [1, 0, 6, 2]: empty, or too large");
    check(RESIDUAL, shape(0, &[1, 6, 6, 4]), "operator 0 (CONV_2D): its weights are for 2 channels, the input has 4");
    check(
        RESIDUAL,
        shape(3, &[1, 6, 6, 9]),
        "operator 0 (CONV_2D): tensor 3 `t3` is of 6x6x9, the operator gives 6x6x8",
    );
}

#[test]
fn constants() {
    let weights = "operator 0 (CONV_2D): the weights, tensor 1 `t1` (INT8): ";
    check(RESIDUAL, |graph| graph.tensors[WEIGHTS].zero_points[3] = 1, &format!("{weights}a zero point is not 0"));
    check(
        RESIDUAL,
        |graph| graph.tensors[WEIGHTS].scales[3] = f32::NAN,
        &format!("{weights}a scale is negative or no number"),
    );
    check(RESIDUAL, |graph| graph.tensors[WEIGHTS].axis = 3, &format!("{weights}8 scales for 8 outputs"));
    check(
        RESIDUAL,
        |graph| graph.tensors[WEIGHTS].data = Some(&[0; 8]),
        &format!("{weights}they are cut off: 8 of [8, 3, 3, 2]"),
    );
    check(
        RESIDUAL,
        |graph| graph.tensors[BIAS].data = Some(&[0; 8]),
        "operator 0 (CONV_2D): the bias: tensor 2 `t2` is cut off",
    );
    let scale = "operator 0 (CONV_2D): the ratio of scales ";
    check(RESIDUAL, |graph| graph.tensors[WEIGHTS].scales[3] = 1e20, scale);
    check(RESIDUAL, |graph| graph.tensors[3].scales[0] = 0.0, "operator 0 (CONV_2D): tensor 3 `t3` has the scale 0");
    check(
        RESIDUAL,
        |graph| graph.tensors[3].zero_points[0] = 128,
        "operator 0 (CONV_2D): tensor 3 `t3` has the zero point 128",
    );
    check(RESIDUAL, |graph| graph.tensors[3].scales.clear(), "operator 0 (CONV_2D): tensor 3 `t3` has 0 scales");
}

#[test]
fn convolutions() {
    let sliding = |graph: &mut Graph, change: fn(&mut crate::tflite::Sliding)| match &mut graph.operators[0].options {
        Options::Conv2d(sliding) => change(sliding),
        _ => panic!("a convolution"),
    };
    let dilated = "operator 0 (CONV_2D): its weights are (2, 1) apart: dilation is not supported";
    check(RESIDUAL, |graph| sliding(graph, |sliding| sliding.dilation_hw = (2, 1)), dilated);
    check(
        RESIDUAL,
        |graph| sliding(graph, |sliding| sliding.stride_hw = (0, 1)),
        "operator 0 (CONV_2D): its window or stride is 0",
    );
    let activation =
        "operator 0 (CONV_2D): its activation 4 is not supported; what is: NONE, RELU, RELU_N1_TO_1, RELU6";
    check(RESIDUAL, |graph| sliding(graph, |sliding| sliding.activation = Fused(4)), activation);
    check(
        RESIDUAL,
        |graph| graph.operators[0].options = Options::None,
        "operator 0 (CONV_2D): it has no options of a CONV_2D",
    );
    let change = |graph: &mut Graph| match &mut graph.operators[1].options {
        Options::DepthwiseConv2d(_, factor) => *factor = 2,
        _ => panic!("a depthwise convolution"),
    };
    let factor = "operator 1 (DEPTHWISE_CONV_2D): its weights of [1, 3, 3, 4] are not for 4 channels of 2 outputs";
    check(network!("depthwise_convolutions"), change, factor);
}

#[test]
fn additions() {
    // The first addition's operands: 9 and 3, its output 10.
    let constant = "operator 3 (ADD): tensor 2 `t2` is a constant, which is not supported here";
    check(RESIDUAL, |graph| graph.operators[3].inputs[1] = Some(2), constant);
    let broadcast = "operator 3 (ADD): it adds 6x6x8 and 6x6x2: only tensors of one shape are added";
    check(RESIDUAL, |graph| graph.operators[3].inputs[1] = Some(0), broadcast);
    let fine = "operator 3 (ADD): the ratio of its scales is ";
    check(RESIDUAL, |graph| graph.tensors[10].scales[0] = 1e-9, fine);
}

#[test]
fn pools_means_pads_and_ends() {
    let pool = "operator 8 (AVERAGE_POOL_2D): its output has another scale or zero point than its input";
    check(RESIDUAL, |graph| graph.tensors[21].zero_points[0] += 1, pool);
    let softmax = "operator 11 (SOFTMAX): its output must have scale 1/256 and zero point -128";
    check(RESIDUAL, |graph| graph.tensors[27].scales[0] = 0.01, softmax);
    check(
        RESIDUAL,
        |graph| graph.operators[11].options = Options::Softmax(0.0),
        "operator 11 (SOFTMAX): its beta times",
    );
    let axes = "operator 1 (MEAN): only a mean over rows and columns (axes 1 and 2 of 4) is supported, not [2, 3]";
    check(network!("means"), |graph| graph.tensors[5].data = Some(&[2, 0, 0, 0, 3, 0, 0, 0]), axes);
    let value = "operator 2 (PADV2): it pads with tensor 8 `t8`, which is not a zero of the input";
    check(network!("pads"), |graph| graph.tensors[8].data = Some(&[1]), value);
    let reader = "operator 1 (SOFTMAX): its input is padded by a PAD before it, which only convolutions can take over";
    let pooled =
        |graph: &mut Graph| (graph.operators[1].code, graph.operators[1].options) = (25, Options::Softmax(1.0));
    check(network!("pads"), pooled, reader);
    let rows =
        "operator 2 (FULLY_CONNECTED): its weights are for 24 inputs, there are 48: rows that it runs once for each";
    let halved = |graph: &mut Graph| {
        graph.tensors[5].shape = vec![4, 24];
        graph.tensors[5].data = graph.tensors[5].data.map(|data| &data[..96]);
    };
    check(network!("float_ends"), halved, rows);
}

#[test]
fn graphs() {
    let cycle = "operator 3 (ADD) waits for its own output: the graph has a cycle";
    check(RESIDUAL, |graph| graph.operators[3].inputs[1] = Some(10), cycle);
    let twice = "operator 1 (CONV_2D) writes tensor 3 `t3`, which has its values";
    check(RESIDUAL, |graph| graph.operators[1].outputs = vec![3], twice);
    let never = "operator 2 (CONV_2D) reads tensor 6 `t6`, which no operator makes";
    check(RESIDUAL, |graph| graph.operators[1].outputs = vec![], never);
    check(RESIDUAL, |graph| graph.output = 0, "nothing is computed between its input and its output");
    check(RESIDUAL, |graph| graph.operators.clear(), "no operator makes the output, tensor 27 `t27`");
}
