//! The verb `bench` on a board on the desk: one whose counter counts, and one whose counter stands still.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use secateur::export::export;
use secateur::quantize::IntegerNetwork;
use secateur::rig::bench::cycles::Source;
use secateur::rig::bench::figures::{Figures, Runs};
use secateur::rig::bench::{LAYER, counter, device};
use secateur::rig::setup;
use secateur::rig::target::Target;
use secateur::rig::verify::{Options, verify_with};
use secateur_shared::layer::{Conv2d, Layer, Linear, Shape, Window};
use secateur_shared::quant::{Activation, ZeroPoint};
use secateur_tests::untrained::Noise;
use serial2::SerialPort;
use tempfile::NamedTempFile;

use crate::images;
use crate::pty::{Linked, Pty};

/// What a layer's figure has of the time between layers: the walk to the next one, and reading the counter. Cycles.
const BETWEEN: u64 = 4_000;

/// A Pico of rp2040js behind a pseudo-terminal, whose emulator writes down each layer's cycles too.
struct Chip {
    child: Child,
    path: String,
    counts: NamedTempFile,
    /// A terminal that nobody has open would read as closed.
    _port: SerialPort,
}

impl Chip {
    fn start(linked: &Linked) -> Result<Self> {
        let (line, port) = SerialPort::pair()?;
        let (counts, emulate) =
            (NamedTempFile::new()?, PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../boards/pico/emulate.mjs"));
        let mut node = Command::new("node");
        node.arg(emulate).arg(format!("--package={}", setup::rp2040js()?.display()));
        node.arg(format!("--image={}", linked.path().display()));
        node.arg(format!("--count={}", counter::address(&linked.image, LAYER)?));
        node.arg(format!("--out={}", counts.path().display()));
        let line = || terminal(&line);
        let child = node.stdin(line()?).stdout(line()?).spawn().context("node starts")?;
        Ok(Self { child, path: name(&port)?, counts, _port: port })
    }

    /// Each layer's cycles by the emulator's own counter, a run a row.
    fn counted(&self, layers: usize) -> Result<Vec<Vec<u64>>> {
        let text = std::fs::read_to_string(self.counts.path())?;
        let cycles = |line: &str| line.split_once(' ').and_then(|(_, cycles)| cycles.parse().ok());
        let cycles = text.lines().map(cycles).collect::<Option<Vec<u64>>>().context("two numbers a line")?;
        ensure!(cycles.len() % layers == 0, "whole runs of {layers} layers, not {} calls", cycles.len());
        Ok(cycles.chunks(layers).map(<[u64]>::to_vec).collect())
    }
}

fn terminal(port: &SerialPort) -> Result<Stdio> {
    use std::os::fd::AsFd;
    Ok(port.as_fd().try_clone_to_owned()?.into())
}

fn name(port: &SerialPort) -> Result<String> {
    use std::os::fd::AsRawFd;
    Ok(std::fs::read_link(format!("/proc/self/fd/{}", port.as_raw_fd()))?.to_string_lossy().into_owned())
}

impl Drop for Chip {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A network with a layer that takes more cycles than the counter's 24 bits hold.
fn long() -> Result<IntegerNetwork> {
    let (noise, zero_point) = (&mut Noise(1), ZeroPoint(-128));
    let mut network = IntegerNetwork::new(Shape { height: 28, width: 28, channels: 1 }, ZeroPoint(-55));
    for (inputs, is_pooled) in [(1, false), (32, true)] {
        let activation = Activation::relu(zero_point);
        let convolution = Conv2d { outputs: 32, window: Window::around(3), is_pooled, zero_point, activation };
        network.push(Layer::Conv2d(convolution), Some(noise.parameters(32, 9 * inputs)))?;
    }
    let linear = Linear { outputs: 10, zero_point: ZeroPoint(3), activation: Activation::NONE };
    network.push(Layer::Linear(linear), Some(noise.parameters(10, 14 * 14 * 32)))?;
    Ok(network)
}

/// The board's figures are the emulator's, but for what lies between layers.
fn check(figures: &Figures, chip: &Chip) -> Result<()> {
    let counted = chip.counted(figures.layers.len())?;
    for (index, layer) in figures.layers.iter().enumerate() {
        let of_runs: Vec<u64> = counted.iter().map(|run| run[index]).collect();
        let (least, most) = (of_runs.iter().min().context("runs")?, of_runs.iter().max().context("runs")?);
        let said = layer.cycles;
        println!("{}: {} to {} by the emulator, {said:?} by the board", layer.name, least, most);
        assert!(said.low <= said.estimate && said.estimate <= said.high, "{said:?}");
        assert!(
            (*least..=least + BETWEEN).contains(&said.low) && (*most..=most + BETWEEN).contains(&said.high),
            "{said:?}"
        );
    }
    Ok(())
}

#[test]
fn a_pico_behind_a_serial_port_counts_its_own_cycles() -> Result<()> {
    let linked = Linked::new("pico")?;
    let chip = Chip::start(&linked)?;
    let target = Target::parse(&format!("pico@{}", chip.path))?;
    let figures = device::measure(&target, &linked.image, &linked.blob, &images(3))?;
    let runs = Some(Runs { images: 3, clock_hz: 125_000_000 });
    assert_eq!((figures.source, figures.core, figures.runs, &figures.compiler), (Source::Counter, None, runs, &None));
    assert!(figures.layers.iter().all(|layer| layer.instructions.is_none()), "{figures:?}");
    check(&figures, &chip)?;
    // The whole network's time is that of its layers and what is between them.
    let verdict = verify_with(&target, &linked.path(), &linked.blob, &images(3), &Options::default())?;
    let whole = u64::from(verdict.latency.context("a counter")?.median_cycles);
    let sum = figures.total().cycles.estimate;
    assert!(whole.abs_diff(sum) < BETWEEN, "{whole} in all, {sum} of layers");
    verdict.judge()
}

#[test]
fn a_layer_of_more_cycles_than_the_timer_holds_is_counted_right() -> Result<()> {
    let linked = Linked::with("pico", export(&long()?)?, |_| true)?;
    let chip = Chip::start(&linked)?;
    let target = Target::parse(&format!("pico@{}", chip.path))?;
    let figures = device::measure(&target, &linked.image, &linked.blob, &images(1))?;
    let most = figures.layers.iter().map(|layer| layer.cycles.estimate).max();
    assert!(most > Some(1 << 24), "{figures:?}");
    check(&figures, &chip)
}

#[test]
fn a_counter_that_stands_still_is_named() -> Result<()> {
    let linked = Linked::new("netduinoplus2")?;
    let board = Pty::start(&linked)?;
    let target = Target::parse(&format!("netduinoplus2@{}", board.path))?;
    let error =
        device::measure(&target, &linked.image, &linked.blob, &images(1)).expect_err("QEMU has none").to_string();
    assert!(error.starts_with("the counter of cycles of netduinoplus2 stands still: QEMU's does"), "{error}");
    Ok(())
}
