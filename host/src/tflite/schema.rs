//! From the tables of TensorFlow Lite's schema (version 3, `schema.fbs`) to a [`Graph`]. Slots are the schema's numbers
//! of the fields.

use super::graph::{Fused, Graph, Operator, Options, Sliding, Tensor, Type};
use super::reader::{Reader, Table, slot};
use anyhow::{Context, Result, bail, ensure};

/// The version that every `.tflite` file has.
const SCHEMA_VERSION: u32 = 3;

/// What a file says of the operators that it uses.
struct Code {
    code: i32,
    custom: String,
    version: i32,
}

/// Reads a file, without judging what it computes.
///
/// # Errors
/// Where it is cut off or damaged, or not a network of one graph, one input and one output.
pub fn read(bytes: &[u8]) -> Result<Graph<'_>> {
    ensure!(bytes.len() > 8, "it has {} bytes, fewer than the smallest network: is it cut off?", bytes.len());
    ensure!(&bytes[4..8] == b"TFL3", "it does not begin as a .tflite file does (`TFL3` at byte 4)");
    graph(bytes).context("it is cut off or damaged, or no network")
}

fn graph(bytes: &[u8]) -> Result<Graph<'_>> {
    let (mut reader, model) = Reader::new(bytes)?;
    let version = reader.scalar(model, slot(0), 0_u32)?;
    ensure!(version == SCHEMA_VERSION, "it is of schema version {version}, this program reads {SCHEMA_VERSION}");
    let graphs = reader.tables(model, slot(2)).context("the list of graphs")?;
    let [graph] = graphs[..] else {
        bail!("it has {} graphs, this program runs networks of one: control flow is not supported", graphs.len())
    };
    let buffers = reader.tables(model, slot(4)).context("the list of buffers")?;
    let codes = reader.tables(model, slot(1)).context("the list of operator codes")?;
    let codes = codes.into_iter().map(|table| code(&mut reader, table)).collect::<Result<Vec<Code>>>()?;
    let tables = reader.tables(graph, slot(0)).context("the list of tensors")?;
    let tensors = tables
        .into_iter()
        .enumerate()
        .map(|(index, table)| tensor(&mut reader, table, &buffers).with_context(|| format!("tensor {index}")));
    let tensors = tensors.collect::<Result<Vec<Tensor>>>()?;
    let ends = [(slot(1), "input"), (slot(2), "output")].map(|(slot, what)| {
        let numbers: Vec<i32> = reader.numbers(graph, slot).with_context(|| format!("the list of {what}s"))?;
        let [end] = numbers[..] else { bail!("it has {} {what}s, this program runs networks of one", numbers.len()) };
        place(end, tensors.len()).with_context(|| format!("the {what}"))
    });
    let [input, output] = ends;
    let tables = reader.tables(graph, slot(3)).context("the list of operators")?;
    let operators = tables.into_iter().enumerate().map(|(index, table)| {
        operator(&mut reader, table, &codes, tensors.len()).with_context(|| format!("operator {index}"))
    });
    let operators = operators.collect::<Result<Vec<Operator>>>()?;
    Ok(Graph { tensors, operators, input: input?, output: output? })
}

/// A number of a list, within the list.
fn place(number: i32, length: usize) -> Result<usize> {
    let index = usize::try_from(number).ok().filter(|index| *index < length);
    index.with_context(|| format!("is tensor {number}, there are {length}"))
}

fn code(reader: &mut Reader, table: Table) -> Result<Code> {
    // Files of before 2020 have only a byte; later ones have both, and in the byte at most 127.
    let (old, new) = (reader.scalar(table, slot(0), 0_i8)?, reader.scalar(table, slot(3), 0_i32)?);
    let (custom, version) = (reader.text(table, slot(1))?, reader.scalar(table, slot(2), 1)?);
    Ok(Code { code: new.max(old.into()), custom, version })
}

fn tensor<'b>(reader: &mut Reader<'b>, table: Table, buffers: &[Table]) -> Result<Tensor<'b>> {
    let name = reader.text(table, slot(3))?;
    ensure!(reader.scalar(table, slot(5), 0_u8)? == 0, "`{name}` keeps its value between runs: not supported");
    ensure!(reader.table(table, slot(6))?.is_none(), "`{name}` is sparse: export the network with dense weights");
    let number = reader.scalar(table, slot(2), 0_u32)?;
    let buffer =
        buffers.get(number as usize).with_context(|| format!("`{name}` is in buffer {number}, which is not there"))?;
    ensure!(
        reader.scalar(*buffer, slot(1), 0_u64)? <= 1,
        "the values of `{name}` lie behind the network, as of files over 2 GB: not supported"
    );
    let mut tensor = Tensor {
        kind: Type(reader.scalar(table, slot(1), 0)?),
        shape: shape(reader, table)?,
        data: reader.bytes(*buffer, slot(0))?.filter(|data| !data.is_empty()),
        name,
        scales: Vec::new(),
        zero_points: Vec::new(),
        axis: 0,
    };
    if let Some(quantization) = reader.table(table, slot(4))? {
        tensor.scales = reader.numbers(quantization, slot(2))?;
        tensor.zero_points = reader.numbers(quantization, slot(3))?;
        tensor.axis = reader.scalar(quantization, slot(6), 0)?;
        // Absent zero points are zero.
        if tensor.zero_points.is_empty() {
            tensor.zero_points = vec![0; tensor.scales.len()];
        }
        ensure!(
            tensor.zero_points.len() == tensor.scales.len(),
            "`{}` has other numbers of scales and zero points",
            tensor.name
        );
    }
    Ok(tensor)
}

/// The sizes; where one is only known when it runs (-1 in the signature) and is no batch, it is -1.
fn shape(reader: &mut Reader, table: Table) -> Result<Vec<i32>> {
    let mut shape: Vec<i32> = reader.numbers(table, slot(0))?;
    let signature: Vec<i32> = reader.numbers(table, slot(7))?;
    for (index, size) in shape.iter_mut().enumerate() {
        let is_unknown = *size < 0 || signature.get(index).is_some_and(|size| *size < 0);
        if is_unknown {
            *size = if index == 0 { 1 } else { -1 };
        }
    }
    Ok(shape)
}

fn operator(reader: &mut Reader, table: Table, codes: &[Code], tensors: usize) -> Result<Operator> {
    let number = reader.scalar(table, slot(0), 0_u32)?;
    let Code { code, custom, version } =
        codes.get(number as usize).with_context(|| format!("is of code {number}, which is not there"))?;
    let inputs: Vec<i32> = reader.numbers(table, slot(1))?;
    let outputs: Vec<i32> = reader.numbers(table, slot(2))?;
    let inputs = inputs.into_iter().map(|input| (input != -1).then(|| place(input, tensors)).transpose());
    let outputs = outputs.into_iter().map(|output| place(output, tensors));
    Ok(Operator {
        inputs: inputs.collect::<Result<_>>().context("an input")?,
        outputs: outputs.collect::<Result<_>>().context("an output")?,
        options: options(reader, table).context("the options")?,
        code: *code,
        custom: custom.clone(),
        version: *version,
    })
}

/// The options of the operators that are run here, by their number in the schema's union.
fn options(reader: &mut Reader, operator: Table) -> Result<Options> {
    let Some(table) = reader.table(operator, slot(4))? else { return Ok(Options::None) };
    Ok(match reader.scalar(operator, slot(3), 0_u8)? {
        1 => Options::Conv2d(sliding(reader, table, 3, Some((5, 4)))?),
        2 => Options::DepthwiseConv2d(sliding(reader, table, 4, Some((6, 5)))?, reader.scalar(table, slot(3), 0)?),
        5 => {
            let window_hw = (reader.scalar(table, slot(4), 0)?, reader.scalar(table, slot(3), 0)?);
            Options::Pool2d(sliding(reader, table, 5, None)?, window_hw)
        }
        8 => Options::FullyConnected {
            activation: Fused(reader.scalar(table, slot(0), 0)?),
            format: reader.scalar(table, slot(1), 0)?,
        },
        9 => Options::Softmax(reader.scalar(table, slot(0), 0.0)?),
        11 => Options::Add(Fused(reader.scalar(table, slot(0), 0)?)),
        _ => Options::None,
    })
}

/// Padding and strides are every window's first fields; the activation's number, and the dilation's rows' and columns',
/// differ.
fn sliding(reader: &mut Reader, table: Table, activation: u16, dilation_hw: Option<(u16, u16)>) -> Result<Sliding> {
    let padding = reader.scalar(table, slot(0), 0_i8)?;
    ensure!((0..=1).contains(&padding), "padding {padding} is neither SAME (0) nor VALID (1)");
    let mut factor = |field: u16| reader.scalar(table, slot(field), 1);
    let dilation_hw =
        dilation_hw.map_or(Ok((1, 1)), |(rows, columns)| anyhow::Ok((factor(rows)?, factor(columns)?)))?;
    Ok(Sliding {
        is_same: padding == 0,
        stride_hw: (reader.scalar(table, slot(2), 0)?, reader.scalar(table, slot(1), 0)?),
        dilation_hw,
        activation: Fused(reader.scalar(table, slot(activation), 0)?),
    })
}
