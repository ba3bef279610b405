//! Temporary.
#![no_std]
#![no_main]
#![allow(warnings)]
use core::arch::asm;
use secateur_firmware::bare;
use secateur_firmware::kernels::depthwise_conv2d::{self as dw, Geometry};
use secateur_firmware::kernels::outputs::Outputs;
use secateur_firmware::kernels::window::Window;
use secateur_firmware::tensors::Tensors;
use secateur_shared::arena::Place;
use secateur_shared::layer::Shape;
use secateur_shared::model::Parameters;
use secateur_shared::quant::*;

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn yard_begin() { unsafe { asm!("nop", options(nomem, nostack, preserves_flags)) } }
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn yard_end() { unsafe { asm!("nop", "nop", options(nomem, nostack, preserves_flags)) } }

#[repr(C, align(16))]
struct A<const N: usize>([i8; N]);
static mut ARENA: A<65536> = A([0; 65536]);
static mut BIAS: [i32; 1024] = [0; 1024];
static mut MANT: [i32; 1024] = [0; 1024];
static mut EXP: [i8; 1024] = [0; 1024];
static mut W: [i8; 8192] = [0; 8192];

struct Noise(u32);
impl Noise {
    fn next(&mut self) -> u32 { self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223); self.0.rotate_left(16) & 0xFFFF }
    fn below(&mut self, n: u32) -> u32 { self.next() % n }
    fn byte(&mut self) -> i8 { match self.below(8) { 0 => -128, 1 => 127, _ => self.next() as u8 as i8 } }
}

fn number(mut n: u32) { let mut b = [0u8; 12]; let mut i = 11; loop { i -= 1; b[i] = b'0' + (n % 10) as u8; n /= 10; if n == 0 { break } } bare::print(unsafe { core::str::from_utf8_unchecked(&b[i..12]) }); bare::print(" \0"); }

fn out(i: u16, k: u8, s: u8, a: u8, b: u8) -> Option<u16> { let t = i as u32 + a as u32 + b as u32; Some(((t.checked_sub(k as u32)?) / s as u32 + 1) as u16) }

struct Setup { window: Window, input: Shape, mult: u16, zp: i8, zo: i8, act: Activation, plain: bool }

fn run(index: &mut u32, s: &Setup, noise: &mut Noise, check: bool, name: &str) -> bool {
    let (arena, bias, mant, exp, w) = unsafe { (&mut (*core::ptr::addr_of_mut!(ARENA)).0, &mut *core::ptr::addr_of_mut!(BIAS), &mut *core::ptr::addr_of_mut!(MANT), &mut *core::ptr::addr_of_mut!(EXP), &mut *core::ptr::addr_of_mut!(W)) };
    let win = s.window;
    let Some(oh) = out(s.input.height, win.kernel_hw.0, win.stride_hw.0, win.before_hw.0, win.after_hw.0) else { return true };
    let Some(ow) = out(s.input.width, win.kernel_hw.1, win.stride_hw.1, win.before_hw.1, win.after_hw.1) else { return true };
    let oc = s.input.channels * s.mult;
    let output = Shape { height: oh, width: ow, channels: oc };
    let (Some(ib), Some(ob)) = (s.input.bytes(), output.bytes()) else { return true };
    let taps = win.kernel_hw.0 as usize * win.kernel_hw.1 as usize;
    let scratch = dw::scratch_bytes(&win, s.input, output);
    let at = (ib + 3) & !3;
    let sc = (at + ob + 3) & !3;
    if sc + scratch > 65536 || taps * oc as usize > 8192 || oc > 1024 { return true }
    for i in 0..oc as usize { bias[i] = noise.next() as i32 - 32768; mant[i] = (1 << 30) | (noise.next() << 14) as i32; exp[i] = if s.plain { -(5 + noise.below(5) as i8) } else { match noise.below(8) { 0 => 0, 1 => 2, 2 => { mant[i] = 0; 0 }, _ => -(1 + noise.below(12) as i8) } }; }
    for v in w[..taps * oc as usize].iter_mut() { *v = noise.byte(); }
    for v in arena.iter_mut() { *v = 85; }
    for v in arena[..ib as usize].iter_mut() { *v = noise.byte(); }
    let p = Parameters { bias: &bias[..oc as usize], mantissas: &mant[..oc as usize], exponents: &exp[..oc as usize], weights: &w[..taps * oc as usize], per_output: taps };
    let outputs = Outputs { parameters: p, zero_point: ZeroPoint(s.zo), activation: s.act };
    let g = Geometry { window: win, input: s.input, output, multiplier: s.mult.into() };
    let (mem, scr) = arena.split_at_mut(sc as usize);
    yard_begin();
    dw::depthwise_conv2d(&mut Tensors::new(mem, Place { offset: 0, bytes: ib }, Place { offset: at, bytes: ob }), &g, ZeroPoint(s.zp), outputs, &mut scr[..scratch as usize]);
    yard_end();
    if !check { bare::print("REGION \0"); number(*index); number(taps as u32 * ob); number(ob); bare::print(name); *index += 1; return true; }
    *index += 1;
    let mut q = at as usize;
    for y in 0..oh as i32 { for x in 0..ow as i32 { for o in 0..oc as usize {
        let c = o / s.mult as usize; let mut sum = 0i32;
        for ky in 0..win.kernel_hw.0 as i32 { for kx in 0..win.kernel_hw.1 as i32 {
            let iy = y * win.stride_hw.0 as i32 + ky - win.before_hw.0 as i32; let ix = x * win.stride_hw.1 as i32 + kx - win.before_hw.1 as i32;
            let v = if iy < 0 || ix < 0 || iy >= s.input.height as i32 || ix >= s.input.width as i32 { s.zp } else { arena[((iy * s.input.width as i32 + ix) * s.input.channels as i32) as usize + c] };
            sum = sum.wrapping_add(v as i32 * w[o * taps + (ky * win.kernel_hw.1 as i32 + kx) as usize] as i32);
        } }
        let m = Multiplier { mantissa: mant[o], exponent: exp[o] };
        let e = m.requantize(bias[o].wrapping_add(sum), ZeroPoint(s.zo), s.act);
        if e != arena[q] { bare::print("BAD at \0"); number(y as u32); number(x as u32); number(o as u32); bare::print(" of \0"); for v in [s.input.height as u32, s.input.width as u32, s.input.channels as u32, s.mult as u32, win.kernel_hw.0 as u32, win.kernel_hw.1 as u32, win.stride_hw.0 as u32, win.stride_hw.1 as u32, s.plain as u32, exp[o] as u8 as u32, e as u8 as u32, arena[q] as u8 as u32] { number(v); } bare::print("\n\0"); return false; }
        q += 1;
    } } }
    for i in sc + scratch..sc + scratch + 16 { if arena.get(i as usize).is_some_and(|v| *v != 85) { bare::print("OVERRUN\n\0"); return false } }
    true
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut noise = Noise(7);
    let mut index = 0;
    let same = |k: u8, s: u8, i: u16| { let o = i.div_ceil(s as u16); let t = ((o - 1) * s as u16 + k as u16).saturating_sub(i); ((t / 2) as u8, (t - t / 2) as u8) };
    for (h, c, st, name) in [(48, 8, 1, "48x48x8\n\0"), (48, 16, 2, "48x48x16 s2\n\0"), (24, 32, 1, "24x24x32\n\0"), (24, 32, 2, "24x24x32 s2\n\0"), (12, 64, 1, "12x12x64\n\0"), (6, 128, 1, "6x6x128\n\0"), (3, 256, 1, "3x3x256\n\0"), (1000, 1, 1, "kws 10x8 m8\n\0"), (1001, 16, 1, "25x5 x16 5x5\n\0"), (1002, 64, 1, "kws 25x5x64 3x3\n\0")] {
        let s = match h {
            1000 => Setup { window: Window { kernel_hw: (10, 8), stride_hw: (2, 2), before_hw: (4, 3), after_hw: (5, 3) }, input: Shape { height: 49, width: 40, channels: 1 }, mult: 8, zp: 3, zo: -128, act: Activation::NONE, plain: true },
            1001 => Setup { window: Window { kernel_hw: (5, 5), stride_hw: (1, 1), before_hw: (2, 2), after_hw: (2, 2) }, input: Shape { height: 25, width: 25, channels: 16 }, mult: 1, zp: 3, zo: -128, act: Activation::NONE, plain: true },
            1002 => Setup { window: Window { kernel_hw: (3, 3), stride_hw: (1, 1), before_hw: (1, 1), after_hw: (1, 1) }, input: Shape { height: 25, width: 5, channels: 64 }, mult: 1, zp: 3, zo: -128, act: Activation::NONE, plain: true },
            _ => { let (b, a) = same(3, st, h); Setup { window: Window { kernel_hw: (3, 3), stride_hw: (st, st), before_hw: (b, b), after_hw: (a, a) }, input: Shape { height: h, width: h, channels: c }, mult: 1, zp: -128, zo: -128, act: Activation::NONE, plain: true } }
        };
        run(&mut index, &s, &mut noise, false, name);
    }
    let mut count = 0;
    for round in 0..600 {
        let b = |n: &mut Noise| if n.below(2) == 0 { 1 + n.below(9) as u16 } else { 1 + n.below(4) as u16 };
        let k = |n: &mut Noise| match n.below(3) { 0 => 3, _ => 1 + n.below(7) as u8 };
        let act = if noise.below(3) == 0 { Activation { low: -100, high: 90 } } else { Activation::NONE };
        let s = Setup { window: Window { kernel_hw: (k(&mut noise), k(&mut noise)), stride_hw: (1 + noise.below(3).saturating_sub(1) as u8, 1 + noise.below(4).saturating_sub(1) as u8), before_hw: (noise.below(3) as u8, noise.below(3) as u8), after_hw: (noise.below(3) as u8, noise.below(3) as u8) }, input: Shape { height: b(&mut noise), width: 2 * b(&mut noise), channels: 1 + noise.below(9) as u16 }, mult: if noise.below(2) == 0 { 1 } else { 1 + noise.below(4) as u16 }, zp: noise.byte(), zo: noise.byte(), act, plain: noise.below(3) > 0 };
        let mut i2 = index;
        if !run(&mut i2, &s, &mut noise, true, "") { bare::exit(1) }
        count += i2 - index;
    }
    bare::print("checked \0"); number(count); bare::print("\n\0");
    bare::exit(0)
}
