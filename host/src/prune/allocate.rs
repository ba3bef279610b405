//! Rules for the widths at a budget: how many filters each layer keeps, whatever ranks them.

use anyhow::Result;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::budget::{self, Budget, Ground, Plan};
use super::order::LayerOrder;
use super::work::Work;
use crate::network::Item;
use crate::quantize::layout;

/// How widths are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// By the search on the CMI curves, whatever ranks the filters: every ranking gets the same widths. Where work is bounded, the
    /// best of [`candidates`] once tried (`tries`), filled by the CMI orders.
    Curves,
    /// By the search on the ranking's own curves: every ranking gets the same bytes.
    Own,
    /// The same share of every layer.
    Uniform,
    /// Wide layers are cut more: the power t of every width, as people do by hand.
    HandMade,
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.to_possible_value().map_or(Ok(()), |value| f.write_str(value.get_name()))
    }
}

/// The plan of a rule. `own` are the ranking's orders, `curves` the CMI orders; a rule reads only those that it is about.
///
/// # Errors
/// As [`Ground::check_reachable`].
pub fn plan(rule: Rule, own: &[LayerOrder], curves: &[LayerOrder], ground: &Ground, budget: Budget) -> Result<Plan> {
    match rule {
        Rule::Curves => budget::search(curves, ground, budget),
        Rule::Own => budget::search(own, ground, budget),
        Rule::Uniform => uniform(ground, budget),
        Rule::HandMade => hand_made(ground, budget),
    }
}

/// Widths that need no curves, which a search is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Control {
    /// [`uniform`].
    Uniform,
    /// [`hand_made`].
    HandMade,
}

/// The budget, with no more multiply-accumulates than the control's widths use in it.
///
/// # Errors
/// As [`Ground::check_reachable`].
pub fn at_macs_of(control: Control, ground: &Ground, budget: Budget) -> Result<Budget> {
    let plan = match control {
        Control::Uniform => uniform(ground, budget)?,
        Control::HandMade => hand_made(ground, budget)?,
    };
    let macs = plan.arch.macs(ground.input, ground.classes)?;
    Ok(Budget { work: Some(Work::macs(macs as u64)), ..budget })
}

/// Widths max(1, round(s F)) with the largest share s that fits.
///
/// # Errors
/// As [`Ground::check_reachable`].
pub fn uniform(ground: &Ground, budget: Budget) -> Result<Plan> {
    uniform_by(1, ground, budget)
}

/// The same in multiples of `grain`.
fn uniform_by(grain: usize, ground: &Ground, budget: Budget) -> Result<Plan> {
    largest(ground, budget, grain, |share| full(ground).into_iter().map(|filters| share * filters).collect())
}

/// Widths max(1, round(F^t)) with the largest exponent t that fits.
///
/// # Errors
/// As [`Ground::check_reachable`].
pub fn hand_made(ground: &Ground, budget: Budget) -> Result<Plan> {
    hand_made_by(1, ground, budget)
}

/// The same in multiples of `grain`.
fn hand_made_by(grain: usize, ground: &Ground, budget: Budget) -> Result<Plan> {
    largest(ground, budget, grain, |exponent| full(ground).into_iter().map(|filters| filters.powf(exponent)).collect())
}

/// The plans to try under a bound on time, where curves tell little (README): `searched`, those of the two rules for widths that
/// need no curves, and the geometric mean of searched and uniform widths, each as wide as bytes and time allow, none wider than
/// `widest`. Without such a bound the search alone.
///
/// # Errors
/// As [`Ground::check_reachable`].
pub fn candidates(searched: Plan, widest: &[usize], ground: &Ground, budget: Budget) -> Result<Vec<Plan>> {
    let Some(work) = budget.work else { return Ok(vec![searched]) };
    let full = full(ground);
    let between = |t: f64| -> Vec<f64> {
        let pairs = full.iter().zip(&searched.widths);
        pairs.map(|(filters, width)| (t * 2.0 * (filters * *width as f64).sqrt()).min(*filters)).collect()
    };
    let others = [
        uniform_by(work.grain, ground, budget)?,
        hand_made_by(work.grain, ground, budget)?,
        largest(ground, budget, work.grain, between)?,
    ];
    let mut plans = vec![searched];
    for plan in others {
        let is_narrow = plan.widths.iter().zip(widest).all(|(width, widest)| width <= widest);
        let is_new = plans.iter().all(|known| known.widths != plan.widths);
        if is_narrow && is_new && fits(&plan, ground, budget)? {
            plans.push(plan);
        }
    }
    Ok(plans)
}

/// Halvings of 0..1 after which widths no longer change: filters are far fewer than 2^40.
const HALVINGS: usize = 40;

/// The plan at the largest t in 0..=1 that fits, for widths that grow with t: one filter at 0. Widths are rounded to multiples of
/// `grain`.
fn largest(ground: &Ground, budget: Budget, grain: usize, widths: impl Fn(f64) -> Vec<f64>) -> Result<Plan> {
    ground.check_reachable(budget)?;
    let at = |t: f64| {
        let round = |width: f64| ((width / grain as f64).round() as usize * grain).max(1);
        ground.plan(&widths(t).into_iter().map(round).collect::<Vec<_>>())
    };
    let whole = at(1.0)?;
    if fits(&whole, ground, budget)? {
        return Ok(whole);
    }
    let (mut best, mut low, mut high) = (at(0.0)?, 0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = (low + high) / 2.0;
        let plan = at(middle)?;
        if fits(&plan, ground, budget)? {
            (best, low) = (plan, middle);
        } else {
            high = middle;
        }
    }
    Ok(best)
}

fn fits(plan: &Plan, ground: &Ground, budget: Budget) -> Result<bool> {
    let table = layout::table(&plan.arch, ground.input, ground.classes)?;
    let over = budget.work.map_or(Ok(0.0), |work| work.excess(&table))?;
    let memory = &plan.memory;
    Ok(memory.flash_bytes <= budget.flash_bytes && memory.ram_bytes <= budget.ram_bytes && over == 0.0)
}

/// The widths of the unpruned network.
fn full(ground: &Ground) -> Vec<f64> {
    ground.arch.items().iter().filter_map(Item::width).map(|filters| filters as f64).collect()
}
