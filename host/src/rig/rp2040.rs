//! Boards that rp2040js emulates.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use secateur_boards::Rp2040js;

use super::setup;

/// The program that runs an image on rp2040js; its first lines say how.
const EMULATE: &str = include_str!("../../../boards/pico/emulate.mjs");

/// Node's command line for an image, the firmware's UART on standard input and output.
///
/// # Errors
/// Where Node or rp2040js cannot be set up.
pub(super) fn command(Rp2040js { uart }: &Rp2040js, image: &Path) -> Result<Command> {
    let package = setup::rp2040js()?;
    let mut command = Command::new("node");
    command.args(["--input-type=module", "--eval", EMULATE, "--"]);
    command.arg(format!("--package={}", package.display()));
    command.arg(format!("--image={}", image.display())).arg(format!("--uart={uart}"));
    Ok(command)
}
