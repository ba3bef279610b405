//! Which layer went wrong: checksums of every layer's output, on the device and on the desk.

use anyhow::{Context, Result};
use secateur_firmware::Engine;
use secateur_shared::Model;
use secateur_shared::layer::Step;
use secateur_shared::wire::LayerFigures;

use crate::rig::link::Link;

/// Each layer's checksum for one image, by this machine's engine; no cycles.
pub(crate) fn on_desk(model: &Model, input_hwc: &[i8]) -> Result<Vec<LayerFigures>> {
    let mut arena = vec![0; model.arena_bytes() as usize];
    let mut engine = Engine::new(*model, &mut arena)?;
    engine.input_hwc().copy_from_slice(input_hwc);
    let mut figures = Vec::with_capacity(model.layers());
    engine.infer_observed(|_, output| figures.push(LayerFigures::new(0, output)));
    Ok(figures)
}

/// The first layer whose output on the device is not the desk's, in words.
pub(super) fn first_difference(link: &mut Link, model: &Model, input_hwc: &[i8]) -> Result<String> {
    let device = link.profile(input_hwc, model.layers()).context("asking which layer differs")?;
    let desk = on_desk(model, input_hwc)?;
    let mut pairs = device.iter().zip(&desk).zip(model.steps());
    let different = pairs.find(|((device, desk), _)| device.checksum() != desk.checksum());
    Ok(match different {
        Some((_, step)) => format!("the first layer that differs is {}", described(&step?)),
        None => "run again, no layer differs".to_owned(),
    })
}

/// A layer by its number from 0, operator and shapes.
pub(crate) fn described(step: &Step) -> String {
    let (input, output) = (step.input.shape, step.output.shape);
    format!(
        "layer {}, {} {}x{}x{} -> {}x{}x{}",
        step.index,
        step.layer().operator(),
        input.height,
        input.width,
        input.channels,
        output.height,
        output.width,
        output.channels
    )
}
