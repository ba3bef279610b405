//! The search of the tensors' places.

use super::{TENSOR_ALIGNMENT, last_reader};
use crate::layer::{LAYERS_MAX, Step, Table};
use crate::refusal::Refusal;

/// Tensors of a table, at most.
const TENSORS_MAX: usize = LAYERS_MAX + 1;

/// A place that a tensor may have, and the number of the one of the tensor before that leads to it.
#[derive(Clone, Copy)]
struct Candidate {
    offset: u32,
    before: u8,
}

/// In a chain of layers a tensor has places at either end, and one behind each of those of the tensor before; where tensors
/// are needed for longer, so many are kept.
type Candidates = heapless::Vec<Candidate, { 2 * TENSORS_MAX }>;

/// Lengths and distances of a table's tensors.
struct Search {
    steps: heapless::Vec<Step, LAYERS_MAX>,
    /// See [`last_reader`], of every tensor.
    last_readers: heapless::Vec<usize, TENSORS_MAX>,
    /// Of every tensor, multiples of 4.
    bytes: heapless::Vec<u32, TENSORS_MAX>,
    /// [`Step::lead_bytes`] of every step.
    leads: heapless::Vec<Option<u32>, LAYERS_MAX>,
    /// The most scratch that is ever behind a tensor.
    behind: heapless::Vec<u32, TENSORS_MAX>,
    /// Whether every layer reads the output before it, and nothing else.
    is_chain: bool,
}

/// Gives every tensor and every scratch of a table its place.
pub(super) fn place(table: &mut Table) -> Result<(), Refusal> {
    let search = Search::new(table)?;
    let (mut short, mut long) = search.bounds();
    let mut best = search.place(long).ok_or(Refusal::Table)?;
    while short < long {
        let middle = short + (long - short) / 2 / TENSOR_ALIGNMENT * TENSOR_ALIGNMENT;
        match search.place(middle) {
            Some(offsets) => (best, long) = (offsets, middle),
            None => short = middle + TENSOR_ALIGNMENT,
        }
    }
    table.input.at = best.first().copied().unwrap_or(0);
    for (index, node) in table.nodes.iter_mut().enumerate() {
        node.output_at = best[index + 1];
        let needed = (0..=index).filter(|tensor| search.last_readers[*tensor] >= index);
        let ends = needed.chain([index + 1]).map(|tensor| best[tensor] + search.bytes[tensor]);
        node.scratch_at = ends.max().unwrap_or(0);
    }
    Ok(())
}

impl Search {
    fn new(table: &Table) -> Result<Self, Refusal> {
        let records = table.records();
        let last_readers = (0..=records.len()).map(|tensor| last_reader(records.iter(), tensor)).collect();
        let (steps, bytes, leads, behind) = Default::default();
        let mut search = Self { steps, last_readers, bytes, leads, behind, is_chain: true };
        let full = |_| Refusal::Table;
        search.bytes.push(table.input.padded_bytes()).map_err(full)?;
        search.behind.push(0).map_err(full)?;
        for step in table.steps() {
            let step = step?;
            let scratch = step.scratch_bytes();
            search.is_chain &= step.input_index == step.index && step.other().is_none();
            search.bytes.push(step.output.padded_bytes()).map_err(full)?;
            search.behind.push(0).map_err(full)?;
            search.leads.push(step.lead_bytes()).map_err(|_| Refusal::Table)?;
            for (tensor, behind) in search.behind.iter_mut().enumerate() {
                if search.last_readers[tensor] >= step.index {
                    *behind = scratch.max(*behind);
                }
            }
            search.steps.push(step).map_err(|_| Refusal::Table)?;
        }
        Ok(search)
    }

    /// The tensors that a layer must spare as long as it runs, without its output.
    fn needed(&self, step: usize) -> impl Iterator<Item = usize> + '_ {
        (0..=step).filter(move |tensor| self.last_readers[*tensor] >= step)
    }

    /// No arena is shorter than what its neediest layer asks for. In a chain even the largest neighbors never meet at
    /// opposite ends; other tables have room for all tensors one after the other.
    fn bounds(&self) -> (u32, u32) {
        let first = self.bytes[0];
        let (mut short, mut apart) = (first, first);
        for step in &self.steps {
            let others = self.needed(step.index).filter(|tensor| *tensor != step.input_index);
            let others = others.fold(0_u32, |sum, tensor| sum.saturating_add(self.bytes[tensor]));
            short = short.max(step.working_bytes().saturating_add(others));
            apart = apart.max(step.input.padded_bytes() + step.output.padded_bytes());
        }
        let all = || self.bytes.iter().fold(0_u32, |sum, bytes| sum.saturating_add(*bytes));
        let tensors = if self.is_chain { apart } else { all() };
        let scratch = self.steps.iter().map(Step::scratch_bytes).max().unwrap_or(0);
        (short, tensors.saturating_add(scratch))
    }

    /// Every tensor's offset in an arena of so many bytes, if they are found.
    fn place(&self, arena: u32) -> Option<heapless::Vec<u32, TENSORS_MAX>> {
        let mut found: heapless::Vec<Candidates, TENSORS_MAX> = heapless::Vec::new();
        for tensor in 0..self.bytes.len() {
            let last = self.last_offset(tensor, arena)?;
            let candidates = match tensor.checked_sub(1) {
                None => [0, last].into_iter().map(|offset| Candidate { offset, before: 0 }).collect(),
                Some(step) => self.candidates(step, last, &found),
            };
            found.push(candidates).ok()?;
        }
        found.last()?.first()?;
        Some((0..found.len()).map(|tensor| offset(&found, tensor, 0)).collect())
    }

    /// Where a tensor starts that ends where there is still room for scratch behind it.
    fn last_offset(&self, tensor: usize, arena: u32) -> Option<u32> {
        Some(arena.checked_sub(self.behind[tensor])?.checked_sub(self.bytes[tensor])? & !(TENSOR_ALIGNMENT - 1))
    }

    /// The places that a layer's output may have given those of the tensors before.
    fn candidates(&self, step: usize, last: u32, found: &[Candidates]) -> Candidates {
        let mut candidates = Candidates::new();
        for before in 0..found.last().map_or(0, |candidates| candidates.len()) {
            let place = |tensor| offset(found, tensor, before);
            for to in self.offsets(step, last, &place) {
                let is_new = |other: &Candidate| other.offset != to || self.differ(step, found, before, other);
                if to <= last && self.fits(step, to, &place) && candidates.iter().all(is_new) {
                    // Where they are many, the first will do.
                    let _ = candidates.push(Candidate { offset: to, before: before as u8 });
                }
            }
        }
        candidates
    }

    /// As close to a tensor that is read for the last time as it may, next to one that is needed, or at either end.
    fn offsets(&self, step: usize, last: u32, place: &impl Fn(usize) -> u32) -> heapless::Vec<u32, 24> {
        let mut offsets = heapless::Vec::new();
        for tensor in self.needed(step) {
            let lead = self.leads[step].filter(|_| self.is_done(step, tensor));
            let behind = lead.and_then(|lead| place(tensor).checked_sub(lead));
            let end = Some(place(tensor) + self.bytes[tensor]);
            let start = place(tensor).checked_sub(self.bytes[step + 1]);
            let beside = [end, start].into_iter().flatten().filter(|_| !self.is_chain);
            for offset in behind.into_iter().chain(beside) {
                let _ = offsets.push(offset);
            }
        }
        offsets.extend([0, last].into_iter().take(offsets.capacity() - offsets.len()));
        offsets
    }

    /// Whether a layer is the last to read this tensor.
    fn is_done(&self, step: usize, tensor: usize) -> bool {
        let step_of = &self.steps[step];
        let is_read = tensor == step_of.input_index || step_of.other().is_some_and(|(_, other)| tensor == other);
        is_read && self.last_readers[tensor] == step
    }

    /// Whether a layer's output may lie here when the tensors before lie there.
    fn fits(&self, step: usize, to: u32, place: &impl Fn(usize) -> u32) -> bool {
        self.needed(step).all(|tensor| {
            let from = place(tensor);
            let apart = to + self.bytes[step + 1] <= from || from + self.bytes[tensor] <= to;
            let lead = self.leads[step].filter(|_| self.is_done(step, tensor));
            apart || lead.is_some_and(|lead| to + lead <= from)
        })
    }

    /// Whether tensors that are needed after a layer lie elsewhere than in another candidate's way to its output.
    fn differ(&self, step: usize, found: &[Candidates], before: usize, other: &Candidate) -> bool {
        let mut later = self.needed(step).filter(|tensor| self.last_readers[*tensor] > step);
        later.any(|tensor| offset(found, tensor, before) != offset(found, tensor, other.before.into()))
    }
}

/// Where a tensor lies on the way to a candidate of the last one.
fn offset(found: &[Candidates], tensor: usize, mut candidate: usize) -> u32 {
    for later in found[tensor + 1..].iter().rev() {
        candidate = later[candidate].before.into();
    }
    found[tensor][candidate].offset
}
