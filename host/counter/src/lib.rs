//! A plugin of QEMU: counts the blocks of code that run in each call of one function.
//!
//! `-plugin PATH,function=ADDRESS,out=FILE`: each call of the function, to its return and with all that it calls, is a
//! region. FILE gets each region's counts as the region ends; [`count`] says how they are written.

mod count;
// Its functions are QEMU's, which no test is linked with.
#[cfg(not(test))]
mod plugin;
