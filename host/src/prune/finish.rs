//! From the pruned float network to the image, and what the device said of it.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use secateur_boards::BoardSpec;
use secateur_shared::memory::MemoryPlan;

use crate::data::{DataSet, Images};
use crate::export::{Blob, export};
use crate::network::Network;
use crate::quantize::calibrate::{self, Observer};
use crate::quantize::quantize as to_integers;
use crate::report::{Bytes, bytes};
use crate::rig::firmware::Firmware;
use crate::rig::{desk, image};

/// Training images that activations are observed on.
const CALIBRATION_IMAGES: usize = 512;

/// A network as bytes.
pub struct Product {
    /// The model.
    pub blob: Blob,
    /// What validation chose.
    pub observer: Observer,
}

/// The linked image, measured.
pub struct Linked {
    /// The ELF file.
    pub image: Vec<u8>,
    /// What it occupies.
    pub bytes: Bytes,
}

/// Quantises with each observer and keeps the one that classifies most validation images right; of equals the simplest.
///
/// # Errors
/// A network that the engine's arithmetic cannot hold.
pub fn quantize(network: &Network, data: &DataSet) -> Result<Product> {
    let observations = calibrate::observe(network, &data.train.head(CALIBRATION_IMAGES))?;
    let mut best: Option<(f64, Product)> = None;
    for observer in Observer::ALL {
        let blob = export(&to_integers(network, &observations.ranges(observer))?)?;
        let accuracy = accuracy(&blob, &data.validation)?;
        println!("quantise: {} {:.2} % on validation", observer.name(), 100.0 * accuracy);
        if best.as_ref().is_none_or(|(most, _)| accuracy > *most) {
            best = Some((accuracy, Product { blob, observer }));
        }
    }
    best.map(|(_, product)| product).context("there is an observer")
}

/// The share of images that the model classifies as labelled, on the desk.
///
/// # Errors
/// A model that this build refuses.
pub fn accuracy(blob: &Blob, images: &Images) -> Result<f64> {
    Ok(desk::accuracy(&desk::logits(&blob.model()?, images)?, &images.labels))
}

/// Firmware and model as one image, whose bytes are the plan's.
///
/// # Errors
/// Where they are not.
pub fn link(board: &BoardSpec, firmware: &Firmware, blob: &Blob, plan: &MemoryPlan) -> Result<Linked> {
    let image = image::link(firmware, blob.bytes(), plan.into())?;
    let linked = image::measure(&image, board)?;
    ensure!(
        (linked.flash_bytes, linked.ram_bytes) == (plan.flash_bytes, plan.ram_bytes),
        "planned {} of flash and {} of RAM, linked {} and {}: nothing was exported; report this with the command",
        bytes(plan.flash_bytes),
        bytes(plan.ram_bytes),
        bytes(linked.flash_bytes),
        bytes(linked.ram_bytes)
    );
    Ok(Linked { image, bytes: linked })
}

/// How a board is reached.
pub fn kind(board: &BoardSpec) -> &'static str {
    if board.emulator.is_some() { "emulated" } else { "hardware" }
}

/// Whether a folder can be made and written.
///
/// # Errors
/// Where not, before hours of work.
pub fn try_folder(folder: &Path) -> Result<()> {
    let advice = || {
        let folder = folder.display();
        format!(
            "cannot write in {folder}: run in a folder of yours, change its rights, or move a file of its name away"
        )
    };
    let is_new = !folder.exists();
    std::fs::create_dir_all(folder).with_context(advice)?;
    tempfile::Builder::new().prefix(".secateur-").tempfile_in(folder).with_context(advice)?;
    if is_new {
        // The first result makes it again; work that is refused leaves no trace.
        std::fs::remove_dir(folder).with_context(advice)?;
    }
    Ok(())
}
