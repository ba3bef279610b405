//! Boards that QEMU emulates.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use secateur_boards::QemuMachine;

use super::setup;

/// QEMU's command line for an image, the firmware's serial port on standard input and output.
///
/// # Errors
/// Where QEMU cannot be set up.
pub(super) fn command(QemuMachine { machine, serial }: &QemuMachine, image: &Path) -> Result<Command> {
    let mut command = Command::new(setup::qemu()?);
    command.args(["-machine", machine, "-display", "none", "-monitor", "none"]);
    for _ in 0..*serial {
        command.args(["-serial", "null"]);
    }
    command.args(["-serial", "stdio", "-kernel"]).arg(image);
    Ok(command)
}
