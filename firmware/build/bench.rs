//! The network that the bench image runs, as if trained on noise, the same bytes each time: a small VGG, or where the
//! environment says `BENCH_NETWORK=resnet8` the ResNet of MLPerf Tiny's shape, `=gray` a few layers behind one channel.

use secateur_shared::header::{self, HEADER_BYTES};
use secateur_shared::layer::{Add, Conv2d, Layer, Linear, Padding, Pool2d, Shape, Softmax, Step, Table, Window};
use secateur_shared::quant::{Activation, Multiplier, ZeroPoint};
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

const INPUT: Shape = Shape { height: 32, width: 32, channels: 3 };
const INPUT_ZERO_POINT: ZeroPoint = ZeroPoint(-7);
/// Of an output: what ReLU's layers have.
const ZERO_POINT: ZeroPoint = ZeroPoint(i8::MIN);
/// What an output's accumulator is spread to, in steps of the output.
const DEVIATION: f64 = 60.0;
const CLASSES: u16 = 10;

/// Writes `bench.blob`, and `bench.rs` with the arena's length and each layer's line of the bench's report.
pub(crate) fn write(folder: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-env-changed=BENCH_NETWORK");
    let name = std::env::var("BENCH_NETWORK").unwrap_or_default();
    let (title, table) = match &*name {
        "" => ("vgg small", vgg()?),
        "gray" => ("gray small", gray()?),
        "resnet8" => ("resnet 8", resnet8()?),
        _ => return Err(format!("BENCH_NETWORK={name}: it is gray, resnet8, or not set").into()),
    };
    std::fs::write(folder.join("bench.blob"), blob(&table)?)?;
    std::fs::write(folder.join("bench.rs"), constants(title, &table)?)?;
    Ok(())
}

/// 32x32x3, 16-16-P-32-32-P-64-64-P-FC10: 9,889,792 multiply-accumulates.
fn vgg() -> Result<Table, Box<dyn Error>> {
    let mut table = Table::new(INPUT, INPUT_ZERO_POINT);
    for outputs in [16, 32, 64] {
        table.push(conv(outputs, Window::around(3), true))?;
        table.push(conv(outputs, Window::around(3), true))?;
        table.push(Layer::MaxPool2d(Pool2d::HALVING))?;
    }
    table.push(classifier())?;
    table.place()?;
    Ok(table)
}

/// 32x32x1, 16-16-P-FC10: a first layer of one channel.
fn gray() -> Result<Table, Box<dyn Error>> {
    let mut table = Table::new(Shape { height: 32, width: 32, channels: 1 }, INPUT_ZERO_POINT);
    table.push(conv(16, Window::around(3), true))?;
    table.push(conv(16, Window::around(3), true))?;
    table.push(Layer::MaxPool2d(Pool2d::HALVING))?;
    table.push(classifier())?;
    table.place()?;
    Ok(table)
}

/// 32x32x3, a convolution of 16, then three blocks of two convolutions around which their input is added, of 16, 32 and 64;
/// the last two start with strides of 2, and their input goes through a 1x1 convolution. Mean, FC10, softmax: 12,501,632
/// multiply-accumulates.
fn resnet8() -> Result<Table, Box<dyn Error>> {
    let strided = |size: u16, kernel: u8| Padding::Same.window((size, size), (kernel, kernel), (2, 2)).ok_or("fits");
    let add = |other| Layer::Add(Add { other, zero_point: ZERO_POINT, activation: Activation::relu(ZERO_POINT) });
    let mut table = Table::new(INPUT, INPUT_ZERO_POINT);
    table.push(conv(16, Window::around(3), true))?;
    table.push(conv(16, Window::around(3), true))?;
    table.push(conv(16, Window::around(3), false))?;
    table.push(add(2))?;
    for (size, outputs) in [(32, 32), (16, 64)] {
        table.push(conv(outputs, strided(size, 3)?, true))?;
        table.push(conv(outputs, Window::around(3), false))?;
        table.push_from(conv(outputs, strided(size, 1)?, false), 2)?;
        table.push(add(1))?;
    }
    table.push(Layer::AveragePool2d(Pool2d { window: Window::tiles(8), activation: Activation::NONE }))?;
    table.push(classifier())?;
    table.push(Layer::Softmax(Softmax {}))?;
    table.place()?;
    Ok(table)
}

fn conv(outputs: u16, window: Window, is_relu: bool) -> Layer {
    let (zero_point, activation) =
        if is_relu { (ZERO_POINT, Activation::relu(ZERO_POINT)) } else { (ZeroPoint(5), Activation::NONE) };
    Layer::Conv2d(Conv2d { outputs, window, is_pooled: false, zero_point, activation })
}

fn classifier() -> Layer {
    Layer::Linear(Linear { outputs: CLASSES, zero_point: ZeroPoint(3), activation: Activation::NONE })
}

fn blob(table: &Table) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut bytes = vec![0; HEADER_BYTES];
    bytes.extend(postcard::to_slice(table, &mut [0; 2048])?.iter());
    bytes.resize(bytes.len().next_multiple_of(header::ALIGNMENT), 0);
    let mut noise = Noise(1);
    for step in table.steps() {
        append(&mut bytes, &step?, &mut noise)?;
    }
    header::seal(&mut bytes)?;
    Ok(bytes)
}

fn append(bytes: &mut Vec<u8>, step: &Step, noise: &mut Noise) -> Result<(), Box<dyn Error>> {
    let Some((outputs, per_output)) = step.parameters() else { return Ok(()) };
    if per_output == 0 {
        return alone(bytes, &step.layer());
    }
    // Weights and inputs are spread evenly: each has a deviation of about 74.
    let real = DEVIATION / (74.0 * 74.0 * (per_output as f64).sqrt());
    let multiplier = Multiplier::from_real(real).ok_or("a multiplier out of range")?;
    bytes.extend((0..outputs).flat_map(|_| (i32::from(noise.byte()) * 64).to_le_bytes()));
    bytes.extend((0..outputs).flat_map(|_| multiplier.mantissa.to_le_bytes()));
    // Noise is noise in any order.
    bytes.extend((0..outputs * per_output).map(|_| noise.byte().max(-127).cast_unsigned()));
    bytes.extend((0..outputs).map(|_| multiplier.exponent.cast_unsigned()));
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    Ok(())
}

/// The multipliers of a layer without weights: a sum of tensors of one scale, or softmax of a scale of 1/8.
fn alone(bytes: &mut Vec<u8>, layer: &Layer) -> Result<(), Box<dyn Error>> {
    let reals: &[f64] = if let Layer::Add(_) = layer { &[0.5, 0.5, 1.2 / f64::from(1 << 20)] } else { &[8_388_608.0] };
    let multipliers = reals.iter().map(|real| Multiplier::from_real(*real).ok_or("a multiplier out of range"));
    let multipliers = multipliers.collect::<Result<Vec<_>, _>>()?;
    bytes.extend(reals.iter().flat_map(|_| 0_i32.to_le_bytes()));
    bytes.extend(multipliers.iter().flat_map(|multiplier| multiplier.mantissa.to_le_bytes()));
    bytes.extend(multipliers.iter().map(|multiplier| multiplier.exponent.cast_unsigned()));
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    Ok(())
}

fn constants(title: &str, table: &Table) -> Result<String, Box<dyn Error>> {
    let mut text = format!("const ARENA_BYTES: usize = {};\n", table.arena_bytes()?);
    let mut lines = Vec::new();
    for step in table.steps() {
        let step = step?;
        let (index, operator, macs) = (step.index, step.layer().operator(), step.macs());
        let (input, output) = (step.input.shape, step.output.shape);
        let shape = format!("{}x{}x{}->{}", input.height, input.width, input.channels, output.channels);
        let pooled = if matches!(step.layer(), Layer::Conv2d(conv) if conv.is_pooled) { " and max-pool2d" } else { "" };
        lines.push(format!("REGION {index} {macs} {} {operator}{pooled} {shape}", output.bytes().unwrap_or(0)));
    }
    let macs: u64 = table.steps().filter_map(Result::ok).map(|step| step.macs()).sum();
    let layers = lines.len();
    writeln!(text, "const FILLING: &str = \"REGION {layers} 0 1 filling the input\\n\\0\";")?;
    lines.push(format!("REGION {} {macs} {CLASSES} {title}, whole", layers + 1));
    writeln!(text, "const LINES: [&str; {}] = [", lines.len())?;
    for line in lines {
        writeln!(text, "    \"{line}\\n\\0\",")?;
    }
    text.push_str("];\n");
    Ok(text)
}

/// A linear congruential generator's high byte.
struct Noise(u32);

impl Noise {
    fn byte(&mut self) -> i8 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 24) as u8 as i8
    }
}
