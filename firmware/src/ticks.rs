//! A counter of 24 bits that counts down, read as one of 32 bits that counts up.

/// What the counter loses each time that it wraps.
pub(crate) const WRAP: u32 = 1 << 24;

/// Ticks so far, modulo 2^32, from where the counter began: `wrapped` reads the sum of [`WRAP`]s that an interrupt adds up, `left`
/// the counter, and `settle` lets an interrupt in that is pending. Read again where one came in between, so that both are of one turn.
#[inline(always)]
pub(crate) fn ticks(wrapped: impl Fn() -> u32, left: impl Fn() -> u32, settle: impl Fn()) -> u32 {
    loop {
        let (before, left) = (wrapped(), left());
        settle();
        if wrapped() == before {
            return before.wrapping_sub(left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::Cell;

    /// A core: every read takes a tick, and an interrupt comes up to `late` reads after its wrap.
    struct Core {
        time: Cell<u64>,
        counted: Cell<u64>,
        late: u64,
    }

    impl Core {
        fn at(time: u64, late: u64) -> Self {
            Self { time: Cell::new(time), counted: Cell::new(time.saturating_sub(late) >> 24), late }
        }

        fn tick(&self, late: u64) -> u64 {
            let now = self.time.get() + 1;
            self.time.set(now);
            self.counted.set(self.counted.get().max((now - late.min(now)) >> 24));
            now
        }

        fn ticks(&self) -> u32 {
            let wrapped = || {
                self.tick(self.late);
                (self.counted.get() as u32).wrapping_mul(WRAP)
            };
            let left = || WRAP - 1 - (self.tick(self.late) as u32 & (WRAP - 1));
            let settle = || {
                self.tick(0);
            };
            ticks(wrapped, left, settle)
        }
    }

    /// Reads around a time, each beside the time that it is of.
    fn check(around: u64, late: u64) {
        let zero = 0u32.wrapping_sub(WRAP - 1);
        for begun in around - 12..around + 12 {
            let core = Core::at(begun, late);
            let read = core.ticks().wrapping_sub(zero);
            let (first, last) = (begun as u32, core.time.get() as u32);
            let is_within = read.wrapping_sub(first) <= last.wrapping_sub(first);
            assert!(is_within, "{read:#x} is not from {first:#x} to {last:#x}, interrupts {late} late");
        }
    }

    #[test]
    fn a_wrap_is_seen_wherever_it_falls_between_two_reads() {
        for late in 0..3 {
            for wraps in [1, 2, 3, 255, 256, 257, 600] {
                check(wraps << 24, late);
            }
        }
    }

    #[test]
    fn a_difference_is_right_over_many_wraps() {
        for (begun, ended) in
            [(5, 20), (100, 3 << 24), ((200 << 24) + 7, (300 << 24) + 5), (1 << 33, (1 << 33) + (9 << 24))]
        {
            let difference = Core::at(ended, 1).ticks().wrapping_sub(Core::at(begun, 1).ticks());
            assert_eq!(difference, (ended - begun) as u32, "{begun:#x} to {ended:#x}");
        }
    }
}
