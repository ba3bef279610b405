//! Golden cases of TensorFlow Lite Micro on a chip, a test each: by a probe on hardware, by QEMU without. README.md
//! beside `cases` says how.
#![no_std]
#![no_main]

use core::hint::black_box;
use secateur_firmware::Engine;
use secateur_shared::Model;

/// A model starts on a multiple of 16.
#[repr(C, align(16))]
struct Aligned<T: ?Sized>(T);

/// What a file of `cases` holds, by its name.
macro_rules! case {
    ($name:literal) => {{
        static CASE: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!("cases/", $name, ".bin")));
        &CASE.0
    }};
}

/// The most that a case's tensors take.
const ARENA_BYTES: usize = 8 * 1024;

/// Takes bytes off, and what fills them up to a multiple of 16.
fn take<'a>(bytes: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(count.next_multiple_of(16));
    *bytes = rest;
    &taken[..count]
}

/// Runs a case and compares every layer's output with the expected one.
fn check(mut case: &[u8]) -> Result<(), &'static str> {
    let words = take(&mut case, 16).as_chunks::<4>().0;
    let [blob, input, expected] = [0, 1, 2].map(|index| u32::from_le_bytes(words[index]) as usize);
    let (blob, input, mut expected) = (take(&mut case, blob), take(&mut case, input), take(&mut case, expected));
    let mut arena = Aligned([0; ARENA_BYTES]);
    let engine = Model::parse(blob).and_then(|model| Engine::new(model, &mut arena.0));
    let mut engine = engine.map_err(|_| "the model is refused")?;
    engine.input_hwc().copy_from_slice(bytemuck::cast_slice(input));
    let mut is_equal = true;
    engine.infer_observed(|_, output| {
        let (layer, rest) = expected.split_at_checked(output.len()).unwrap_or_default();
        is_equal &= layer == bytemuck::cast_slice::<i8, u8>(output);
        expected = rest;
    });
    if is_equal && expected.is_empty() { Ok(()) } else { Err("a layer's output is not TensorFlow Lite Micro's") }
}

/// Copies and fills of any length, from and to any place on a word or off it, against the same byte by byte.
fn copy_and_fill() -> Result<(), &'static str> {
    let source = Aligned::<[u8; 32]>(core::array::from_fn(|index| index as u8 + 1));
    for (from, to, length) in (0..1024).map(|number| (number % 8, number / 8 % 8, number / 64)) {
        let (from, to, length) = black_box((from, to, length));
        let (mut copied, mut filled, mut expected) = (Aligned([0; 32]), Aligned([0; 32]), Aligned([0; 32]));
        copied.0[to..to + length].copy_from_slice(&source.0[from..from + length]);
        filled.0[to..to + length].fill(black_box(from as u8 + 0x80));
        for index in 0..length {
            *black_box(&mut expected.0[to + index]) = source.0[from + index];
        }
        let is_filled = |(index, byte): (usize, &u8)| {
            *byte == if (to..to + length).contains(&index) { from as u8 + 0x80 } else { 0 }
        };
        if copied.0 != expected.0 || !filled.0.iter().enumerate().all(is_filled) {
            return Err("a copy or a fill is not what a loop makes");
        }
    }
    Ok(())
}

#[cfg(test)]
#[embedded_test::tests]
mod tests {
    use super::{Aligned, check, copy_and_fill};
    // Start-up, and what to do where a test panics.
    use cortex_m_rt as _;

    #[test]
    fn add() -> Result<(), &'static str> {
        check(case!("add"))
    }

    #[test]
    fn average_pool2d() -> Result<(), &'static str> {
        check(case!("average_pool2d"))
    }

    #[test]
    fn copies_and_fills() -> Result<(), &'static str> {
        copy_and_fill()
    }

    #[test]
    fn conv2d() -> Result<(), &'static str> {
        check(case!("conv2d"))
    }

    #[test]
    fn depthwise_conv2d() -> Result<(), &'static str> {
        check(case!("depthwise_conv2d"))
    }

    #[test]
    fn linear() -> Result<(), &'static str> {
        check(case!("linear"))
    }

    #[test]
    fn max_pool2d() -> Result<(), &'static str> {
        check(case!("max_pool2d"))
    }

    #[test]
    fn network() -> Result<(), &'static str> {
        check(case!("network"))
    }

    #[test]
    fn softmax() -> Result<(), &'static str> {
        check(case!("softmax"))
    }
}
