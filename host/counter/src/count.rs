//! What is counted. Knows nothing of QEMU.
//!
//! A region is written as these lines, numbers in decimal:
//!
//! ```text
//! block ADDRESS INSTRUCTIONS TIMES NEXT:TIMES NEXT:TIMES ...
//! access BEATS LOADS STORES
//! end
//! ```

use std::collections::HashMap;
use std::fmt::Write;

/// Code from an address to the next branch, and what followed it in this region.
struct Block {
    start: u32,
    /// The address of its last instruction.
    last: u32,
    instructions: usize,
    times: u64,
    next: Vec<(u32, u64)>,
}

/// Where the chip is.
#[derive(Clone, Copy)]
enum Phase {
    Outside {
        /// The block that runs.
        last: Option<usize>,
    },
    /// In a call of the function.
    Inside {
        /// The block that called it.
        caller: usize,
        /// The block that runs.
        last: usize,
    },
}

/// Memory accesses of a region.
#[derive(Default)]
struct Accesses {
    /// Bus cycles that unaligned accesses need more than aligned ones: 1 at a half-word's address, 2 at an odd one.
    beats: u64,
    loads: u64,
    stores: u64,
}

/// Counts the blocks of each call of a function that does not call itself.
pub(crate) struct Counter {
    function: u32,
    blocks: Vec<Block>,
    known: HashMap<(u32, usize), usize>,
    phase: Phase,
    accesses: Accesses,
}

impl Counter {
    pub(crate) fn new(function: u32) -> Self {
        let (blocks, known, phase) = (Vec::new(), HashMap::new(), Phase::Outside { last: None });
        Self { function, blocks, known, phase, accesses: Accesses::default() }
    }

    /// The index of a block, the same one where the block is translated again.
    pub(crate) fn translated(&mut self, start: u32, last: u32, instructions: usize) -> usize {
        *self.known.entry((start, instructions)).or_insert_with(|| {
            self.blocks.push(Block { start, last, instructions, times: 0, next: Vec::new() });
            self.blocks.len() - 1
        })
    }

    /// Takes note that a block begins to run; the lines of the region that ends with it.
    pub(crate) fn executed(&mut self, index: usize) -> Option<String> {
        let start = self.blocks[index].start;
        match self.phase {
            Phase::Outside { last: Some(caller) } if start == self.function => self.enter(caller, index),
            Phase::Outside { .. } => self.phase = Phase::Outside { last: Some(index) },
            Phase::Inside { caller, last } => {
                self.blocks[last].followed_by(start);
                if self.blocks[caller].returns_to(start) {
                    self.phase = Phase::Outside { last: Some(index) };
                    return Some(self.finish());
                }
                self.enter(caller, index);
            }
        }
        None
    }

    /// Takes note of a memory access of `1 << size_shift` bytes.
    pub(crate) fn accessed(&mut self, address: u64, size_shift: u32, is_store: bool) {
        if !matches!(self.phase, Phase::Inside { .. }) {
            return;
        }
        self.accesses.beats += match size_shift {
            0 => 0,
            1 => address & 1,
            _ if address & 1 == 1 => 2,
            _ => address >> 1 & 1,
        };
        self.accesses.stores += u64::from(is_store);
        self.accesses.loads += u64::from(!is_store);
    }

    fn enter(&mut self, caller: usize, index: usize) {
        self.blocks[index].times += 1;
        self.phase = Phase::Inside { caller, last: index };
    }

    fn finish(&mut self) -> String {
        let mut lines = String::new();
        for block in self.blocks.iter_mut().filter(|block| block.times > 0) {
            let next: String = block.next.drain(..).map(|(start, times)| format!(" {start}:{times}")).collect();
            // Writing to a String cannot fail.
            let _ = writeln!(lines, "block {} {} {}{next}", block.start, block.instructions, block.times);
            block.times = 0;
        }
        let Accesses { beats, loads, stores } = std::mem::take(&mut self.accesses);
        let _ = writeln!(lines, "access {beats} {loads} {stores}\nend");
        lines
    }
}

impl Block {
    /// Whether a call at its end returns to this address: a call has two bytes or four.
    fn returns_to(&self, start: u32) -> bool {
        start == self.last + 2 || start == self.last + 4
    }

    fn followed_by(&mut self, start: u32) {
        match self.next.iter_mut().find(|(next, _)| *next == start) {
            Some((_, times)) => *times += 1,
            None => self.next.push((start, 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FUNCTION: u32 = 100;

    /// Runs blocks of 2 instructions of 2 bytes by their addresses; all that was written.
    fn run(counter: &mut Counter, starts: &[u32]) -> String {
        let execute = |start: &u32| {
            let index = counter.translated(*start, start + 2, 2);
            counter.executed(index)
        };
        starts.iter().filter_map(execute).collect()
    }

    #[test]
    fn only_calls_of_the_function_are_counted() {
        let counter = &mut Counter::new(FUNCTION);
        let lines = run(counter, &[10, 14, FUNCTION, 200, FUNCTION, 200, 300, 20, 14, 40, FUNCTION, 44]);
        let first = "block 100 2 2 200:2\nblock 200 2 2 100:1 300:1\nblock 300 2 1 20:1\naccess 0 0 0\nend\n";
        let second = "block 100 2 1 44:1\naccess 0 0 0\nend\n";
        assert_eq!(lines, format!("{first}{second}"));
    }

    #[test]
    fn an_unaligned_access_takes_more_beats() {
        let counter = &mut Counter::new(FUNCTION);
        counter.accessed(1, 2, true);
        run(counter, &[10, FUNCTION]);
        for (address, size_shift) in [(4, 2), (6, 2), (5, 2), (6, 1), (7, 1), (7, 0)] {
            counter.accessed(address, size_shift, false);
        }
        counter.accessed(8, 2, true);
        assert_eq!(run(counter, &[14]), "block 100 2 1 14:1\naccess 4 6 1\nend\n");
    }
}
