//! Every kind of core: the inner loops that each gets return TensorFlow Lite Micro's bytes for the golden cases, and for
//! networks of noise what their portable twin returns here.

use anyhow::{Context, Result, ensure};
use object::{Object, ObjectSection, ObjectSymbol};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use secateur::export::export;
use secateur::quantize::{IntegerNetwork, LayerParameters};
use secateur::rig::setup::{self, Need};
use secateur_firmware::Engine;
use secateur_shared::layer::{Conv2d, Layer, Linear, Padding, Pool2d, Shape, Window};
use secateur_shared::quant::{Activation, Multiplier, ZeroPoint};
use secateur_tests::case::{self, Case};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A kind of core.
struct Core {
    name: &'static str,
    target: &'static str,
    /// Compiler flags, without which a core is not used to the full.
    flags: &'static str,
    /// QEMU's machine, and where its flash starts.
    machine: &'static str,
    flash: u64,
}

const CORES: [Core; 5] = [
    Core { name: "Cortex-M0", target: "thumbv6m-none-eabi", flags: "", machine: "microbit", flash: 0 },
    Core { name: "Cortex-M3", target: "thumbv7m-none-eabi", flags: "", machine: "mps2-an385", flash: 0 },
    Core { name: "Cortex-M4", target: "thumbv7em-none-eabihf", flags: "", machine: "mps2-an386", flash: 0 },
    Core { name: "Cortex-M7", target: "thumbv7em-none-eabihf", flags: "", machine: "mps2-an500", flash: 0 },
    Core {
        name: "Cortex-M33",
        target: "thumbv8m.main-none-eabi",
        flags: "-Ctarget-cpu=cortex-m33",
        machine: "mps2-an505",
        flash: 0x1000_0000,
    },
];

/// Where the image looks for its cases, from the start of flash.
const CASES_AT: u64 = 0x1_0000;

/// What an image runs: a blob, an input, and the outputs of all layers one after the other.
struct Run {
    name: String,
    blob: Vec<u8>,
    input: Vec<i8>,
    expected: Vec<i8>,
}

#[test]
fn every_core_computes_the_golden_cases_and_what_the_desk_computes() -> Result<()> {
    setup::ensure(&[Need::Qemu])?;
    let mut runs = Vec::new();
    for folder in case::folders()? {
        runs.extend(case::cases(&folder)?.iter().map(golden).collect::<Result<Vec<Run>>>()?);
    }
    runs.extend((0..NOISE_RUNS).map(noise).collect::<Result<Vec<Run>>>()?);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("runs");
    for core in &CORES {
        let image = core.build()?;
        let mut letters = String::new();
        for part in parts(&runs) {
            std::fs::write(&path, list(part))?;
            letters += &core.run(&image, &path).with_context(|| core.name)?;
        }
        assert_eq!(letters.len(), runs.len(), "{}: {letters}", core.name);
        let wrong = runs.iter().zip(letters.chars()).filter(|(_, letter)| *letter != '.');
        let wrong: Vec<String> = wrong.map(|(run, letter)| format!("{} {letter}", run.name)).collect();
        assert!(wrong.is_empty(), "{}: {}", core.name, wrong.join(", "));
        println!("{}: {} runs equal", core.name, runs.len());
    }
    Ok(())
}

fn golden(case: &Case) -> Result<Run> {
    let blob = case.blob()?.bytes().to_vec();
    // The engine shows what it writes, which is not the output of a convolution that pools.
    let expected = case.outputs()?.iter().flat_map(|(layer, _)| case.expected[*layer].clone()).collect();
    Ok(Run { name: case.name.clone(), blob, input: case.input.clone(), expected })
}

/// Networks of noise: sizes around those of the inner loops, and many values at the ends of their ranges.
const NOISE_RUNS: u32 = 120;

fn noise(seed: u32) -> Result<Run> {
    let random = &mut ChaCha8Rng::seed_from_u64(seed.into());
    let shape = Shape {
        height: random.random_range(1..9),
        width: random.random_range(1..12),
        // Kernels have a path of their own for the usual first layers.
        channels: *[1, 3, random.random_range(1..10)].choose(random).context("not empty")?,
    };
    let mut network = IntegerNetwork::new(shape, ZeroPoint(random.random()));
    for _ in 0..2 {
        let ((input, _), outputs) = (network.table().end()?, random.random_range(1..10));
        let kernel_hw = (random.random_range(1..5), if random.random() { 3 } else { random.random_range(1..5) });
        let stride = random.random_range(1..3);
        let layer = Layer::Conv2d(Conv2d {
            outputs,
            window: Padding::Same
                .window((input.height, input.width), kernel_hw, (stride, stride))
                .context("not empty")?,
            is_pooled: false,
            zero_point: ZeroPoint(if random.random() { -128 } else { random.random() }),
            activation: if random.random_bool(0.8) { Activation::NONE } else { Activation { low: -100, high: 90 } },
        });
        push(&mut network, layer, random)?;
        if random.random() {
            // Of two tiles, the convolution's; a window larger than the map is left out.
            let window = Window { stride_hw: (2, 2), ..Window::tiles(random.random_range(1..4)) };
            let _ = network.push(Layer::MaxPool2d(Pool2d { window, activation: Activation::NONE }), None);
        }
    }
    let (outputs, zero_point) = (random.random_range(1..6), ZeroPoint(random.random()));
    push(&mut network, Layer::Linear(Linear { outputs, zero_point, activation: Activation::NONE }), random)?;
    let blob = export(&network)?;
    let mut arena = vec![0; blob.model()?.arena_bytes() as usize];
    let mut engine = Engine::new(blob.model()?, &mut arena)?;
    let input: Vec<i8> = engine.input_hwc().iter().map(|_| extreme(random)).collect();
    engine.input_hwc().copy_from_slice(&input);
    let mut expected = Vec::new();
    engine.infer_observed(|_, output| expected.extend(output));
    Ok(Run { name: format!("noise {seed}"), blob: blob.bytes().to_vec(), input, expected })
}

/// Appends a layer with parameters of noise.
fn push(network: &mut IntegerNetwork, layer: Layer, random: &mut ChaCha8Rng) -> Result<()> {
    let (input, _) = network.table().end()?;
    let outputs = layer.multipliers(input).map_or(0, usize::from);
    let per_output = layer.weights_per_output(input) as usize;
    // Mostly a shift to the right; now and then none, one to the left, or nothing at all.
    let real = |random: &mut ChaCha8Rng| match random.random_range(0..60) {
        0 => 0.7,
        1 => 1.5,
        2 => 0.0,
        _ => random.random_range(0.5..2.0) / 100.0 / (per_output as f64).sqrt(),
    };
    let mut weights = Vec::with_capacity(outputs * per_output);
    // One in four accumulators is of 20 to 30 bits; one in sixteen is its bias alone, half way between two outputs.
    let parts = (0..outputs).map(|_| {
        let (bias, real, weighs) = match random.random_range(0..16) {
            0..4 => {
                let most = 1 << random.random_range(20..31);
                (random.random_range(-most..most), random.random_range(10.0..200.0) / f64::from(most), true)
            }
            4 => {
                let shift = random.random_range(8..23);
                ((2 * random.random_range(-100..100) + 1) << (shift - 1), 0.5_f64.powi(shift), false)
            }
            _ => (random.random_range(-3000..3000), real(random), true),
        };
        weights.extend((0..per_output).map(|_| if weighs { extreme(random) } else { 0 }));
        (bias, real)
    });
    let (bias, multipliers): (Vec<i32>, Vec<f64>) = parts.unzip();
    let multipliers = multipliers.into_iter().map(|real| Multiplier::from_real(real).context("out of range"));
    let parameters = LayerParameters { multipliers: multipliers.collect::<Result<_>>()?, bias, weights };
    network.push(layer, Some(parameters))
}

/// A value, one in four at an end of its range.
fn extreme(random: &mut ChaCha8Rng) -> i8 {
    match random.random_range(0..8) {
        0 => i8::MIN,
        1 => i8::MAX,
        _ => random.random(),
    }
}

/// The flash behind the image that the smallest board has.
const LIST_BYTES: usize = 160 * 1024;

/// Runs, as many at once as fit.
fn parts(runs: &[Run]) -> Vec<&[Run]> {
    let mut bytes = 0;
    let mut parts: Vec<&[Run]> = Vec::new();
    let mut first = 0;
    for (index, run) in runs.iter().enumerate() {
        let more = list(std::slice::from_ref(run)).len();
        if bytes + more > LIST_BYTES {
            parts.push(&runs[first..index]);
            (first, bytes) = (index, 0);
        }
        bytes += more;
    }
    parts.push(&runs[first..]);
    parts
}

/// The list that the image reads: see its page, firmware/src/bin/golden.rs.
fn list(runs: &[Run]) -> Vec<u8> {
    let mut list = Vec::new();
    for Run { blob, input, expected, .. } in runs {
        let signed = |values: &[i8]| values.iter().map(|value| value.cast_unsigned()).collect::<Vec<u8>>();
        let parts = [blob.clone(), signed(input), signed(expected)];
        let lengths = parts.iter().map(|part| part.len() as u32).chain([0]);
        list.extend(lengths.flat_map(u32::to_le_bytes));
        for part in parts {
            list.extend(part);
            list.resize(list.len().next_multiple_of(16), 0);
        }
    }
    list.resize(list.len() + 16, 0);
    list
}

/// The most code and constants that an engine may have, by profile and operators: a VGG's, then all.
const ENGINE_BYTES: [(&str, &str, u64); 3] = [
    ("firmware", "bench,conv2d,max-pool2d,linear", 10_000),
    ("small", "bench,conv2d,max-pool2d,linear", 8_000),
    ("firmware", "bench,default", 18_200),
];

#[test]
fn the_engine_is_small_and_cannot_panic() -> Result<()> {
    for core in CORES.iter().filter(|core| ["Cortex-M0", "Cortex-M4"].contains(&core.name)) {
        for (profile, features, most) in ENGINE_BYTES {
            // The same image with an engine that is none.
            let idle = code_bytes(&std::fs::read(core.image("bench", "idle", profile)?)?)?;
            let image = std::fs::read(core.image("bench", features, profile)?)?;
            let file = object::File::parse(&*image)?;
            for symbol in file.symbols() {
                let name = symbol.name()?;
                let is_forbidden = ["9panicking", "4core3fmt", "core..fmt"].iter().any(|part| name.contains(part));
                assert!(!is_forbidden, "{}: {name} is linked", core.name);
            }
            let blob = file.symbols().find(|symbol| symbol.name().is_ok_and(|name| name.contains("BLOB")));
            let engine = code_bytes(&image)? - blob.context("the bench's blob")?.size() - idle;
            println!("{}, {profile}: engine {engine} B with {features}", core.name);
            assert!(engine <= most, "{}, {profile}: {engine} B with {features}", core.name);
        }
    }
    Ok(())
}

/// Length of .text and .rodata.
fn code_bytes(image: &[u8]) -> Result<u64> {
    let file = object::File::parse(image)?;
    let sections = file.sections().filter(|section| matches!(section.name(), Ok(".text" | ".rodata")));
    Ok(sections.map(|section| section.size()).sum())
}

impl Core {
    /// The path of the image that runs lists of cases.
    fn build(&self) -> Result<PathBuf> {
        self.image("golden", "golden,default", "firmware")
    }

    /// The path of an image, built with these features alone.
    fn image(&self, name: &str, features: &str, profile: &str) -> Result<PathBuf> {
        let setup = setup::ensure(&[Need::Thumb(self.target)])?;
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let target_dir = workspace.join("target/golden");
        let mut cargo = setup.cargo();
        cargo.current_dir(&workspace);
        cargo.args(["build", "--quiet", "--locked", "--package", "secateur-firmware", "--bin", name]);
        cargo.args([
            "--no-default-features",
            "--features",
            features,
            "--profile",
            profile,
            "--target",
            self.target,
            "--target-dir",
        ]);
        cargo.arg(&target_dir);
        if !self.flags.is_empty() {
            cargo.env("RUSTFLAGS", self.flags);
        }
        ensure!(cargo.status()?.success(), "{}: the image did not build", self.name);
        Ok(target_dir.join(self.target).join(profile).join(name))
    }

    /// The letters that the image prints.
    fn run(&self, image: &Path, cases: &Path) -> Result<String> {
        let mut qemu = Command::new(setup::qemu()?);
        qemu.args(["-machine", self.machine, "-display", "none", "-monitor", "none", "-serial", "none"]);
        qemu.args(["-semihosting-config", "enable=on,target=native", "-kernel"]).arg(image);
        let address = self.flash + CASES_AT;
        qemu.args(["-device", &format!("loader,file={},addr={address:#x},force-raw=on", cases.display())]);
        let output = qemu.output().context("cannot start qemu-system-arm")?;
        Ok(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}
