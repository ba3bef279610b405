//! What every chip does after its board's start-up: finds model and arena between the linker's symbols, paints the
//! stack, and serves.

use crate::counter;
use crate::engine::Engine;
use crate::session::{Identity, Session};
use core::ptr::addr_of;
use embedded_hal::digital::OutputPin;
use embedded_io::{Read, Write};
use secateur_boards::{Board, Started};
use secateur_shared::wire::Memory;
use secateur_shared::{Model, Refusal};

unsafe extern "C" {
    static __model_start: u8;
    static __model_end: u8;
    static __arena_start: u8;
    static __stack_reserve: u8;
    static __static_ram: u8;
    #[cfg(weights_in_ram)]
    static __weights_in_ram: u8;
    static _stack_start: u8;
}

/// What unused stack is filled with.
const PAINT: u32 = 0xC5C5_C5C5;

/// Starts the board and serves for ever.
pub fn run<B: Board>() -> ! {
    paint_stack();
    let Some(Started { port, led, clock_hz }) = B::start() else { defmt::panic!("start-up ran twice") };
    defmt::info!("{=str} at {=u32} Hz", B::NAME, clock_hz);
    counter::start();
    let model_address = addr_of!(__model_start) as u32;
    serve(Identity { board: B::NAME, chip: B::CHIP, model_address, clock_hz, cycles: counter::cycles }, port, led)
}

fn serve<Port: Read + Write>(identity: Identity, mut port: Port, led: impl OutputPin) -> ! {
    let (flash, memory) = memory();
    let whole_bytes = memory.len();
    let (model, memory) = warmed(Model::parse(flash), memory);
    let arena_bytes = memory.len() as u32;
    let copied_bytes = (whole_bytes - memory.len()) as u32;
    let used = model.as_ref().map_or(0, |model| model.arena_bytes()) as usize;
    let (arena, free) = memory.split_at_mut(used.min(memory.len()));
    let engine = model.and_then(|model| Engine::new(model, arena));
    if engine.is_err() {
        defmt::error!("no valid model: the desk will be told why");
    }
    let figures = || {
        let figures = stack_figures();
        Memory { arena_bytes, static_ram_bytes: figures.static_ram_bytes + copied_bytes, ..figures }
    };
    let mut session = Session::new(identity, engine, free, led, figures);
    loop {
        // A chip's port does not end; an error in writing shows at the desk as silence, and it asks again.
        let _ = session.serve(&mut port);
    }
}

/// The model with its hot weights at the start of the memory, and the rest of it on a multiple of 16; where there is too
/// little, they stay in flash.
#[cfg(weights_in_ram)]
fn warmed(model: Result<Model<'static>, Refusal>, memory: &'static mut [i8]) -> Warmed {
    let Ok(model) = model else { return (model, memory) };
    let bytes = model.hot_bytes(addr_of!(__weights_in_ram) as u32) as usize;
    match memory.len().checked_sub((bytes + 15) & !15) {
        Some(rest) => {
            let (hot, memory) = memory.split_at_mut(memory.len() - rest);
            let (hot, _) = hot.split_at_mut(bytes);
            (Ok(model.with_hot_weights(bytemuck::cast_slice_mut(hot))), memory)
        }
        None => (Ok(model), memory),
    }
}

#[cfg(not(weights_in_ram))]
fn warmed(model: Result<Model<'static>, Refusal>, memory: &'static mut [i8]) -> Warmed {
    (model, memory)
}

type Warmed = (Result<Model<'static>, Refusal>, &'static mut [i8]);

/// The flash from the model's start to its end, and the RAM from the static variables to the stack's reserve.
///
/// Called once, from `run`.
fn memory() -> (&'static [u8], &'static mut [i8]) {
    let model = addr_of!(__model_start);
    let model_bytes = addr_of!(__model_end) as usize - model as usize;
    let arena = addr_of!(__arena_start).cast::<i8>().cast_mut();
    let top = addr_of!(_stack_start) as usize - stack_reserve_bytes();
    let arena_bytes = top.saturating_sub(arena as usize);
    // SAFETY: build.rs puts the model's range inside flash, which nothing writes while the firmware runs, and the
    // arena's between the last static variable and the stack's reserve, where nothing else lives; both are made once.
    unsafe { (core::slice::from_raw_parts(model, model_bytes), core::slice::from_raw_parts_mut(arena, arena_bytes)) }
}

fn stack_reserve_bytes() -> usize {
    addr_of!(__stack_reserve) as usize
}

/// The words of the stack's reserve.
fn reserve() -> (*mut u32, usize) {
    let bytes = stack_reserve_bytes();
    let bottom = addr_of!(_stack_start) as usize - bytes;
    (bottom as *mut u32, bytes / 4)
}

/// Fills the reserve below the caller's frame.
#[inline(never)]
fn paint_stack() {
    let (bottom, _) = reserve();
    let here = cortex_m::register::msp::read() as usize;
    // This frame and an interrupt's stay untouched.
    let words = (here - 128).saturating_sub(bottom as usize) / 4;
    for index in 0..words {
        // SAFETY: the words lie between the arena's highest end and this frame, where the stack has not been yet.
        unsafe { bottom.add(index).write_volatile(PAINT) }
    }
}

/// The deepest stack so far, found by the lowest word that lost its paint. A stack that reached the reserve's last word
/// counts as one word over it: it may have gone further, into the arena.
fn stack_figures() -> Memory {
    let (bottom, words) = reserve();
    // SAFETY: the reserve is RAM; reading it has no effect.
    let untouched = (0..words).take_while(|&index| unsafe { bottom.add(index).read_volatile() } == PAINT).count();
    let used = if untouched == 0 { words + 1 } else { words - untouched };
    let static_ram_bytes = addr_of!(__static_ram) as u32;
    let (stack_high_water_bytes, stack_reserve_bytes) = (4 * used as u32, 4 * words as u32);
    Memory { stack_high_water_bytes, stack_reserve_bytes, static_ram_bytes, ..Memory::default() }
}

/// Says what is wrong, for a probe, and stops.
#[cortex_m_rt::exception]
unsafe fn HardFault(_: &cortex_m_rt::ExceptionFrame) -> ! {
    defmt::error!("hard fault");
    loop {
        cortex_m::asm::bkpt();
    }
}

#[cfg(feature = "serial")]
use defmt_rtt as _;
use panic_probe as _;
