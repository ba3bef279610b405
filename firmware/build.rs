//! Writes the linker scripts of the board whose feature is on, or those of an image without a board.

#[path = "build/bench.rs"]
mod bench;

use secateur_boards::{BoardSpec, Frames};
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=build");
    choose_kernels()?;
    let folder = PathBuf::from(std::env::var("OUT_DIR")?);
    if std::env::var_os("CARGO_FEATURE_BENCH").is_some() {
        bench::write(&folder)?;
    }
    if std::env::var_os("CARGO_FEATURE_BARE").is_some() {
        return bare(&folder);
    }
    let enabled = |board: &BoardSpec| {
        let feature = board.name.to_uppercase().replace('-', "_");
        std::env::var_os(format!("CARGO_FEATURE_{feature}")).is_some()
    };
    let Some(board) = secateur_boards::all()?.into_iter().find(enabled) else { return Ok(()) };
    println!("cargo:rustc-check-cfg=cfg(weights_in_ram)");
    if board.weights_in_ram_bytes > 0 {
        println!("cargo:rustc-cfg=weights_in_ram");
    }
    std::fs::write(folder.join("memory.x"), memory_x(&board))?;
    std::fs::write(folder.join("model.x"), model_x(&board)?)?;
    link_by(&folder, &["link.x", "defmt.x", "model.x"]);
    Ok(())
}

/// Links images by these scripts, and tests on a chip by the same and the test library's.
fn link_by(folder: &Path, scripts: &[&str]) {
    println!("cargo:rustc-link-search={}", folder.display());
    // Sections only as long as their content: the budget counts bytes, not pages.
    let words: Vec<String> = scripts.iter().map(|script| format!("-T{script}")).chain(["--nmagic".into()]).collect();
    words.iter().for_each(|word| println!("cargo:rustc-link-arg-bins={word}"));
    if std::env::var_os("CARGO_FEATURE_ON_DEVICE").is_some() {
        words.iter().for_each(|word| println!("cargo:rustc-link-arg-tests={word}"));
        println!("cargo:rustc-link-arg-tests=-Tembedded-test.x");
    }
}

/// Sets `kernels` by the target: the inner loops for its core. A Cortex-M33 may lack the DSP extension: it is used where
/// `-Ctarget-cpu=cortex-m33` says that it is there.
fn choose_kernels() -> Result<(), Box<dyn Error>> {
    println!("cargo:rustc-check-cfg=cfg(kernels, values(\"dsp\", \"m0plus\"))");
    println!("cargo:rustc-check-cfg=cfg(armv6m)");
    // Asked for by the macro of the tests on a chip.
    println!("cargo:rustc-check-cfg=cfg(rust_analyzer)");
    let target = std::env::var("TARGET")?;
    if target.starts_with("thumbv6m") {
        println!("cargo:rustc-cfg=armv6m");
    }
    if std::env::var_os("CARGO_FEATURE_PORTABLE").is_some() {
        return Ok(());
    }
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let dsp = match &*target {
        target if target.starts_with("thumbv7em") => Some("cortex-m4"),
        target if target.starts_with("thumbv8m.main") && flags.contains("cortex-m33") => Some("cortex-m33"),
        _ => None,
    };
    if let Some(cpu) = dsp {
        println!("cargo:rustc-cfg=kernels=\"dsp\"");
        println!("cargo:rustc-env=KERNELS_CPU={cpu}");
    } else if target.starts_with("thumbv6m") {
        println!("cargo:rustc-cfg=kernels=\"m0plus\"");
    }
    Ok(())
}

/// The linker scripts of an image for emulators, without a board. ARM's MPS2 boards, the BBC micro:bit and QEMU's STM32
/// have flash at 0; a Cortex-M33 starts in secure state, in the secure alias of code and RAM. Golden cases lie at 64 KiB.
fn bare(folder: &Path) -> Result<(), Box<dyn Error>> {
    let target = std::env::var("TARGET")?;
    let (flash, ram) = if target.starts_with("thumbv8m") { (0x1000_0000, 0x3800_0000) } else { (0, 0x2000_0000) };
    let is_micro = target.starts_with("thumbv6m") && std::env::var_os("CARGO_FEATURE_GOLDEN").is_some();
    let (flash_bytes, ram_bytes) = if is_micro { (0x4_0000, 0x4000) } else { (0x10_0000, 0x2_0000) };
    let line = |name, origin, bytes| format!("  {name} : ORIGIN = {origin:#x}, LENGTH = {bytes:#x}\n");
    let memory = format!("MEMORY\n{{\n{}{}}}\n", line("FLASH", flash, flash_bytes), line("RAM", ram, ram_bytes));
    std::fs::write(folder.join("memory.x"), memory)?;
    std::fs::write(folder.join("cases.x"), format!("__cases = {:#x};\n", flash + 0x1_0000))?;
    link_by(folder, &["link.x", "cases.x"]);
    Ok(())
}

/// What cortex-m-rt's link.x includes, before it says itself where sections go.
fn memory_x(board: &BoardSpec) -> String {
    let line = |name, origin, bytes| format!("  {name} : ORIGIN = {origin:#x}, LENGTH = {bytes:#x}\n");
    let (flash, boot2_bytes) = (&board.flash, board.flash.boot2_bytes);
    let boot2 = if boot2_bytes > 0 { line("BOOT2", flash.origin, boot2_bytes) } else { String::new() };
    let flash = line("FLASH", flash.origin + boot2_bytes, flash.bytes - boot2_bytes);
    let ram = line("RAM", board.ram.origin, board.ram.bytes);
    let mut script = format!("MEMORY\n{{\n{boot2}{flash}{ram}}}\n");
    if boot2_bytes > 0 {
        script.push_str(BOOT2);
    }
    if board.flash.start_block {
        script.push_str(START_BLOCK);
    }
    if board.frames == Frames::Rtt {
        script.push_str(RTT);
    }
    if board.kernels_in_ram {
        script.push_str(KERNELS_IN_RAM);
    }
    script
}

/// Puts the boot ROM's second stage in front of the vector table.
const BOOT2: &str = "\
SECTIONS
{
  .boot2 ORIGIN(BOOT2) : { KEEP(*(.boot2)); } > BOOT2
} INSERT BEFORE .text;
";

/// Puts what the boot ROM looks for in the first 4 KiB behind the vector table.
const START_BLOCK: &str = "\
SECTIONS
{
  .start_block : ALIGN(4) { KEEP(*(.start_block)); } > FLASH
} INSERT AFTER .vector_table;
_stext = ALIGN(ADDR(.start_block) + SIZEOF(.start_block), 16);
";

/// Puts RTT's control block at the start of RAM, so that a probe finds it whatever firmware the board was flashed with.
const RTT: &str = "\
SECTIONS
{
  .rtt (NOLOAD) : ALIGN(4) { KEEP(*(.rtt)); } > RAM
} INSERT BEFORE .data;
";

/// Links what runs for each pixel as if it were data: start-up copies it to RAM. A section here comes before link.x's own, so
/// that it gets the functions that it names; compiled code names a function's modules after their lengths. Nothing in it is
/// aligned to more than 4, as the copy goes by one distance between the two places.
const KERNELS_IN_RAM: &str = "\
SECTIONS
{
  .kernels : ALIGN(4) SUBALIGN(4)
  {
    *(.text.*17secateur_firmware7kernels*);
    *(.text.*17secateur_firmware7tensors*);
    *(.text.*17secateur_firmware6engine3run*);
    *(.text.*15secateur_shared7packing*);
    . = ALIGN(4);
  } > RAM AT>FLASH
} INSERT AFTER .data;
";

/// Where the code ends and where model and arena begin: the model on the first erase sector after the code, so that it
/// can be flashed alone; the arena after the last static variable.
fn model_x(board: &BoardSpec) -> Result<String, std::fmt::Error> {
    let end = board.flash.origin + board.flash.bytes;
    let mut script = String::from("__code_end = __sidata + (__edata - __sdata);\n__model_start =\n");
    for start in board.sector_starts() {
        let start = board.flash.origin + start;
        writeln!(script, "  __code_end <= {start:#x} ? {start:#x} :")?;
    }
    writeln!(script, "  {end:#x};")?;
    writeln!(script, "__model_end = {end:#x};")?;
    writeln!(script, "__arena_start = (__sheap + 15) & ~15;")?;
    writeln!(script, "__stack_reserve = {};", board.stack_reserve_bytes)?;
    writeln!(script, "__weights_in_ram = {};", board.weights_in_ram_bytes)?;
    writeln!(script, "__static_ram = __arena_start - {:#x};", board.ram.origin)?;
    Ok(script)
}
