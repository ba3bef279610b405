//! What the two Picos share: a 12 MHz crystal with a fall-back, UART0 on GP0 and GP1, and the LED on GP25. Their chips'
//! HALs have the same names.

use crate::Started;
use embedded_io::ErrorKind;
use hal::clocks::{Clock, ClocksManager};
use hal::fugit::{HertzU32, RateExtU32};
use hal::gpio::bank0::{Gpio0, Gpio1, Gpio25};
use hal::gpio::{FunctionSioOutput, FunctionUart, Pin, Pins, PullDown};
use hal::pac::{self, PLL_SYS, RESETS, ROSC, UART0, XOSC};
use hal::pll::PhaseLockedLoop;
use hal::rosc::RingOscillator;
use hal::uart::{Enabled, UartConfig, UartPeripheral};
use hal::xosc::CrystalOscillator;
use hal::{Sio, pll, xosc};
#[cfg(feature = "pico2")]
use rp235x_hal::{self as hal, pll::common_configs::PLL_SYS_150MHZ as FAST};
#[cfg(feature = "pico")]
use rp2040_hal::{self as hal, pll::common_configs::PLL_SYS_125MHZ as FAST};

/// Polls of a ready flag: at least 50 ms at the ring oscillator's 12 MHz at the most, twelve times what the crystal is
/// given.
const POLLS: u32 = 100_000;
/// Units of 1 ms that the crystal is given to start.
const CRYSTAL_START: u32 = 4;

/// The activity LED.
pub type Led = Pin<Gpio25, FunctionSioOutput, PullDown>;

/// Starts clocks and serial port; `None` where it was called before.
// Compiled apart, for few bytes: in its caller, which is compiled for speed, every loop that waits is written out elevenfold.
#[inline(never)]
pub(crate) fn start() -> Option<Started<Port, Led>> {
    let pac::Peripherals { CLOCKS, IO_BANK0, PADS_BANK0, PLL_SYS, ROSC, SIO, UART0, XOSC, mut RESETS, .. } =
        pac::Peripherals::take()?;
    let mut clocks = ClocksManager::new(CLOCKS);
    if crystal(XOSC, PLL_SYS, &mut clocks, &mut RESETS).is_none() {
        ring(ROSC, &mut clocks)?;
    }
    let clock = clocks.system_clock.freq();
    clocks.peripheral_clock.configure_clock(&clocks.system_clock, clock).ok()?;
    let pins = Pins::new(IO_BANK0, PADS_BANK0, Sio::new(SIO).gpio_bank0, &mut RESETS);
    let led = pins.gpio25.reconfigure();
    let uart = UartPeripheral::new(UART0, (pins.gpio0.reconfigure(), pins.gpio1.reconfigure()), &mut RESETS);
    let port = uart.enable(UartConfig::default(), clocks.peripheral_clock.freq()).ok()?;
    Some(Started { port: Port(port), led, clock_hz: clock.to_Hz() })
}

/// The fast clock from the crystal; `None` where it does not start, or the loop does not lock on it.
fn crystal(device: XOSC, pll: PLL_SYS, clocks: &mut ClocksManager, resets: &mut RESETS) -> Option<()> {
    // A debugger's reset may find the clocks running from what is set up anew here.
    within_bound(|| clocks.system_clock.reset_source_await())?;
    within_bound(|| clocks.reference_clock.reset_source_await())?;
    let crystal = CrystalOscillator::new(device).initialize(12.MHz(), CRYSTAL_START).ok()?;
    let stable: xosc::StableOscillatorToken = within_bound(|| crystal.await_stabilization())?;
    let crystal = crystal.get_stable(stable);
    let pll = PhaseLockedLoop::new(pll, crystal.operating_frequency(), FAST).ok()?.initialize(resets);
    let locked: pll::LockedPLLToken<PLL_SYS> = within_bound(|| pll.await_lock())?;
    let pll = pll.get_locked(locked);
    clocks.reference_clock.configure_clock(&crystal, crystal.operating_frequency()).ok()?;
    clocks.system_clock.configure_clock(&pll, pll.operating_frequency()).ok()
}

/// The ring oscillator, which runs from reset, at a speed of its own: about 6.5 MHz.
fn ring(device: ROSC, clocks: &mut ClocksManager) -> Option<()> {
    let ring = RingOscillator::new(device).initialize();
    let clock: HertzU32 = ring.operating_frequency();
    clocks.reference_clock.configure_clock(&ring, clock).ok()?;
    clocks.system_clock.configure_clock(&clocks.reference_clock, clock).ok()
}

/// The first answer, if it comes in time.
fn within_bound<T, E>(mut poll: impl FnMut() -> Result<T, E>) -> Option<T> {
    (0..POLLS).find_map(|_| poll().ok())
}

/// The pins of UART0: transmit, receive.
type UartPins = (Pin<Gpio0, FunctionUart, PullDown>, Pin<Gpio1, FunctionUart, PullDown>);

/// UART0, polled.
pub struct Port(UartPeripheral<Enabled, UART0, UartPins>);

impl embedded_io::ErrorType for Port {
    type Error = ErrorKind;
}

impl embedded_io::Read for Port {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while !self.0.uart_is_readable() {}
        self.0.read_raw(buffer).map_err(|_| ErrorKind::InvalidData)
    }
}

impl embedded_io::Write for Port {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        if bytes.is_empty() {
            return Ok(0);
        }
        while !self.0.uart_is_writable() {}
        self.0.write_raw(bytes).map(|rest| bytes.len() - rest.len()).map_err(|_| ErrorKind::Other)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        while self.0.uart_is_busy() {}
        Ok(())
    }
}
