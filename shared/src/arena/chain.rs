//! The search of the tensors' places.

use super::{TENSOR_ALIGNMENT, tensor_bytes};
use crate::layer::{LAYERS_MAX, Table};
use crate::refusal::Refusal;

/// Lengths and distances of a table's tensors, for the search of their places.
pub(super) struct Chain {
    /// Of every tensor, multiples of 4.
    bytes: heapless::Vec<u32, { LAYERS_MAX + 1 }>,
    /// [`Pass::lead_bytes`] of every pass.
    leads: heapless::Vec<Option<u32>, LAYERS_MAX>,
    /// [`Pass::scratch_bytes`] of every pass.
    scratch: heapless::Vec<u32, LAYERS_MAX>,
    /// The longest pass, and the largest neighbors apart with the largest scratch behind them.
    pub(super) bounds: (u32, u32),
}

/// A place that a tensor may have, and the number of the one before that leads to it.
#[derive(Clone, Copy)]
struct Candidate {
    offset: u32,
    before: u8,
}

/// Places at either end, and one behind each of those of the tensor before.
type Candidates = heapless::Vec<Candidate, { 2 * (LAYERS_MAX + 1) }>;

impl Chain {
    pub(super) fn new(table: &Table) -> Result<Self, Refusal> {
        let first = tensor_bytes(table.input);
        let (bytes, leads, scratch) = (heapless::Vec::new(), heapless::Vec::new(), heapless::Vec::new());
        let mut chain = Self { bytes, leads, scratch, bounds: (first, first) };
        let (full, mut most_scratch) = (|_| Refusal::Table, 0);
        chain.bytes.push(first).map_err(full)?;
        for pass in table.passes() {
            let pass = pass?;
            let (input, output) = (tensor_bytes(pass.step.input), tensor_bytes(pass.output));
            chain.bounds = (chain.bounds.0.max(pass.working_bytes()), chain.bounds.1.max(input + output));
            most_scratch = most_scratch.max(pass.scratch_bytes());
            chain.bytes.push(output).map_err(full)?;
            chain.leads.push(pass.lead_bytes()).map_err(|_| Refusal::Table)?;
            chain.scratch.push(pass.scratch_bytes()).map_err(full)?;
        }
        chain.bounds.1 = chain.bounds.1.saturating_add(most_scratch);
        Ok(chain)
    }

    /// Every tensor's offset in an arena of so many bytes, if they are found.
    pub(super) fn place(&self, arena: u32) -> Option<heapless::Vec<u32, { LAYERS_MAX + 1 }>> {
        let mut found: heapless::Vec<Candidates, { LAYERS_MAX + 1 }> = heapless::Vec::new();
        for tensor in 0..self.bytes.len() {
            let candidates = self.candidates(tensor, self.last_offset(tensor, arena)?, found.last());
            found.push(candidates).ok()?;
        }
        let mut choice = *found.last()?.first()?;
        let mut offsets = heapless::Vec::new();
        for candidates in found.iter().rev().skip(1) {
            offsets.push(choice.offset).ok()?;
            choice = *candidates.get(usize::from(choice.before))?;
        }
        offsets.push(choice.offset).ok()?;
        offsets.reverse();
        Some(offsets)
    }

    /// Where a tensor starts that ends where the scratch of both its passes still has room behind it.
    fn last_offset(&self, tensor: usize, arena: u32) -> Option<u32> {
        let scratch = |pass: Option<usize>| pass.and_then(|pass| self.scratch.get(pass)).copied().unwrap_or(0);
        let behind = scratch(tensor.checked_sub(1)).max(scratch(Some(tensor)));
        Some(arena.checked_sub(behind)?.checked_sub(self.bytes[tensor])? & !(TENSOR_ALIGNMENT - 1))
    }

    /// The places that a tensor may have given those of the tensor before.
    fn candidates(&self, tensor: usize, last: u32, before: Option<&Candidates>) -> Candidates {
        let lead = tensor.checked_sub(1).and_then(|pass| self.leads[pass]);
        let behind = |from: &Candidate| lead.and_then(|lead| from.offset.checked_sub(lead));
        let offsets = before.into_iter().flatten().filter_map(behind).chain([0, last]);
        let mut candidates = Candidates::new();
        for offset in offsets.filter(|offset| *offset <= last) {
            let fits = |from: &Candidate| self.fits(tensor, from.offset, offset);
            let parent = before.map_or(Some(0), |before| before.iter().position(fits));
            let is_new = candidates.iter().all(|other| other.offset != offset);
            if let Some(parent) = parent.filter(|_| is_new) {
                // Of each tensor there are two more than of the one before, at most: never full.
                let _ = candidates.push(Candidate { offset, before: parent as u8 });
            }
        }
        candidates
    }

    /// Whether a tensor may lie here when the one before lies there.
    fn fits(&self, tensor: usize, from: u32, to: u32) -> bool {
        let apart = to + self.bytes[tensor] <= from || from + self.bytes[tensor - 1] <= to;
        apart || self.leads[tensor - 1].is_some_and(|lead| to + lead <= from)
    }
}
