//! Runs a small VGG, layer by layer and whole, between the marks that an emulator's plugin counts instructions by.
#![no_std]
#![no_main]

use core::arch::asm;
use core::hint::black_box;
use core::ptr::addr_of_mut;
use secateur_firmware::{Engine, bare};
use secateur_shared::Model;

include!(concat!(env!("OUT_DIR"), "/bench.rs"));

#[repr(C, align(16))]
struct Aligned<T: ?Sized>(T);

static BLOB: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/bench.blob")));
static mut ARENA: Aligned<[i8; ARENA_BYTES]> = Aligned([0; ARENA_BYTES]);

/// Counting begins where this returns. No two of them are alike, or the linker would make one of them.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn yard_begin() {
    // SAFETY: does nothing.
    unsafe { asm!("nop", options(nomem, nostack, preserves_flags)) }
}

/// Counting ends where this is called.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn yard_end() {
    // SAFETY: does nothing.
    unsafe { asm!("nop", "nop", options(nomem, nostack, preserves_flags)) }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    if cfg!(feature = "idle") {
        black_box(&LINES).iter().for_each(|line| bare::print(line));
        bare::print_hex(black_box(&[]));
        bare::exit(black_box(BLOB.0.len() as u32));
    }
    // SAFETY: the only reference to it; `main` runs once.
    let arena = unsafe { &mut (*addr_of_mut!(ARENA)).0 };
    let engine = Model::parse(black_box(&BLOB.0)).and_then(|model| Engine::new(model, arena));
    let Ok(mut engine) = engine else { bare::exit(1) };
    fill(engine.input_hwc());
    let mut lines = LINES.iter();
    yard_begin();
    engine.infer_observed(|_, _| {
        yard_end();
        if let Some(line) = lines.next() {
            bare::print(line);
        }
        yard_begin();
    });
    // Between the last layer and here lies nothing: its region is dropped by being the whole network's.
    fill(engine.input_hwc());
    yard_end();
    bare::print(FILLING);
    yard_begin();
    engine.infer();
    yard_end();
    bare::print(LINES[LINES.len() - 1]);
    bare::print_hex(engine.output());
    bare::exit(0)
}

/// Noise, the same each time.
fn fill(input: &mut [i8]) {
    let mut state = 2_u32;
    for value in input {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *value = (state >> 24) as u8 as i8;
    }
}
