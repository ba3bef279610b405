//! Which chip is at the end of a probe, by what it says of itself.
#![cfg_attr(not(feature = "probe"), allow(dead_code, reason = "asked by probes only, tested always"))]

/// The core's part number is in bits 4 to 15 of this register (ARMv6-M and ARMv7-M reference manuals, CPUID).
pub(super) const CPUID: u64 = 0xE000_ED00;
/// The chip's line is in bits 0 to 11 of this register of STM32's F1 to F4, F7 and L4 (DBGMCU_IDCODE in ST's reference manuals).
pub(super) const DBGMCU_IDCODE: u64 = 0xE004_2000;

/// Part numbers, cores, and the targets that they run.
const CORES: [(u32, &str, &[&str]); 6] = [
    (0xC20, "Cortex-M0", &["thumbv6m"]),
    (0xC60, "Cortex-M0+", &["thumbv6m"]),
    (0xC23, "Cortex-M3", &["thumbv7m"]),
    (0xC24, "Cortex-M4", &["thumbv7em", "thumbv7m"]),
    (0xC27, "Cortex-M7", &["thumbv7em", "thumbv7m"]),
    (0xD21, "Cortex-M33", &["thumbv8m.main"]),
];

/// ST's numbers of lines, and how the names of their chips begin.
const LINES: [(u32, &[&str]); 15] = [
    (0x410, &["STM32F103"]),
    (0x411, &["STM32F205", "STM32F207"]),
    (0x413, &["STM32F405", "STM32F407", "STM32F415", "STM32F417"]),
    (0x415, &["STM32L471", "STM32L475", "STM32L476", "STM32L486"]),
    (0x419, &["STM32F427", "STM32F429", "STM32F437", "STM32F439"]),
    (0x421, &["STM32F446"]),
    (0x422, &["STM32F302", "STM32F303", "STM32F358"]),
    (0x423, &["STM32F401"]),
    (0x431, &["STM32F411"]),
    (0x433, &["STM32F401"]),
    (0x441, &["STM32F412"]),
    (0x446, &["STM32F302", "STM32F303", "STM32F398"]),
    (0x449, &["STM32F745", "STM32F746", "STM32F750", "STM32F756"]),
    (0x451, &["STM32F765", "STM32F767", "STM32F769", "STM32F777", "STM32F779"]),
    (0x452, &["STM32F722", "STM32F723", "STM32F730", "STM32F732", "STM32F733"]),
];

/// Whether a chip's debug unit has an [`DBGMCU_IDCODE`].
pub(super) fn has_line(chip: &str) -> bool {
    LINES.iter().any(|(_, names)| names.iter().any(|name| chip.starts_with(name)))
}

/// What is wrong with a chip whose registers read so, for a board with this chip and target; `None` where nothing is known
/// against it.
pub(super) fn mismatch(chip: &str, target: &str, cpuid: u32, idcode: Option<u32>) -> Option<String> {
    let core = CORES.iter().find(|(part, ..)| *part == (cpuid >> 4) & 0xFFF);
    if let Some((_, name, _)) = core.filter(|(.., targets)| !targets.iter().any(|known| target.starts_with(known))) {
        return Some(format!("the chip is a {name}, {chip} is none"));
    }
    let line = LINES.iter().find(|(number, _)| Some(*number) == idcode.map(|code| code & 0xFFF));
    let (_, names) = line.filter(|(_, names)| !names.iter().any(|name| chip.starts_with(name)))?;
    Some(format!("the chip is one of {}, not {chip}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_chip_is_named() {
        let f446 = |cpuid, idcode| mismatch("STM32F446RE", "thumbv7em-none-eabihf", cpuid, idcode);
        assert_eq!(f446(0x410F_C241, Some(0x1000_6421)), None);
        assert_eq!(f446(0x410F_C241, Some(0x1000_6FFF)), None);
        assert_eq!(f446(0x410C_C601, None).as_deref(), Some("the chip is a Cortex-M0+, STM32F446RE is none"));
        let other = f446(0x410F_C241, Some(0x1001_6413)).expect("another line");
        assert_eq!(other, "the chip is one of STM32F405, STM32F407, STM32F415, STM32F417, not STM32F446RE");
        assert_eq!(mismatch("RP2040", "thumbv6m-none-eabi", 0x410C_C601, None), None);
        assert!(mismatch("RP2040", "thumbv6m-none-eabi", 0x410F_C241, None).is_some());
    }

    #[test]
    fn the_boards_chips_are_asked_for_their_line_where_they_have_one() {
        assert!(has_line("STM32F446RE") && !has_line("RP2040"));
    }
}
