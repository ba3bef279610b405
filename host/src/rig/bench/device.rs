//! What the layers cost on a board on the desk, by its core's own counter.

use anyhow::{Result, ensure};
use secateur_boards::BoardSpec;
use secateur_shared::wire::LayerFigures;

use super::cycles::{Cycles, Source};
use super::figures::{Figures, LayerCost, Runs};
use super::{check, compiler, name};
use crate::data::Images;
use crate::export::Blob;
use crate::rig::link::Link;
use crate::rig::target::{self, Target};
use crate::rig::{desk, verify};

/// Images that are run: a count is exact, but differs from image to image where values and caches have a say.
pub const IMAGES: usize = 5;

/// What the layers cost on the board at the end of a probe or a port, for the first of `images`. The board's answers must be the
/// desk's.
///
/// # Errors
/// No board, one that runs another model, a counter that stands still, or a device that differs from the desk.
pub fn measure(target: &Target, image: &[u8], blob: &Blob, images: &Images) -> Result<Figures> {
    let (path, _folder) = target::image_file(image)?;
    let mut running = target.start(&path)?;
    let figures = count(running.link(), &target.board, blob, images)?;
    let compiler = if target.is_as_flashed() { None } else { Some(compiler(image)?) };
    Ok(Figures { compiler, ..figures })
}

/// What the layers cost on the board at the end of a line.
fn count(link: &mut Link, board: &BoardSpec, blob: &Blob, images: &Images) -> Result<Figures> {
    let images = images.head(IMAGES);
    ensure!(!images.is_empty(), "there is no test image to run");
    let (greeting, model) = (verify::greet(link, board, blob)?, blob.model()?);
    let mut runs = Vec::with_capacity(images.len());
    for (index, expected) in desk::logits(&model, &images)?.iter().enumerate() {
        let input = desk::input_hwc(images.image(index));
        check(&link.infer(&input)?, expected)?;
        runs.push(link.profile(&input, model.layers())?);
    }
    let counted = runs.iter().flatten().any(|layer| layer.cycles() > 0);
    ensure!(
        counted,
        "the counter of cycles of {} stands still: QEMU's does, whatever leads to it; on a chip, flash today's firmware",
        board.name
    );
    let mut layers = Vec::with_capacity(model.layers());
    for (index, step) in model.steps().enumerate() {
        let (step, cycles) = (step?, cycles(runs.iter().filter_map(|run| run.get(index))));
        layers.push(LayerCost { name: name(&step), macs: step.macs(), instructions: None, cycles });
    }
    let runs = Some(Runs { images: images.len(), clock_hz: greeting.clock_hz });
    Ok(Figures { board: board.name.clone(), core: None, compiler: None, source: Source::Counter, runs, layers })
}

/// A layer's least, median and most.
fn cycles<'f>(runs: impl Iterator<Item = &'f LayerFigures>) -> Cycles {
    let mut cycles: Vec<u64> = runs.map(|layer| layer.cycles().into()).collect();
    cycles.sort_unstable();
    let at = |index: usize| cycles.get(index).copied().unwrap_or(0);
    Cycles { low: at(0), estimate: at(cycles.len().saturating_sub(1) / 2), high: at(cycles.len().saturating_sub(1)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_has_its_least_median_and_most() {
        for (counts, [low, estimate, high]) in
            [(&[7][..], [7, 7, 7]), (&[9, 4], [4, 4, 9]), (&[5, u32::MAX, 1, 3, 4], [1, 4, u64::from(u32::MAX)])]
        {
            let figures: Vec<_> = counts.iter().map(|cycles| LayerFigures::new(*cycles, &[])).collect();
            assert_eq!(cycles(figures.iter()), Cycles { low, estimate, high }, "{counts:?}");
        }
    }
}
