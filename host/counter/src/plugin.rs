//! The plugin's side that QEMU calls. Its API is C: all of this crate's unsafe code is here.
//!
//! Only functions that are the same in versions 1 and 2 of the API are used; which of the two it is built for is a feature.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::count::Counter;

/// A translated block, QEMU's.
#[repr(C)]
struct Block {
    _opaque: [u8; 0],
}

/// An instruction of it.
#[repr(C)]
struct Instruction {
    _opaque: [u8; 0],
}

/// `QEMU_PLUGIN_CB_NO_REGS`: a callback reads no registers.
const NO_REGISTERS: c_int = 0;
/// `QEMU_PLUGIN_MEM_RW`: loads and stores.
const LOADS_AND_STORES: c_int = 3;

unsafe extern "C" {
    fn qemu_plugin_register_vcpu_tb_trans_cb(id: u64, callback: extern "C" fn(u64, *mut Block));
    fn qemu_plugin_register_vcpu_tb_exec_cb(
        block: *mut Block,
        callback: extern "C" fn(c_uint, *mut c_void),
        registers: c_int,
        data: *mut c_void,
    );
    fn qemu_plugin_register_vcpu_mem_cb(
        instruction: *mut Instruction,
        callback: extern "C" fn(c_uint, u32, u64, *mut c_void),
        registers: c_int,
        which: c_int,
        data: *mut c_void,
    );
    fn qemu_plugin_tb_n_insns(block: *const Block) -> usize;
    fn qemu_plugin_tb_vaddr(block: *const Block) -> u64;
    fn qemu_plugin_tb_get_insn(block: *const Block, index: usize) -> *mut Instruction;
    fn qemu_plugin_insn_vaddr(instruction: *const Instruction) -> u64;
    safe fn qemu_plugin_mem_size_shift(access: u32) -> c_uint;
    safe fn qemu_plugin_mem_is_store(access: u32) -> bool;
}

/// The version of the API, which QEMU reads before it calls anything.
// SAFETY: QEMU asks for a variable of this name and of type int.
#[unsafe(no_mangle)]
pub(crate) static qemu_plugin_version: c_int = if cfg!(feature = "api-2") { 2 } else { 1 };

struct State {
    counter: Counter,
    out: File,
}

/// One chip has one core: the lock is never waited for.
static STATE: Mutex<Option<State>> = Mutex::new(None);

fn state() -> MutexGuard<'static, Option<State>> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What QEMU calls once, with the words after the plugin's path; 0 for success.
///
/// # Safety
/// `words` points to `count` C strings.
// SAFETY: QEMU asks for a function of this name and signature.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn qemu_plugin_install(
    id: u64,
    _about: *const c_void,
    count: c_int,
    words: *const *const c_char,
) -> c_int {
    // SAFETY: the caller's promise; index is below count.
    let word = |index: usize| unsafe { CStr::from_ptr(*words.add(index)) }.to_string_lossy();
    let words: Vec<String> = (0..count as usize).map(|index| word(index).into_owned()).collect();
    match start(&words) {
        Ok(started) => *state() = Some(started),
        Err(why) => {
            eprintln!("secateur-counter: {why}");
            return 1;
        }
    }
    // SAFETY: id is the one that QEMU gave; the callback is there as long as the plugin.
    unsafe { qemu_plugin_register_vcpu_tb_trans_cb(id, translated) };
    0
}

fn start(words: &[String]) -> Result<State, String> {
    let value = |name: &str| {
        let found = words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        found.ok_or_else(|| format!("{name}= is missing"))
    };
    let function = value("function")?.parse().map_err(|why| format!("function: {why}"))?;
    let path = value("out")?;
    Ok(State { counter: Counter::new(function), out: File::create(path).map_err(|why| format!("{path}: {why}"))? })
}

extern "C" fn translated(_id: u64, block: *mut Block) {
    let Some(state) = &mut *state() else { return };
    // SAFETY: the block is QEMU's and is there until this returns; it has an instruction.
    let (start, last, count) = unsafe {
        let count = qemu_plugin_tb_n_insns(block);
        let last = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(block, count - 1));
        (qemu_plugin_tb_vaddr(block), last, count)
    };
    let index = state.counter.translated(start as u32, last as u32, count);
    // SAFETY: as above; the data is a number that only `executed` reads, never a place.
    unsafe {
        qemu_plugin_register_vcpu_tb_exec_cb(block, executed, NO_REGISTERS, std::ptr::without_provenance_mut(index));
    }
    for instruction in 0..count {
        // SAFETY: as above; the index is below the count, and `accessed` reads no data.
        unsafe {
            let instruction = qemu_plugin_tb_get_insn(block, instruction);
            let nothing = std::ptr::null_mut();
            qemu_plugin_register_vcpu_mem_cb(instruction, accessed, NO_REGISTERS, LOADS_AND_STORES, nothing);
        }
    }
}

extern "C" fn executed(_core: c_uint, data: *mut c_void) {
    let Some(state) = &mut *state() else { return };
    if let Some(lines) = state.counter.executed(data.addr())
        && let Err(why) = state.out.write_all(lines.as_bytes())
    {
        eprintln!("secateur-counter: the counts cannot be written: {why}");
        std::process::abort();
    }
}

extern "C" fn accessed(_core: c_uint, access: u32, address: u64, _data: *mut c_void) {
    let Some(state) = &mut *state() else { return };
    let (size_shift, is_store) = (qemu_plugin_mem_size_shift(access), qemu_plugin_mem_is_store(access));
    state.counter.accessed(address, size_shift, is_store);
}
