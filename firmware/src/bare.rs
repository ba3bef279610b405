//! What an image without a board needs: words to the emulator, by semihosting, and an end.

use core::arch::asm;

/// Semihosting operations, from ARM's specification.
const WRITE0: u32 = 0x04;
const EXIT_EXTENDED: u32 = 0x20;
const APPLICATION_EXIT: u32 = 0x2_0026;

fn call(operation: u32, argument: *const u8) {
    // SAFETY: the emulator reads what `argument` points to, a zero-terminated text or two words, and changes r0 alone.
    unsafe { asm!("bkpt 0xAB", inout("r0") operation => _, in("r1") argument, options(nostack)) }
}

/// Prints a text that ends in a zero.
pub fn print(text: &str) {
    debug_assert!(text.ends_with('\0'));
    call(WRITE0, text.as_ptr());
}

/// Prints bytes in hexadecimal, a line.
pub fn print_hex(bytes: &[i8]) {
    for byte in bytes {
        let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' - 10 + value };
        let text = [digit((*byte as u8) >> 4), digit(*byte as u8 & 15), b' ', 0];
        call(WRITE0, text.as_ptr());
    }
    call(WRITE0, b"\n\0".as_ptr());
}

/// Ends the emulation with this code.
pub fn exit(code: u32) -> ! {
    let block = [APPLICATION_EXIT, code];
    call(EXIT_EXTENDED, block.as_ptr().cast());
    loop {}
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    exit(101)
}

#[cortex_m_rt::exception]
unsafe fn HardFault(_: &cortex_m_rt::ExceptionFrame) -> ! {
    print("hard fault\n\0");
    exit(102)
}
