//! From a graph of TensorFlow Lite to the engine's layers, each with the very numbers that TensorFlow Lite Micro
//! computes with.

mod conv2d;
mod linear;
mod mean;
mod network;
mod pointwise;
mod pool2d;
mod reshape;
mod values;

pub use network::{Lowered, Network};

use super::graph::{Graph, Operator};
use super::order::Plan;
use anyhow::{Context, Result, bail};
use secateur_shared::layer::Shape;
use values::Value;

pub(super) const DEQUANTIZE: i32 = 6;
pub(super) const QUANTIZE: i32 = 114;

/// Lowers one operator.
type Rule<'g> = fn(&mut Lowering<'g>, &Operator) -> Result<()>;

/// A network while its operators become layers, one after the other.
struct Lowering<'g> {
    graph: &'g Graph<'g>,
    plan: &'g Plan,
    /// The operator at hand.
    operator: usize,
    /// Of each tensor of the graph, what it is here.
    values: Vec<Option<Value>>,
    layers: Vec<Lowered>,
    /// Of the engine's tensors: the input's and every layer's.
    shapes: Vec<Shape>,
    /// Whether a layer has read the input, whose shape is then fixed.
    is_input_read: bool,
    notes: Vec<String>,
}

/// Lowers a graph.
///
/// # Errors
/// What cannot be run, with its place: `operator 3 (CONV_2D): tensor 7 ...`.
pub fn lower(graph: &Graph, plan: &Plan) -> Result<Network> {
    let mut lowering = Lowering {
        graph,
        plan,
        operator: 0,
        values: vec![None; graph.tensors.len()],
        layers: Vec::new(),
        shapes: Vec::new(),
        is_input_read: false,
        notes: plan.notes.clone(),
    };
    lowering.start().context("the input")?;
    for index in &plan.operators {
        lowering.operator = *index;
        lowering.step(&graph.operators[*index]).with_context(|| graph.operator_name(*index))?;
    }
    lowering.finish().context("the output")
}

impl<'g> Lowering<'g> {
    /// The operators that are understood, by their number in the schema.
    const RULES: [(i32, Rule<'g>); 16] = [
        (0, Self::add),
        (1, Self::average_pool2d),
        (3, Self::conv2d),
        (4, Self::depthwise_conv2d),
        (9, Self::linear),
        (17, Self::max_pool2d),
        (19, Self::relu),
        (21, Self::relu6),
        (22, Self::reshape),
        (25, Self::softmax),
        (34, Self::pad),
        (40, Self::mean),
        (43, Self::reshape),
        (60, Self::pad),
        (70, Self::reshape),
        (QUANTIZE, Self::quantize),
    ];

    fn start(&mut self) -> Result<()> {
        let (input, quantization) = (self.plan.input, self.int8(self.plan.input)?);
        let shape = self.hwc(input)?;
        self.shapes.push(shape);
        self.values[input] = Some(Value::new(0, shape, quantization));
        Ok(())
    }

    fn step(&mut self, operator: &Operator) -> Result<()> {
        let rule = Self::RULES.iter().find(|(code, _)| *code == operator.code && operator.custom.is_empty());
        let Some((_, rule)) = rule else {
            let known: Vec<String> = Self::RULES.iter().map(|(code, _)| super::names::operator(*code)).collect();
            bail!(
                "code {}, version {}, is not supported; what is: {}",
                operator.code,
                operator.version,
                known.join(", ")
            )
        };
        rule(self, operator)
    }
}
