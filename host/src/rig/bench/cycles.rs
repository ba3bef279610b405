//! From instructions to an estimate of cycles, at zero wait states.

use super::thumb::{Kind, Registers};
use secateur_boards::BoardSpec;
use serde::{Deserialize, Serialize};

/// A core whose published timings are known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Core {
    /// ARM DDI 0439, table 3-1 and "Load/store timings".
    #[serde(rename = "Cortex-M4")]
    CortexM4,
    /// ARM DDI 0484, table 3-1, with the multiplier of one cycle.
    #[serde(rename = "Cortex-M0+")]
    CortexM0Plus,
}

/// Where a count of cycles is from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// Estimated from ARM's published timings, over instructions that QEMU ran.
    #[default]
    Timings,
    /// The counter of rp2040js.
    Rp2040js,
    /// The counter of a board on the desk.
    Counter,
}

impl Source {
    /// What a reader has to know.
    pub fn note(self) -> &'static str {
        match self {
            Source::Timings => "cycles are estimated from ARM's published timings at zero wait states",
            Source::Rp2040js => {
                "cycles are counted by rp2040js as if code and weights were in RAM: no flash wait states, no cache"
            }
            Source::Counter => {
                "cycles are counted by the board's own counter, with flash wait states and caches as they are there, and with \
                 what the engine does between layers"
            }
        }
    }

    /// What the three figures of [`Cycles`] are, the middle one first.
    pub fn heads(self) -> [&'static str; 3] {
        match self {
            Source::Timings => ["cycles (estimate)", "from", "to"],
            Source::Rp2040js => ["cycles", "from", "to"],
            Source::Counter => ["cycles (median)", "least", "most"],
        }
    }

    /// Where the figures were made, as a report calls it.
    pub fn kind(self) -> &'static str {
        match self {
            Source::Timings | Source::Rp2040js => "emulated",
            Source::Counter => "hardware",
        }
    }

    /// Whether the figures are exact, and so one of three.
    pub fn is_exact(self) -> bool {
        self == Source::Rp2040js
    }
}

/// An estimate, and the range that it lies in under the other readings of ARM's table; of a board's own counter, the median of
/// several images, and the least and the most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cycles {
    /// At the least.
    pub low: u64,
    /// The likeliest, or the median.
    pub estimate: u64,
    /// At the most.
    pub high: u64,
}

/// Where ARM's table leaves a choice.
#[derive(Clone, Copy, Debug)]
struct Reading {
    /// Cycles to fill the pipeline after a branch: the table says 1 to 3.
    refill: u64,
    /// An `it` may take no time beside the instruction before it.
    if_then: u64,
    /// A load that writes its address register too is followed by another load without a pause.
    pipelines_write_back: bool,
}

const LOW: Reading = Reading { refill: 1, if_then: 0, pipelines_write_back: true };
const ESTIMATE: Reading = Reading { refill: 2, if_then: 1, pipelines_write_back: true };
const HIGH: Reading = Reading { refill: 3, if_then: 1, pipelines_write_back: false };

/// The division's time depends on its numbers: 2 to 12.
const DIVIDE: u64 = 6;

/// A block of code in a region: its instructions, how often it ran, and how often something else than the next instruction
/// in memory followed.
pub struct Run {
    /// In order.
    pub kinds: Vec<Kind>,
    /// Times.
    pub times: u64,
    /// Of these, those that left by a jump.
    pub jumps: u64,
}

impl Core {
    /// The core of a board. Of the cores that its target serves, the one that the boards here have.
    pub fn of(board: &BoardSpec) -> Option<Self> {
        match board.target.split('-').next() {
            Some("thumbv7em") => Some(Core::CortexM4),
            Some("thumbv6m") => Some(Core::CortexM0Plus),
            _ => None,
        }
    }

    /// As ARM writes it.
    pub fn name(self) -> &'static str {
        match self {
            Core::CortexM4 => "Cortex-M4",
            Core::CortexM0Plus => "Cortex-M0+",
        }
    }

    /// The cycles of a region: its blocks, and the bus cycles that unaligned accesses need beside them.
    pub fn cycles(self, runs: &[Run], unaligned_beats: u64) -> Cycles {
        let all = |reading| unaligned_beats + runs.iter().map(|run| self.run(run, reading)).sum::<u64>();
        Cycles { low: all(LOW), estimate: all(ESTIMATE), high: all(HIGH) }
    }

    fn run(self, run: &Run, reading: Reading) -> u64 {
        let ends_in_condition = run.kinds.last() == Some(&Kind::ConditionalBranch);
        let jumps = if ends_in_condition { run.jumps } else { 0 };
        match self {
            Core::CortexM4 => run.times * m4(&run.kinds, reading) + jumps * reading.refill,
            Core::CortexM0Plus => run.times * run.kinds.iter().copied().map(m0_plus).sum::<u64>() + jumps,
        }
    }
}

/// A block on Cortex-M4, its last branch not taken.
fn m4(kinds: &[Kind], reading: Reading) -> u64 {
    let (mut cycles, mut loaded) = (0, None);
    for kind in kinds {
        cycles += m4_instruction(*kind, loaded, reading);
        loaded = match kind {
            Kind::Load(access) if reading.pipelines_write_back || !access.writes_back => Some(access.value),
            _ => None,
        };
    }
    cycles
}

/// An instruction that comes after a load into `loaded`, if after a load: another access then takes one cycle, unless its
/// address waits for what was loaded.
fn m4_instruction(kind: Kind, loaded: Option<Registers>, reading: Reading) -> u64 {
    match kind {
        Kind::Load(access) | Kind::Store(access) if loaded.is_some_and(|loaded| loaded & access.address == 0) => 1,
        Kind::Load(_) => 2,
        Kind::Store(access) => 1 + u64::from(access.is_slow_store),
        Kind::Plain | Kind::ConditionalBranch | Kind::System => 1,
        Kind::IfThen => reading.if_then,
        Kind::Divide => DIVIDE,
        Kind::FloatMultiplyAdd => 3,
        Kind::FloatDivide => 14,
        Kind::Pair => 3,
        Kind::Many(count) => 1 + u64::from(count),
        Kind::Return(count) => 1 + u64::from(count) + reading.refill,
        Kind::LoadJump => 2 + reading.refill,
        Kind::Branch | Kind::Call => 1 + reading.refill,
        Kind::TableBranch => 3 + reading.refill,
    }
}

/// An instruction on Cortex-M0+, a branch on a condition not taken. Kinds that it lacks count as one cycle.
fn m0_plus(kind: Kind) -> u64 {
    match kind {
        Kind::Load(_) | Kind::Store(_) | Kind::Branch => 2,
        Kind::Many(count) => 1 + u64::from(count),
        Kind::Return(count) => 3 + u64::from(count),
        Kind::Call | Kind::System => 3,
        _ => 1,
    }
}

impl std::ops::AddAssign for Cycles {
    fn add_assign(&mut self, other: Self) {
        self.low += other.low;
        self.estimate += other.estimate;
        self.high += other.high;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::bench::thumb::Access;

    const fn load(value: Registers, address: Registers) -> Kind {
        Kind::Load(Access { value, address, writes_back: false, is_slow_store: false })
    }

    #[test]
    fn loads_in_a_row_share_their_pause() {
        let cases: [(&[Kind], u64); 4] = [
            (&[load(1, 2), load(4, 2), load(8, 2)], 4),
            // The second's address is what the first one loads.
            (&[load(1, 2), load(4, 1)], 4),
            (&[load(1, 2), Kind::Plain, load(4, 2)], 5),
            (&[Kind::Store(Access::default()), load(1, 2)], 3),
        ];
        for (kinds, cycles) in cases {
            assert_eq!(m4(kinds, ESTIMATE), cycles, "{kinds:?}");
        }
    }

    #[test]
    fn a_branch_fills_the_pipeline_only_where_taken() {
        let kinds = [Kind::Plain, Kind::ConditionalBranch];
        let run = [Run { kinds: kinds.to_vec(), times: 10, jumps: 9 }];
        assert_eq!(Core::CortexM4.cycles(&run, 5), Cycles { low: 34, estimate: 43, high: 52 });
        assert_eq!(Core::CortexM0Plus.cycles(&run, 0).estimate, 29);
    }
}
