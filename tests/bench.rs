//! A board, its firmware, and a network for it.

use anyhow::{Result, ensure};
use secateur::export::{Blob, export};
use secateur::quantize::IntegerNetwork;
use secateur::rig::firmware::{self, Firmware, Profile};
use secateur::rig::target::Target;
use secateur::rig::{board_memory, image};
use secateur_boards::BoardSpec;
use secateur_firmware::Engine;
use secateur_shared::memory::{self, MemoryPlan};
use secateur_shared::wire::LayerFigures;
use std::collections::BTreeSet;

/// A board, its firmware, and a network for it.
pub struct Bench {
    /// The board.
    pub board: BoardSpec,
    /// Where it is.
    pub target: Target,
    /// Its firmware, linked without a model.
    pub firmware: Firmware,
    /// The network.
    pub blob: Blob,
    /// What the network takes there.
    pub plan: MemoryPlan,
}

impl Bench {
    /// A firmware with the network's operators.
    ///
    /// # Errors
    /// A firmware that does not build, or a network that the board does not hold.
    pub fn new(board: BoardSpec, network: &IntegerNetwork) -> Result<Self> {
        Self::at(Target::usual(board), network)
    }

    /// As [`Bench::new`], on a board that is reached in this way.
    ///
    /// # Errors
    /// As there.
    pub fn at(target: Target, network: &IntegerNetwork) -> Result<Self> {
        let bench = Self::with_operators(target.board.clone(), network, &firmware::operators(network.table()))?;
        Ok(Self { target, ..bench })
    }

    /// A firmware with these operators.
    ///
    /// # Errors
    /// As [`Bench::new`].
    pub fn with_operators(board: BoardSpec, network: &IntegerNetwork, operators: &BTreeSet<&str>) -> Result<Self> {
        let firmware = firmware::build(&board, Profile::Firmware, operators)?;
        let plan = memory::plan(network.table(), firmware.footprint, &board_memory(&board))?;
        Ok(Self { target: Target::usual(board.clone()), board, firmware, blob: export(network)?, plan })
    }

    /// The image, which takes what was planned.
    ///
    /// # Errors
    /// Where it takes anything else.
    pub fn image(&self) -> Result<Vec<u8>> {
        let image = self.image_of(self.blob.bytes())?;
        let linked = image::measure(&image, &self.board)?;
        let planned = (self.plan.flash_bytes, self.plan.ram_bytes);
        ensure!(planned == (linked.flash_bytes, linked.ram_bytes), "planned {planned:?}, linked {linked:?}");
        Ok(image)
    }

    /// An image with these bytes in place of the network.
    ///
    /// # Errors
    /// Where it cannot be linked.
    pub fn image_of(&self, model: &[u8]) -> Result<Vec<u8>> {
        image::link(&self.firmware, model, (&self.plan).into())
    }

    /// What the desk's engine makes of an input, HWC: the last layer's output, and each layer's checksum.
    ///
    /// # Errors
    /// A network that this build's engine refuses.
    pub fn on_desk(&self, input_hwc: &[i8]) -> Result<(Vec<i8>, Vec<u32>)> {
        let model = self.blob.model()?;
        let (mut arena, mut sums) = (vec![0; model.arena_bytes() as usize], Vec::new());
        let mut engine = Engine::new(model, &mut arena)?;
        engine.input_hwc().copy_from_slice(input_hwc);
        let logits = engine.infer_observed(|_, output| sums.push(LayerFigures::new(0, output).checksum())).to_vec();
        Ok((logits, sums))
    }
}
