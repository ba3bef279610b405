//! A line that loses, doubles, damages and delays frames, so that they also overtake each other.

use std::fmt;

/// SplitMix64 (Steele, Lea, Flood 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((word ^ word >> 31) % bound as u64) as usize
    }
}

/// What a line did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) frames: usize,
    pub(crate) lost: usize,
    pub(crate) doubled: usize,
    pub(crate) damaged: usize,
    pub(crate) delayed: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { frames, lost, doubled, damaged, delayed } = self;
        write!(f, "{frames} frames: {lost} lost, {doubled} doubled, {damaged} damaged, {delayed} delayed")
    }
}

/// One direction of it.
pub(crate) struct Line {
    random: Random,
    /// Frames under way, and the sends until they arrive.
    late: Vec<(usize, Vec<u8>)>,
    pub(crate) counts: Counts,
}

impl Line {
    pub(crate) fn new(seed: u64) -> Self {
        Self { random: Random(seed), late: Vec::new(), counts: Counts::default() }
    }

    /// Sends a frame, its closing zero included; the bytes that arrive now.
    pub(crate) fn send(&mut self, frame: &[u8]) -> Vec<u8> {
        let mut arrived = self.due();
        self.counts.frames += 1;
        let fate = self.random.below(100);
        match fate {
            0..8 => self.counts.lost += 1,
            8..18 => {
                self.counts.delayed += 1;
                let sends = 1 + self.random.below(40);
                self.late.push((sends, frame.to_vec()));
            }
            18..26 => {
                self.counts.doubled += 1;
                let sends = 1 + self.random.below(40);
                self.late.push((sends, frame.to_vec()));
                arrived.extend(frame);
            }
            26..38 => {
                self.counts.damaged += 1;
                arrived.extend(self.damage(frame));
            }
            _ => arrived.extend(frame),
        }
        arrived
    }

    /// What is late and arrives now.
    pub(crate) fn due(&mut self) -> Vec<u8> {
        for (sends, _) in &mut self.late {
            *sends = sends.saturating_sub(1);
        }
        self.late.extract_if(.., |(sends, _)| *sends == 0).flat_map(|(_, frame)| frame).collect()
    }

    /// Bits turned, bytes put in, bytes taken out.
    fn damage(&mut self, frame: &[u8]) -> Vec<u8> {
        let mut frame = frame.to_vec();
        for _ in 0..=self.random.below(3) {
            let at = self.random.below(frame.len());
            match self.random.below(3) {
                0 => frame[at] ^= 1 << self.random.below(8),
                1 => frame.insert(at, self.random.below(256) as u8),
                _ if frame.len() > 1 => drop(frame.remove(at)),
                _ => {}
            }
        }
        frame
    }
}
