//! Bytes: what was asked for, and the widths that fit.

mod moves;

use anyhow::{Context, Result, bail};
use secateur_boards::BoardSpec;
use secateur_shared::layer::Table;
use secateur_shared::memory::{self, BoardMemory, Footprint, MemoryPlan};

use self::moves::{cut, exchange, give_back};
use super::order::LayerOrder;
use super::work::Work;
use crate::data::Shape;
use crate::failure::Failure;
use crate::network::{Arch, Item, Network};
use crate::quantize::layout;
use crate::report::bytes;

/// What the image may occupy, in bytes, and how long it may compute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// From the start of flash to the last loaded byte.
    pub flash_bytes: u32,
    /// Static variables, arena and stack reserve.
    pub ram_bytes: u32,
    /// What one image may cost; where absent, anything.
    pub work: Option<Work>,
}

/// How many filters each prunable layer keeps, and what the network then occupies.
#[derive(Clone, Debug)]
pub struct Plan {
    /// One per prunable layer.
    pub widths: Vec<usize>,
    /// The architecture with these widths.
    pub arch: Arch,
    /// Its bytes.
    pub memory: MemoryPlan,
}

/// Everything that bytes depend on but the widths.
pub struct Ground<'a> {
    /// The unpruned architecture.
    pub arch: &'a Arch,
    /// The size of an image.
    pub input: Shape,
    /// The number of logits.
    pub classes: usize,
    /// The firmware without a model.
    pub footprint: Footprint,
    /// The board.
    pub board: BoardMemory<'a>,
}

impl Budget {
    /// A budget on a board: its flash and RAM where none is given.
    ///
    /// # Errors
    /// [`Failure::Usage`] where the board has less.
    pub fn on(board: &BoardSpec, flash: Option<u32>, ram: Option<u32>) -> Result<Self> {
        for (flag, asked, has) in [("--budget", flash, board.flash.bytes), ("--ram", ram, board.ram.bytes)] {
            if let Some(asked) = asked.filter(|asked| *asked > has) {
                let (asked, has, name) = (bytes(asked), bytes(has), &board.name);
                return Err(Failure::Usage(format!(
                    "{flag} asks for {asked}, {name} has {has}: lower it or take another --board"
                ))
                .into());
            }
        }
        Ok(Self {
            flash_bytes: flash.unwrap_or(board.flash.bytes),
            ram_bytes: ram.unwrap_or(board.ram.bytes),
            work: None,
        })
    }
}

/// Widths are multiples of this, which kernels like, unless that costs the fit.
pub(super) const GRAIN: usize = 4;

impl<'a> Ground<'a> {
    /// The ground of a network on a board.
    pub fn new(network: &'a Network, footprint: Footprint, board: BoardMemory<'a>) -> Self {
        Self { arch: &network.arch, input: network.input, classes: network.classes, footprint, board }
    }

    fn arch(&self, widths: &[usize]) -> Result<Arch> {
        let mut widths = widths.iter();
        let mut narrow = |item: &Item| match item {
            Item::Pool => Some(Item::Pool),
            Item::Conv(_) => widths.next().map(|width| Item::Conv(*width)),
            Item::Hidden(_) => widths.next().map(|width| Item::Hidden(*width)),
        };
        let items = self.arch.items().iter().map(&mut narrow).collect::<Option<_>>();
        Arch::new(items.context("one width per prunable layer")?)
    }

    /// The plan of these widths, whether it fits or not.
    ///
    /// # Errors
    /// Widths that are not one per prunable layer, or zero.
    pub fn plan(&self, widths: &[usize]) -> Result<Plan> {
        let arch = self.arch(widths)?;
        let table = layout::table(&arch, self.input, self.classes)?;
        let memory = memory::plan(&table, self.footprint, &self.board)?;
        Ok(Plan { widths: widths.to_vec(), arch, memory })
    }

    /// Whether one filter per layer fits.
    ///
    /// # Errors
    /// [`Failure::BudgetUnreachable`] with the smallest reachable figures and what stands in the way.
    pub fn check_reachable(&self, budget: Budget) -> Result<()> {
        let layers = self.arch.items().iter().filter(|item| **item != Item::Pool).count();
        let least = vec![1; layers];
        let mut reasons = unreachable(&self.plan(&least)?.memory, budget);
        if let Some(work) = budget.work {
            reasons.extend(work.unreachable(&self.table(&least)?)?);
        }
        if reasons.is_empty() { Ok(()) } else { Err(Failure::BudgetUnreachable(reasons.join("; and ")).into()) }
    }

    fn table(&self, widths: &[usize]) -> Result<Table> {
        layout::table(&self.arch(widths)?, self.input, self.classes)
    }

    /// How far these widths are over the budget: flash, every pass's working memory and the whole arena, as shares of
    /// their budgets. 0 where they fit.
    fn excess(&self, widths: &[usize], budget: Budget) -> Result<f64> {
        let table = self.table(widths)?;
        let plan = memory::plan(&table, self.footprint, &self.board)?;
        let over = |used: u32, limit: u32| f64::from(used.saturating_sub(limit)) / f64::from(limit.max(1));
        let fixed = self.footprint.static_ram_bytes + self.board.stack_reserve_bytes;
        let arena = budget.ram_bytes.saturating_sub(fixed) & !(secateur_shared::header::ALIGNMENT as u32 - 1);
        let mut excess = over(plan.flash_bytes, budget.flash_bytes);
        if let Some(work) = budget.work {
            excess += work.excess(&table)?;
        }
        for step in table.steps() {
            excess += over(step?.working_bytes(), arena);
        }
        excess += over(plan.weights_in_ram_bytes + plan.arena_bytes, arena);
        Ok(excess)
    }
}

/// The widths that fit the budget and lose the least information.
///
/// Every layer keeps a prefix of its order. A layer that keeps the share s of its worth, I(Y; F), in the share w of its
/// filters loses -ln s - UNSEEN ln w, and losses add up, as if layers passed on independent shares; where time is bounded
/// too, one of k filters loses [`NARROW`] / k more. From the whole network, the search makes again and again the cut with the
/// least loss for the bytes that it brings nearer to the budget (any layer, to any narrower width, so that a flat part of a
/// curve does not stop it), then gives back what the last cut saved too much. Where time is bounded too, pairs of layers then
/// exchange filters as long as that loses less.
///
/// # Errors
/// As [`Ground::check_reachable`].
pub fn search(orders: &[LayerOrder], ground: &Ground, budget: Budget) -> Result<Plan> {
    search_within(&orders.iter().map(LayerOrder::filters).collect::<Vec<_>>(), orders, ground, budget)
}

/// As [`search`], from the widths `widest`, one per prunable layer, that none goes over; where they fit they stay.
///
/// # Errors
/// As [`Ground::check_reachable`].
pub fn search_within(widest: &[usize], orders: &[LayerOrder], ground: &Ground, budget: Budget) -> Result<Plan> {
    ground.check_reachable(budget)?;
    let narrow = budget.work.map_or(0.0, |_| NARROW);
    let losses: Vec<Vec<f64>> = orders.iter().map(|layer| losses(layer, narrow)).collect();
    for grain in [budget.work.map_or(GRAIN, |work| work.grain), 1] {
        if let Some(widths) = cut(&losses, widest, ground, budget, grain)? {
            let mut widths = give_back(widths, widest, &losses, ground, budget, grain)?;
            // Bytes and time are dear in different layers: what was cut for one can be too much for the other.
            while budget.work.is_some()
                && let Some(better) = exchange(&widths, widest, &losses, ground, budget, grain)?
            {
                widths = give_back(better, widest, &losses, ground, budget, grain)?;
            }
            return ground.plan(&widths);
        }
    }
    // `check_reachable` has seen one filter per layer fit.
    bail!("the search found no cut that brings the network nearer to the budget: raise it")
}

/// What a share of the filters is worth beside a share of their information.
///
/// 256 images can tell at most ln 256 nats apart and ten classes ln 10, so that a wide layer's curve is flat long before its
/// filters are of no use to fine-tuning. Chosen on validation images: README.md has what it changed.
const UNSEEN: f64 = 0.3;

/// What a layer of a single filter loses beside its information, in nats, where time is bounded; one of k loses a k-th of it.
///
/// Bytes are dear in the last layers, time in all: under a bound on time every layer becomes narrow, and what a few filters can
/// still learn goes by their number, not by their share. Chosen on validation images: README.md.
const NARROW: f64 = 5.0;

/// The loss of each prefix, 0..=F.
fn losses(layer: &LayerOrder, narrow: f64) -> Vec<f64> {
    let filters = layer.filters() as f64;
    let loss = |share: f64| -share.max(f64::MIN_POSITIVE).ln();
    let shares = layer.kept_share.iter().enumerate();
    let few = |kept: usize| narrow / kept.max(1) as f64;
    shares.map(|(kept, share)| loss(*share) + UNSEEN * loss(kept as f64 / filters) + few(kept)).collect()
}

/// What the narrowest network occupies, and which part of it cannot shrink.
fn unreachable(least: &MemoryPlan, budget: Budget) -> Vec<String> {
    let mut reasons = Vec::new();
    if least.flash_bytes > budget.flash_bytes {
        reasons.push(format!(
            "the smallest reachable flash is {} (code {}, gap to the next erase sector {}, one filter per layer {}), \
             the budget is {}: raise --budget to at least that",
            bytes(least.flash_bytes),
            bytes(least.code_bytes),
            bytes(least.gap_bytes),
            bytes(least.blob_bytes),
            bytes(budget.flash_bytes),
        ));
    }
    if least.ram_bytes > budget.ram_bytes {
        reasons.push(format!(
            "the smallest reachable RAM is {} (static variables {}, hot weights {}, arena {}, stack reserve {}), the budget is {}: \
             raise --ram to at least that, or take a board with more",
            bytes(least.ram_bytes),
            bytes(least.static_ram_bytes),
            bytes(least.weights_in_ram_bytes),
            bytes(least.arena_bytes),
            bytes(least.stack_reserve_bytes),
            bytes(budget.ram_bytes),
        ));
    }
    reasons
}
