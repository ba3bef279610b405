//! The walking skeleton: an untrained network, as a blob, on the emulated board, answers what the desk computes.
use anyhow::Result;
use secateur::export::export;
use secateur::quantize::{IntegerNetwork, LayerParameters};
use secateur::rig::firmware::{self, Profile};
use secateur::rig::{image, qemu::Qemu};
use secateur_firmware::Engine;
use secateur_shared::layer::{Conv2d, Layer, Linear, MaxPool2d, Padding, Shape};
use secateur_shared::memory;
use secateur_shared::quant::{Activation, Multiplier, ZeroPoint};

struct Noise(u32);
impl Noise {
    fn byte(&mut self) -> i8 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 24) as i8
    }
}

fn parameters(noise: &mut Noise, outputs: usize, weights: usize) -> LayerParameters {
    let multiplier = Multiplier::from_real(0.003).expect("in range");
    LayerParameters {
        bias: (0..outputs).map(|_| i32::from(noise.byte()) * 20).collect(),
        multipliers: vec![multiplier; outputs],
        weights: (0..outputs * weights).map(|_| noise.byte()).collect(),
    }
}

fn untrained() -> Result<IntegerNetwork> {
    let noise = &mut Noise(1);
    let zero_point = ZeroPoint(-128);
    let mut network = IntegerNetwork::new(Shape { height: 28, width: 28, channels: 1 }, ZeroPoint(-55));
    for (inputs, outputs) in [(1, 8), (8, 16)] {
        let conv = Conv2d {
            outputs, kernel_hw: (3, 3), stride: 1, padding: Padding::Same, zero_point,
            activation: Activation::relu(zero_point), parameters_at: 0,
        };
        network.push(Layer::Conv2d(conv), Some(parameters(noise, outputs.into(), 9 * inputs)))?;
        network.push(Layer::MaxPool2d(MaxPool2d { window: 2, stride: 2 }), None)?;
    }
    let linear = Linear { outputs: 10, zero_point: ZeroPoint(3), activation: Activation::NONE, parameters_at: 0 };
    network.push(Layer::Linear(linear), Some(parameters(noise, 10, 7 * 7 * 16)))?;
    Ok(network)
}

#[test]
fn an_untrained_network_answers_on_the_emulated_board_as_on_the_desk() -> Result<()> {
    let board = secateur_boards::find("netduinoplus2")?;
    let network = untrained()?;
    let blob = export(&network)?;
    let built = firmware::build(&board, Profile::Firmware, &firmware::operators(network.table()))?;
    let facts = secateur::rig::board_memory(&board);
    let plan = memory::plan(network.table(), built.footprint, &facts)?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("image.elf");
    let bytes = image::link(&built, blob.bytes(), plan.arena_bytes)?;
    let linked = image::measure(&bytes, &board)?;
    std::fs::write(&path, bytes)?;
    assert_eq!((plan.flash_bytes, plan.ram_bytes), (linked.flash_bytes, linked.ram_bytes));
    let mut arena = vec![0; plan.arena_bytes as usize];
    let mut engine = Engine::new(blob.model()?, &mut arena)?;
    let mut qemu = Qemu::start(&board, &path)?;
    println!("{:?} {linked:?} {plan:?}", qemu.link.hello()?);
    let noise = &mut Noise(2);
    for _ in 0..3 {
        let input: Vec<i8> = (0..784).map(|_| noise.byte()).collect();
        engine.input_hwc().copy_from_slice(&input);
        let expected = engine.infer().to_vec();
        println!("{expected:?}");
        assert_eq!(qemu.link.infer(&input)?, expected);
    }
    println!("{:?}", qemu.link.memory()?);
    Ok(())
}
