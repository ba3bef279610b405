//! USB devices, as Linux's /sys shows them.

use std::path::Path;

/// A USB device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usb {
    /// Who made it.
    pub vendor: u16,
    /// What it is.
    pub product: u16,
    /// Which of them it is.
    pub serial: Option<String>,
    /// What it calls itself.
    pub name: Option<String>,
}

impl std::fmt::Display for Usb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {:04x}:{:04x}", self.name.as_deref().unwrap_or("unnamed"), self.vendor, self.product)?;
        self.serial.as_ref().map_or(Ok(()), |serial| write!(f, ":{serial}"))
    }
}

/// The device that a serial port is on; `None` where it is on none, or the system is not Linux.
pub(super) fn of_port(path: &Path) -> Option<Usb> {
    of_folder(&Path::new("/sys/class/tty").join(path.file_name()?).join("device").canonicalize().ok()?)
}

/// The device whose folder of /sys this one is in: the nearest that has a vendor.
fn of_folder(folder: &Path) -> Option<Usb> {
    let device = folder.ancestors().find(|folder| folder.join("idVendor").exists())?;
    let text = |name: &str| std::fs::read_to_string(device.join(name)).ok().map(|text| text.trim().to_owned());
    let number = |name| u16::from_str_radix(&text(name)?, 16).ok();
    Some(Usb {
        vendor: number("idVendor")?,
        product: number("idProduct")?,
        serial: text("serial"),
        name: text("product"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_on_the_device_that_its_folder_is_in() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let device = folder.path().join("usb1/1-2");
        let port = device.join("1-2:1.2/tty");
        std::fs::create_dir_all(&port)?;
        for (name, text) in [("idVendor", "0483\n"), ("idProduct", "374b\n"), ("product", "STM32 STLink\n")] {
            std::fs::write(device.join(name), text)?;
        }
        let usb = of_folder(&port).expect("a device");
        assert_eq!(usb.to_string(), "STM32 STLink, 0483:374b");
        std::fs::write(device.join("serial"), "066CFF\n")?;
        assert_eq!(of_folder(&port).expect("a device").to_string(), "STM32 STLink, 0483:374b:066CFF");
        assert_eq!(of_folder(folder.path()), None);
        Ok(())
    }
}
