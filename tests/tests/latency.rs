//! What `prune --latency` estimates is what `bench` counts, on networks of noise.
#![cfg(feature = "network")]

use anyhow::Result;
use secateur::data::{Images, Shape};
use secateur::export::export;
use secateur::network::Arch;
use secateur::prune::Work;
use secateur::quantize::{IntegerNetwork, layout};
use secateur::rig::bench::measure;
use secateur::rig::firmware::{self, Profile};
use secateur::rig::{board_memory, image};
use secateur_shared::memory;
use secateur_shared::quant::ZeroPoint;
use secateur_tests::untrained::Noise;

const SHAPE: Shape = Shape { height: 28, width: 28, channels: 1 };

#[test]
fn a_latency_is_what_is_counted() -> Result<()> {
    for (board, arch) in [
        ("netduinoplus2", "20,20,P,40,40,P,64,56,F152"),
        ("netduinoplus2", "16,P,24,P,32,P,F20"),
        ("netduinoplus2", "8,P,16,P,F10"),
        ("pico", "20,20,P,32,24,P,44,12,F36"),
        ("pico", "16,P,24,P,32,P,F20"),
        ("pico", "8,P,16,P,F10"),
    ] {
        let board = secateur_boards::find(board)?;
        let network = noise(arch)?;
        let built = firmware::build(&board, Profile::Firmware, &firmware::operators(network.table()))?;
        let plan = memory::plan(network.table(), built.footprint, &board_memory(&board))?;
        let blob = export(&network)?;
        let image = image::link(&built, blob.bytes(), (&plan).into())?;
        let pixels = Noise(2).bytes(SHAPE.values()).into_iter().map(i8::cast_unsigned).collect();
        let figures = measure(&board, &image, &blob, &Images { shape: SHAPE, pixels, labels: vec![0] })?;
        let counted = figures.total().cycles.estimate as f64;
        let estimated = Work::latency(&board, 1.0)?.of(network.table())?;
        let name = board.name;
        println!("{name}, {arch}: {estimated:.0} of {counted:.0} cycles");
        assert!((estimated / counted - 1.0).abs() < 0.02, "{name}, {arch}: {estimated:.0} of {counted:.0} cycles");
    }
    Ok(())
}

fn noise(arch: &str) -> Result<IntegerNetwork> {
    let noise = &mut Noise(1);
    let arch: Arch = arch.parse()?;
    let mut network = IntegerNetwork::new(layout::shape(SHAPE)?, ZeroPoint(-55));
    let layers = arch.items().iter().map(|item| layout::layer(*item, ZeroPoint(-128)));
    for layer in layers.chain([layout::classifier(10, ZeroPoint(3))]) {
        let (layer, (input, _)) = (layer?, network.table().end()?);
        let per_output = layer.weights_per_output(input) as usize;
        let parameters = layer.multipliers(input).map(|outputs| noise.parameters(outputs, per_output));
        network.push(layer, parameters)?;
    }
    Ok(network)
}
