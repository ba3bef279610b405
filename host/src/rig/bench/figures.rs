//! The verb's figures: for people, and as data that a later run is compared with.

use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tabled::builder::Builder;

use super::cycles::{Core, Cycles, Source};
use crate::failure::Failure;
use crate::report::{render, thousands, write_json};

/// What each layer of a network costs on a board, for one image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// The board.
    pub board: String,
    /// Its core.
    pub core: Core,
    /// The firmware's compiler, as it wrote itself into the image.
    pub compiler: String,
    /// Where the cycles are from.
    #[serde(default)]
    pub source: Source,
    /// In order.
    pub layers: Vec<LayerCost>,
}

/// What a layer costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerCost {
    /// `conv2d 28x28x1 -> 28x28x20`.
    pub name: String,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Exact.
    pub instructions: u64,
    /// At zero wait states.
    pub cycles: Cycles,
}

impl Figures {
    /// All layers as one.
    pub fn total(&self) -> LayerCost {
        let mut total = LayerCost { name: "total".to_owned(), macs: 0, instructions: 0, cycles: Cycles::default() };
        for layer in &self.layers {
            total.macs += layer.macs;
            total.instructions += layer.instructions;
            total.cycles += layer.cycles;
        }
        total
    }

    fn rows(&self) -> impl Iterator<Item = LayerCost> {
        self.layers.iter().cloned().chain([self.total()])
    }

    /// The table for people.
    pub fn table(&self) -> String {
        let mut table = Builder::default();
        let is_estimate = self.source == Source::Timings;
        let mut head = vec!["layer", "MAC", "instructions", "/MAC"];
        head.extend(if is_estimate {
            ["cycles (estimate)", "/MAC", "from", "to"].as_slice()
        } else {
            &["cycles", "/MAC"]
        });
        table.push_record(head);
        for row in self.rows() {
            let Cycles { low, estimate, high } = row.cycles;
            let mut record = vec![row.name.clone(), thousands(row.macs)];
            for count in [row.instructions, estimate] {
                record.extend([thousands(count), row.per_mac(count)]);
            }
            if is_estimate {
                record.extend([low, high].map(thousands));
            }
            table.push_record(record);
        }
        render(table)
    }

    /// The table of changes since earlier figures.
    ///
    /// # Errors
    /// [`Failure::Usage`] where those are of another network or core.
    pub fn changes(&self, earlier: &Figures) -> Result<String> {
        let mut table = Builder::default();
        table.push_record(["layer", "instructions before", "now", "change", "cycles before", "now", "change"]);
        for (now, before) in self.pairs(earlier)? {
            let mut record = vec![now.name];
            for (before, now) in
                [(before.instructions, now.instructions), (before.cycles.estimate, now.cycles.estimate)]
            {
                record.extend([thousands(before), thousands(now), change(before, now)]);
            }
            table.push_record(record);
        }
        Ok(render(table))
    }

    /// Each layer that takes more instructions than in earlier figures, as a line.
    ///
    /// # Errors
    /// As [`Figures::changes`].
    pub fn rises(&self, earlier: &Figures) -> Result<Vec<String>> {
        let rises = self.pairs(earlier)?.filter(|(now, before)| now.instructions > before.instructions);
        let line = |(now, before): (LayerCost, LayerCost)| {
            let (name, before, now) = (now.name, thousands(before.instructions), thousands(now.instructions));
            format!("{name}: {now} instructions, were {before}")
        };
        Ok(rises.map(line).collect())
    }

    /// Each layer now and earlier, and the sums.
    fn pairs(&self, earlier: &Figures) -> Result<impl Iterator<Item = (LayerCost, LayerCost)>> {
        let names = |figures: &Figures| figures.layers.iter().map(|layer| layer.name.clone()).collect::<Vec<_>>();
        if (self.core, self.source, names(self)) != (earlier.core, earlier.source, names(earlier)) {
            let layers = format!("{} [{}]", earlier.core.name(), names(earlier).join(", "));
            let message = format!("nothing to compare layer by layer: the earlier figures are of {layers}");
            return Err(Failure::Usage(message).into());
        }
        Ok(self.rows().zip(earlier.rows()))
    }

    /// Writes the figures, whole or not at all.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_json(Some(path), self)
    }
}

/// Reads figures.
///
/// # Errors
/// No file, or one of something else.
pub fn read(path: &Path) -> Result<Figures> {
    let shown = path.display();
    let text = std::fs::read(path)
        .with_context(|| format!("cannot read {shown}: write it with `cargo xtask bench --json {shown}`"))?;
    serde_json::from_slice(&text).with_context(|| format!("{shown} holds no figures of `cargo xtask bench --json`"))
}

impl LayerCost {
    /// Nothing for a layer without multiply-accumulates.
    fn per_mac(&self, count: u64) -> String {
        if self.macs == 0 { String::new() } else { format!("{:.2}", count as f64 / self.macs as f64) }
    }
}

/// In percent, as much as it was before.
fn change(before: u64, now: u64) -> String {
    if now == before {
        return "same".to_owned();
    }
    format!("{:+.2} %", 100.0 * (now as f64 / before.max(1) as f64 - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(instructions: [u64; 2]) -> Figures {
        let layer = |(name, instructions): (&str, u64)| LayerCost {
            name: name.to_owned(),
            macs: 1_000,
            instructions,
            cycles: Cycles { low: 1, estimate: 2 * instructions, high: 3 },
        };
        Figures {
            board: "a".to_owned(),
            core: Core::CortexM4,
            compiler: "rustc".to_owned(),
            source: Source::Timings,
            layers: ["conv", "linear"].into_iter().zip(instructions).map(layer).collect(),
        }
    }

    #[test]
    fn a_rise_is_named_even_where_the_total_falls() {
        let (before, now) = (figures([4_000, 1_000]), figures([2_000, 1_001]));
        assert_eq!(now.rises(&before).expect("one network"), ["linear: 1,001 instructions, were 1,000"]);
        let changes = now.changes(&before).expect("one network");
        assert!(
            changes.contains("-50.00 %") && changes.contains("+0.10 %") && changes.contains("-39.98 %"),
            "{changes}"
        );
    }

    #[test]
    fn other_networks_are_not_compared() {
        let (mut other, now) = (figures([1, 1]), figures([1, 1]));
        other.layers.remove(0);
        let error = now.changes(&other).expect_err("another network").to_string();
        assert!(error.ends_with("Cortex-M4 [linear]"), "{error}");
    }
}
