//! Runs golden cases, which the emulator puts into memory at `__cases`, and prints a letter for each: `.` for a case whose
//! every layer is equal, `x` for one that differs, `s` for one that the RAM is too small for, `?` for one that is refused.
//!
//! A case is four words (the lengths of blob, input and expected outputs, 0), the blob, the input, and the outputs of all
//! layers one after the other, each of the three from a multiple of 16 on. A blob of no length ends the list.
#![no_std]
#![no_main]

use core::ptr::addr_of;
use secateur_firmware::{Engine, bare};
use secateur_shared::{Model, Refusal};

unsafe extern "C" {
    static __cases: u8;
    static __sheap: u8;
    static _stack_start: u8;
}

/// What the stack may take.
const STACK_BYTES: usize = 6 * 1024;

/// The RAM from the static variables to the stack.
fn arena() -> &'static mut [i8] {
    let start = addr_of!(__sheap).cast::<i8>().cast_mut();
    let bytes = addr_of!(_stack_start) as usize - STACK_BYTES - start as usize;
    // SAFETY: nothing else lives there; called once, from `main`.
    unsafe { core::slice::from_raw_parts_mut(start, bytes) }
}

/// Reads the list of cases.
struct Reader {
    at: *const u8,
}

impl Reader {
    fn take(&mut self, bytes: usize) -> &'static [u8] {
        let start = self.at;
        self.at = start.wrapping_add(bytes.next_multiple_of(16));
        // SAFETY: the emulator put a list of this form there, which nothing writes.
        unsafe { core::slice::from_raw_parts(start, bytes) }
    }

    fn lengths(&mut self) -> [usize; 3] {
        let words = self.take(16).as_chunks::<4>().0;
        core::array::from_fn(|index| words.get(index).map_or(0, |word| u32::from_le_bytes(*word) as usize))
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let arena = arena();
    let mut reader = Reader { at: addr_of!(__cases) };
    let mut failures = 0;
    loop {
        let [blob, input, expected] = reader.lengths();
        if blob == 0 {
            bare::print("\n\0");
            bare::exit(u32::from(failures > 0));
        }
        let (blob, input, expected) = (reader.take(blob), reader.take(input), reader.take(expected));
        match run(blob, input, expected, arena) {
            Ok(true) => bare::print(".\0"),
            Err(Refusal::Arena { .. }) => bare::print("s\0"),
            Ok(false) => {
                failures += 1;
                bare::print("x\0");
            }
            Err(_) => {
                failures += 1;
                bare::print("?\0");
            }
        }
    }
}

/// Whether every layer's output is the expected one.
#[inline(never)]
fn run(blob: &[u8], input: &[u8], mut expected: &[u8], arena: &mut [i8]) -> Result<bool, Refusal> {
    let mut engine = Engine::new(Model::parse(blob)?, arena)?;
    for (value, byte) in engine.input_hwc().iter_mut().zip(input) {
        *value = byte.cast_signed();
    }
    let mut is_equal = true;
    engine.infer_observed(|_, output| {
        let (layer, rest) = expected.split_at_checked(output.len()).unwrap_or_default();
        is_equal &= layer.len() == output.len();
        is_equal &= layer.iter().zip(output).all(|(expected, found)| expected.cast_signed() == *found);
        expected = rest;
    });
    Ok(is_equal && expected.is_empty())
}
