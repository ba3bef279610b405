//! The moves of the search for widths.

use anyhow::Result;

use super::{Budget, Ground};

/// Cuts until the budget is met; `None` where no cut brings it nearer.
pub(super) fn cut(
    losses: &[Vec<f64>],
    widest: &[usize],
    ground: &Ground,
    budget: Budget,
    grain: usize,
) -> Result<Option<Vec<usize>>> {
    let mut widths = widest.to_vec();
    loop {
        let excess = ground.excess(&widths, budget)?;
        if excess == 0.0 {
            return Ok(Some(widths));
        }
        let mut best: Option<(f64, usize, usize)> = None;
        for layer in 0..widths.len() {
            for width in (grain..widths[layer]).filter(|width| width.is_multiple_of(grain)) {
                let saved = excess - ground.excess(&replaced(&widths, layer, width), budget)?;
                let rate = (losses[layer][width] - losses[layer][widths[layer]]) / saved;
                if saved > 0.0 && best.is_none_or(|(least, ..)| rate < least) {
                    best = Some((rate, layer, width));
                }
            }
        }
        let Some((_, layer, width)) = best else { return Ok(None) };
        widths[layer] = width;
    }
}

/// Widens layers while the budget holds, the largest gain first.
pub(super) fn give_back(
    mut widths: Vec<usize>,
    widest: &[usize],
    losses: &[Vec<f64>],
    ground: &Ground,
    budget: Budget,
    grain: usize,
) -> Result<Vec<usize>> {
    loop {
        let mut best: Option<(f64, usize, usize)> = None;
        for (layer, losses) in losses.iter().enumerate() {
            let width = (widths[layer] + grain).min(widest[layer]);
            let gain = losses[widths[layer]] - losses[width];
            let wider = width > widths[layer] && best.is_none_or(|(most, ..)| gain > most);
            if wider && ground.excess(&replaced(&widths, layer, width), budget)? == 0.0 {
                best = Some((gain, layer, width));
            }
        }
        let Some((_, layer, width)) = best else { return Ok(widths) };
        widths[layer] = width;
    }
}

/// One layer wider and another narrower, by one grain or four, so that the budget holds and the losses' sum falls most;
/// `None` where no such pair is left.
pub(super) fn exchange(
    widths: &[usize],
    widest: &[usize],
    losses: &[Vec<f64>],
    ground: &Ground,
    budget: Budget,
    grain: usize,
) -> Result<Option<Vec<usize>>> {
    let steps = [grain, 4 * grain];
    let loss = |layer: usize, width: usize| losses[layer][width] - losses[layer][widths[layer]];
    let mut best: Option<(f64, Vec<usize>)> = None;
    for (wide, up) in (0..widths.len()).flat_map(|wide| steps.map(|up| (wide, widths[wide] + up))) {
        for (narrow, down) in (0..widths.len()).flat_map(|narrow| steps.map(|down| (narrow, down))) {
            let Some(less) = widths[narrow].checked_sub(down).filter(|less| *less > 0) else { continue };
            if narrow == wide || up > widest[wide] {
                continue;
            }
            let change = loss(wide, up) + loss(narrow, less);
            // A change of rounding's size would be taken back and forth for ever.
            if change < best.as_ref().map_or(-1e-9, |(least, _)| *least) {
                let candidate = replaced(&replaced(widths, wide, up), narrow, less);
                if ground.excess(&candidate, budget)? == 0.0 {
                    best = Some((change, candidate));
                }
            }
        }
    }
    Ok(best.map(|(_, widths)| widths))
}

fn replaced(widths: &[usize], layer: usize, width: usize) -> Vec<usize> {
    let mut widths = widths.to_vec();
    widths[layer] = width;
    widths
}
