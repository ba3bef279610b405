//! Trials put together: means over seeds.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::trial::{Outcome, Settings, Trial};
use crate::prune::allocate::Rule;
use crate::prune::rank::Method;

/// All that is known: `compare.json`.
#[derive(Serialize)]
pub(super) struct Comparison {
    /// What all trials share.
    pub(super) settings: Settings,
    /// The unpruned network on test images.
    pub(super) unpruned_test: f64,
    /// Budgets from the largest to the smallest.
    pub(super) budgets: Vec<u32>,
    /// One per ranking and rule for widths.
    pub(super) rows: Vec<Row>,
    /// What the rows are made of.
    pub(super) trials: Vec<Tried>,
}

/// A ranking with a rule for widths.
#[derive(Serialize)]
pub(super) struct Row {
    pub(super) ranking: Method,
    pub(super) widths: Rule,
    /// One per budget that has a trial, from the largest.
    pub(super) cells: Vec<Cell>,
}

/// What the seeds of a row gave at a budget.
#[derive(Serialize)]
pub(super) struct Cell {
    pub(super) budget_bytes: u32,
    /// How many.
    pub(super) seeds: usize,
    /// Of the image.
    pub(super) flash_bytes: Spread,
    /// For one image.
    pub(super) macs: Spread,
    /// Accuracy before fine-tuning.
    pub(super) before_validation: Spread,
    /// Accuracy after it.
    pub(super) validation: Spread,
    /// Accuracy after it.
    pub(super) test: Spread,
    /// Accuracy of the quantised network, where all seeds have one.
    pub(super) int8_test: Option<Spread>,
}

/// A mean over seeds, and the sample standard deviation where there are two or more.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Spread {
    pub(super) mean: f64,
    pub(super) deviation: Option<f64>,
}

/// A trial without what `settings` already says.
#[derive(Serialize)]
pub(super) struct Tried {
    #[serde(flatten)]
    trial: Trial,
    kept: Vec<usize>,
    flash_bytes: u32,
    macs: usize,
    test: f64,
    seconds: f64,
}

impl Comparison {
    /// Rows and budgets as the trials have them; `None` without any.
    pub(super) fn of(mut outcomes: Vec<Outcome>) -> Option<Self> {
        outcomes.sort_by_key(|outcome| outcome.trial);
        let first = outcomes.first()?.clone();
        let budgets: BTreeSet<u32> = outcomes.iter().map(|outcome| outcome.trial.budget_bytes).collect();
        let mut rows: BTreeMap<(Method, Rule), Vec<&Outcome>> = BTreeMap::new();
        for outcome in &outcomes {
            rows.entry((outcome.trial.ranking, outcome.trial.widths)).or_default().push(outcome);
        }
        let rows = rows.iter().map(|((ranking, widths), outcomes)| Row {
            ranking: *ranking,
            widths: *widths,
            cells: budgets.iter().rev().filter_map(|budget| Cell::of(*budget, outcomes)).collect(),
        });
        Some(Self {
            unpruned_test: first.accuracy.unpruned_test,
            settings: first.settings,
            budgets: budgets.iter().rev().copied().collect(),
            rows: rows.collect(),
            trials: outcomes.iter().map(Tried::of).collect(),
        })
    }

    /// The most seeds that a cell has.
    pub(super) fn seeds(&self) -> usize {
        self.rows.iter().flat_map(|row| &row.cells).map(|cell| cell.seeds).max().unwrap_or(0)
    }
}

impl Cell {
    fn of(budget_bytes: u32, outcomes: &[&Outcome]) -> Option<Self> {
        let here: Vec<&Outcome> =
            outcomes.iter().copied().filter(|outcome| outcome.trial.budget_bytes == budget_bytes).collect();
        let spread = |of: fn(&Outcome) -> f64| Spread::of(&here.iter().map(|outcome| of(outcome)).collect::<Vec<_>>());
        let int8: Option<Vec<f64>> = here.iter().map(|outcome| outcome.accuracy.int8_test).collect();
        (!here.is_empty()).then(|| Self {
            budget_bytes,
            seeds: here.len(),
            flash_bytes: spread(|outcome| f64::from(outcome.flash_bytes)),
            macs: spread(|outcome| outcome.macs as f64),
            before_validation: spread(|outcome| outcome.accuracy.before_validation),
            validation: spread(|outcome| outcome.accuracy.validation),
            test: spread(|outcome| outcome.accuracy.test),
            int8_test: int8.map(|accuracies| Spread::of(&accuracies)),
        })
    }
}

impl Spread {
    fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self { mean, deviation: (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt()) }
    }
}

impl Tried {
    fn of(outcome: &Outcome) -> Self {
        Self {
            trial: outcome.trial,
            kept: outcome.kept.clone(),
            flash_bytes: outcome.flash_bytes,
            macs: outcome.macs,
            test: outcome.accuracy.test,
            seconds: outcome.seconds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deviation_is_the_samples() {
        let spread = Spread::of(&[0.5, 0.7, 0.9]);
        assert!((spread.mean - 0.7).abs() < 1e-12 && (spread.deviation.expect("three") - 0.2).abs() < 1e-12);
        assert_eq!(Spread::of(&[0.5]).deviation, None);
    }
}
