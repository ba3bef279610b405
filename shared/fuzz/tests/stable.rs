//! The same without libFuzzer: the corpus, mutated. `FUZZ_RUNS=10000000 cargo test --release --no-default-features` runs long.

use std::path::Path;

use secateur_fuzz::{Fate, frames, model};
use secateur_shared::header::HEADER_BYTES;
use secateur_shared::wire::{self, CHUNK_BYTES, FRAME_BYTES, Number, Request};

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((word ^ word >> 31) % bound.max(1) as u64) as usize
    }

    /// A few bytes turned, set, put in or taken out, from `first` on.
    fn mutate(&mut self, bytes: &mut Vec<u8>, first: usize) {
        for _ in 0..=self.below(4) {
            let at = first + self.below(bytes.len() - first);
            match self.below(8) {
                0..=2 => bytes[at] ^= 1 << self.below(8),
                3 => bytes[at] = self.below(256) as u8,
                4 => bytes[at] = self.below(6) as u8,
                5 => bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][self.below(5)],
                6 => bytes.insert(at, self.below(256) as u8),
                _ if bytes.len() > first + 1 => drop(bytes.remove(at)),
                _ => {}
            }
        }
    }
}

fn runs() -> usize {
    std::env::var("FUZZ_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(100_000)
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut paths: Vec<_> = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a file")).collect()
}

#[test]
fn blobs() {
    let (seeds, mut random) = (corpus("model"), Random(1));
    let (mut ran, mut accepted, mut refused) = (0, 0, 0);
    for seed in &seeds {
        assert_eq!(model(seed), Fate::Ran, "each seed is a network");
    }
    for _ in 0..runs() {
        let mut bytes = seeds[random.below(seeds.len())].clone();
        random.mutate(&mut bytes, HEADER_BYTES);
        match model(&bytes) {
            Fate::Ran => ran += 1,
            Fate::Accepted => accepted += 1,
            Fate::Refused(_) => refused += 1,
        }
    }
    eprintln!("blobs: {} tried, {ran} ran, {accepted} too large to run, {refused} refused", runs());
    assert!(ran > 0 && refused > 0);
}

#[test]
fn lines() {
    let (mut seeds, mut random) = (corpus("frames"), Random(2));
    let number = Number { session: 7, sequence: 9 };
    for request in [Request::Hello, Request::Infer, Request::Pixels { offset: 0, values: &[0; CHUNK_BYTES] }] {
        seeds.push(wire::encode_request(number, &request, &mut [0; FRAME_BYTES]).expect("fits").to_vec());
    }
    let (mut messages, mut silent) = (0, 0);
    for seed in &seeds {
        assert!(frames(seed) > 0, "each seed has a message");
    }
    for _ in 0..runs() {
        let mut bytes = seeds[random.below(seeds.len())].clone();
        random.mutate(&mut bytes, 0);
        let found = frames(&bytes);
        messages += found;
        silent += usize::from(found == 0);
    }
    eprintln!("lines: {} tried, {messages} messages read, {silent} without any", runs());
    assert!(silent > 0);
}
