//! The core's counter of cycles: that of DWT, or of a Cortex-M0+, which has none, its timer SysTick.

#[cfg(armv6m)]
pub(crate) use by_timer::{cycles, start};

/// Starts it.
#[cfg(not(armv6m))]
pub(crate) fn start() {
    // SAFETY: nothing else in the firmware has the debug unit or the counter, and this runs once.
    let mut core = unsafe { cortex_m::Peripherals::steal() };
    core.DCB.enable_trace();
    core.DWT.enable_cycle_counter();
}

#[cfg(not(armv6m))]
pub(crate) fn cycles() -> u32 {
    cortex_m::peripheral::DWT::cycle_count()
}

/// 24 bits that count down, and an interrupt at each wrap.
#[cfg(armv6m)]
mod by_timer {
    use crate::ticks::{WRAP, ticks};
    use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
    use cortex_m::peripheral::SYST;

    const RUNS: u32 = 1;
    const INTERRUPTS: u32 = 1 << 1;
    const AT_CORE_CLOCK: u32 = 1 << 2;

    /// What the wraps add up to.
    static WRAPPED: AtomicU32 = AtomicU32::new(0);

    /// Starts it.
    pub(crate) fn start() {
        // SAFETY: nothing else in the firmware has the timer, and its interrupt touches `WRAPPED` alone.
        unsafe {
            let timer = &*SYST::PTR;
            timer.rvr.write(WRAP - 1);
            timer.cvr.write(0);
            timer.csr.write(RUNS | INTERRUPTS | AT_CORE_CLOCK);
        }
    }

    pub(crate) fn cycles() -> u32 {
        ticks(|| WRAPPED.load(Relaxed), SYST::get_current, cortex_m::asm::isb)
    }

    #[cortex_m_rt::exception]
    fn SysTick() {
        WRAPPED.store(WRAPPED.load(Relaxed).wrapping_add(WRAP), Relaxed);
    }
}
