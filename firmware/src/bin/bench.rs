//! Runs a small VGG, layer by layer and whole, between the marks that an emulator's plugin counts instructions by.
#![no_std]
#![no_main]

use core::arch::asm;
#[cfg(not(feature = "idle"))]
use core::hint::black_box;
use core::ptr::addr_of_mut;
use secateur_firmware::bare;

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
    // SAFETY: the only reference to it; `main` runs once.
    let arena = unsafe { &mut (*addr_of_mut!(ARENA)).0 };
    let Ok(mut engine) = engine(arena) else { bare::exit(1) };
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

#[cfg(not(feature = "idle"))]
fn engine(arena: &mut [i8]) -> Result<secateur_firmware::Engine<'_>, secateur_shared::Refusal> {
    secateur_shared::Model::parse(black_box(&BLOB.0)).and_then(|model| secateur_firmware::Engine::new(model, arena))
}

#[cfg(feature = "idle")]
use idle::engine;

/// What looks like an engine from here, and is none.
#[cfg(feature = "idle")]
mod idle {
    use core::hint::black_box;

    pub(super) struct Engine<'a>(&'a mut [i8]);

    pub(super) fn engine(arena: &mut [i8]) -> Result<Engine<'_>, ()> {
        if black_box(super::BLOB.0.len()) == 0 { Err(()) } else { Ok(Engine(arena)) }
    }

    impl Engine<'_> {
        pub(super) fn input_hwc(&mut self) -> &mut [i8] {
            black_box(&mut *self.0)
        }

        pub(super) fn infer(&mut self) {
            self.infer_observed(|_, _| ());
        }

        pub(super) fn infer_observed(&mut self, mut observe: impl FnMut(usize, &[i8])) {
            let observe: &mut dyn FnMut(usize, &[i8]) = &mut observe;
            black_box(observe)(0, &[]);
        }

        pub(super) fn output(&self) -> &[i8] {
            black_box(&*self.0)
        }
    }
}

/// Noise, the same each time.
fn fill(input: &mut [i8]) {
    let mut state = 2_u32;
    for value in input {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *value = (state >> 24) as u8 as i8;
    }
}
