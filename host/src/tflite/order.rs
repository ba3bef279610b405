//! What of a graph is to be run, and in which order.

use super::graph::{Graph, Tensor, Type};
use super::lower::{DEQUANTIZE, QUANTIZE};
use anyhow::{Context, Result, bail, ensure};

/// No network for a microcontroller has as many operators; bounds the work on a file that was made to take long.
const OPERATORS_MAX: usize = 1000;

/// The operators between the int8 ends of a network.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The int8 tensor that is fed.
    pub input: usize,
    /// The int8 tensor that is the answer.
    pub output: usize,
    /// Numbers of operators, each after those that it reads from; in the file's order where that is one.
    pub operators: Vec<usize>,
    /// How many operators read each tensor; the answer has one more reader.
    pub readers: Vec<usize>,
    /// What was left out.
    pub notes: Vec<String>,
}

impl Plan {
    /// Finds what the answer depends on. Quantising at the very ends is left out.
    ///
    /// # Errors
    /// Where a tensor is made twice or never, operators wait for each other, or an end is not int8.
    pub fn new(graph: &Graph) -> Result<Self> {
        ensure!(graph.operators.len() <= OPERATORS_MAX, "it has {} operators", graph.operators.len());
        let makers = makers(graph)?;
        let mut plan = Self {
            input: graph.input,
            output: graph.output,
            operators: Vec::new(),
            readers: vec![0; graph.tensors.len()],
            notes: Vec::new(),
        };
        plan.drop_dequantize(graph, &makers)?;
        let mut needed = needed(graph, plan.output, &makers)?;
        plan.drop_quantize(graph, &mut needed)?;
        plan.sort(graph, &makers, &needed)?;
        ensure!(!plan.operators.is_empty(), "nothing is computed between its input and its output");
        let (ends, idle) = (plan.notes.len(), needed.iter().filter(|is_needed| !**is_needed).count());
        if idle > ends {
            plan.notes.push(format!("{} operators that the output's values do not depend on: left out", idle - ends));
        }
        Ok(plan)
    }

    /// An answer that is not int8 must be made from one that is, by the last operator.
    fn drop_dequantize(&mut self, graph: &Graph, makers: &[Option<usize>]) -> Result<()> {
        let end = &graph.tensors[self.output];
        if end.kind == Type::INT8 {
            return Ok(());
        }
        let last = makers[self.output].filter(|last| matches!(graph.operators[*last].code, DEQUANTIZE | QUANTIZE));
        let source = last.and_then(|last| graph.operators[last].inputs.first().copied().flatten());
        let source = source.filter(|source| is_same_number(&graph.tensors[*source], end));
        let (Some(last), Some(source)) = (last, source) else { bail!("the output: {}", not_int8(graph, self.output)) };
        self.output = source;
        let last = graph.operator_name(last);
        self.notes.push(format!(
            "{last} at the end: left out, the output is int8 instead of {}{}",
            end.kind,
            shifted(end)
        ));
        Ok(())
    }

    /// An input that is not int8 must be made int8 by all that read it.
    fn drop_quantize(&mut self, graph: &Graph, needed: &mut [bool]) -> Result<()> {
        let end = &graph.tensors[self.input];
        if end.kind == Type::INT8 {
            return Ok(());
        }
        let reads =
            |index: &usize| needed[*index] && graph.operators[*index].sources().any(|source| source == self.input);
        let firsts: Vec<usize> = (0..graph.operators.len()).filter(reads).collect();
        let made = match firsts[..] {
            [first] if graph.operators[first].code == QUANTIZE => graph.operators[first].outputs.first().copied(),
            _ => None,
        };
        let made = made.filter(|made| is_same_number(&graph.tensors[*made], end));
        let (Some(made), [first]) = (made, &firsts[..]) else { bail!("the input: {}", not_int8(graph, self.input)) };
        (self.input, needed[*first]) = (made, false);
        let first = graph.operator_name(*first);
        self.notes.push(format!(
            "{first} at the start: left out, the input is int8 instead of {}{}",
            end.kind,
            shifted(end)
        ));
        Ok(())
    }

    /// Takes operators whose inputs are there, the file's first one first.
    fn sort(&mut self, graph: &Graph, makers: &[Option<usize>], needed: &[bool]) -> Result<()> {
        let mut waiting: Vec<usize> = (0..graph.operators.len()).filter(|index| needed[*index]).collect();
        let mut is_done = vec![false; graph.operators.len()];
        while !waiting.is_empty() {
            let is_ready = |index: &usize, is_done: &[bool]| {
                let mut sources = graph.operators[*index].sources();
                sources.all(|source| source == self.input || makers[source].is_none_or(|maker| is_done[maker]))
            };
            let Some(next) = waiting.iter().position(|index| is_ready(index, &is_done)) else {
                bail!("{} waits for its own output: the graph has a cycle", graph.operator_name(waiting[0]))
            };
            let next = waiting.remove(next);
            is_done[next] = true;
            self.operators.push(next);
            graph.operators[next].sources().for_each(|source| self.readers[source] += 1);
        }
        self.readers[self.output] += 1;
        Ok(())
    }
}

/// Of each tensor, the operator that makes it.
fn makers(graph: &Graph) -> Result<Vec<Option<usize>>> {
    let mut makers = vec![None; graph.tensors.len()];
    for (index, operator) in graph.operators.iter().enumerate() {
        for output in &operator.outputs {
            let is_given = *output == graph.input || graph.tensors[*output].data.is_some();
            if is_given || makers[*output].replace(index).is_some() {
                bail!("{} writes {}, which has its values", graph.operator_name(index), graph.tensor_name(*output));
            }
        }
    }
    Ok(makers)
}

/// Of each operator, whether the output depends on it.
fn needed(graph: &Graph, output: usize, makers: &[Option<usize>]) -> Result<Vec<bool>> {
    let mut needed = vec![false; graph.operators.len()];
    let mut open: Vec<usize> = makers[output].into_iter().collect();
    ensure!(output == graph.input || !open.is_empty(), "no operator makes the output, {}", graph.tensor_name(output));
    while let Some(index) = open.pop() {
        if std::mem::replace(&mut needed[index], true) {
            continue;
        }
        for source in graph.operators[index].sources() {
            let is_given = source == graph.input || graph.tensors[source].data.is_some();
            if !is_given {
                let maker = makers[source].with_context(|| {
                    format!(
                        "{} reads {}, which no operator makes",
                        graph.operator_name(index),
                        graph.tensor_name(source)
                    )
                });
                open.push(maker?);
            }
        }
    }
    Ok(needed)
}

/// Whether an int8 tensor stands for the same numbers as one at an end: any float does, an unsigned byte where it is
/// 128 more.
fn is_same_number(inner: &Tensor, end: &Tensor) -> bool {
    let is_shifted = || {
        let points = inner.zero_points.first().zip(end.zero_points.first());
        inner.scales == end.scales && points.is_some_and(|(inner, end)| inner.checked_add(128) == Some(*end))
    };
    inner.kind == Type::INT8 && (end.kind == Type::FLOAT32 || (end.kind == Type::UINT8 && is_shifted()))
}

fn shifted(end: &Tensor) -> &'static str {
    if end.kind == Type::UINT8 { " (128 less)" } else { "" }
}

/// What to say of a tensor that is not int8.
pub(super) fn not_int8(graph: &Graph, tensor: usize) -> String {
    let kind = graph.tensors[tensor].kind;
    format!(
        "{} is {kind}: only int8 networks run here, export it with full integer quantisation",
        graph.tensor_name(tensor)
    )
}
