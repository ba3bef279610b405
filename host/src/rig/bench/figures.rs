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
    /// Its core, where that is emulated: a counter needs no timings.
    pub core: Option<Core>,
    /// The firmware's compiler, as it wrote itself into the image; nothing where the board ran what it was flashed with
    /// before.
    pub compiler: Option<String>,
    /// Where the cycles are from.
    #[serde(default)]
    pub source: Source,
    /// Of a board on the desk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<Runs>,
    /// In order.
    pub layers: Vec<LayerCost>,
}

/// What a board on the desk ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runs {
    /// Images.
    pub images: usize,
    /// The clock that the board says it runs at.
    pub clock_hz: u32,
}

/// What a layer costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerCost {
    /// `conv2d 28x28x1 -> 28x28x20`.
    pub name: String,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Exact; nothing of a board on the desk, which does not count them.
    pub instructions: Option<u64>,
    /// At zero wait states where emulated, else as they are.
    pub cycles: Cycles,
}

impl Figures {
    /// All layers as one.
    pub fn total(&self) -> LayerCost {
        let mut total =
            LayerCost { name: "total".to_owned(), macs: 0, instructions: Some(0), cycles: Cycles::default() };
        for layer in &self.layers {
            total.macs += layer.macs;
            total.instructions = total.instructions.zip(layer.instructions).map(|(sum, layer)| sum + layer);
            total.cycles += layer.cycles;
        }
        total
    }

    fn rows(&self) -> impl Iterator<Item = LayerCost> {
        self.layers.iter().cloned().chain([self.total()])
    }

    fn counts_instructions(&self) -> bool {
        self.total().instructions.is_some()
    }

    /// The table for people.
    pub fn table(&self) -> String {
        let mut table = Builder::default();
        let [middle, low, high] = self.source.heads();
        let mut head = vec!["layer", "MAC"];
        if self.counts_instructions() {
            head.extend(["instructions", "/MAC"]);
        }
        head.extend([middle, "/MAC"]);
        if !self.source.is_exact() {
            head.extend([low, high]);
        }
        table.push_record(head);
        for row in self.rows() {
            let Cycles { low, estimate, high } = row.cycles;
            let mut record = vec![row.name.clone(), thousands(row.macs)];
            for count in row.instructions.into_iter().chain([estimate]) {
                record.extend([thousands(count), row.per_mac(count)]);
            }
            if !self.source.is_exact() {
                record.extend([low, high].map(thousands));
            }
            table.push_record(record);
        }
        render(table)
    }

    /// What a reader of the table has to know, a sentence a line; `clock_hz` is the clock of an emulated board's chip.
    pub fn notes(&self, clock_hz: u32) -> Vec<String> {
        let clock_hz = self.runs.map_or(clock_hz, |runs| runs.clock_hz);
        let (cycles, clock) = (self.total().cycles.estimate as f64, f64::from(clock_hz));
        let time = format!("{}: {:.0} ms at {:.1} MHz", self.source.note(), cycles / clock * 1e3, clock / 1e6);
        let counted = match self.counts_instructions() {
            true => format!("instructions are counted on the {} board", self.source.kind()),
            false => "instructions are not counted there".to_owned(),
        };
        let compiler = match &self.compiler {
            Some(compiler) => format!("the code is by {compiler}"),
            None => "the code is what the board was flashed with before".to_owned(),
        };
        vec![format!("{counted}; {compiler}"), time]
    }

    /// The table of changes since earlier figures.
    ///
    /// # Errors
    /// [`Failure::Usage`] where those are of another network, another core, or counted otherwise.
    pub fn changes(&self, earlier: &Figures) -> Result<String> {
        let mut table = Builder::default();
        let mut head = vec!["layer"];
        if self.counts_instructions() {
            head.extend(["instructions before", "now", "change"]);
        }
        head.extend(["cycles before", "now", "change"]);
        table.push_record(head);
        for (now, before) in self.pairs(earlier)? {
            let mut record = vec![now.name];
            let instructions = before.instructions.zip(now.instructions);
            for (before, now) in instructions.into_iter().chain([(before.cycles.estimate, now.cycles.estimate)]) {
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
        let line = |(now, before): (LayerCost, LayerCost)| {
            let (more, less) = now.instructions.zip(before.instructions).filter(|(now, before)| now > before)?;
            Some(format!("{}: {} instructions, were {}", now.name, thousands(more), thousands(less)))
        };
        Ok(self.pairs(earlier)?.filter_map(line).collect())
    }

    /// Each layer now and earlier, and the sums.
    fn pairs(&self, earlier: &Figures) -> Result<impl Iterator<Item = (LayerCost, LayerCost)>> {
        let names = |figures: &Figures| figures.layers.iter().map(|layer| layer.name.clone()).collect::<Vec<_>>();
        if (self.source, self.place(), names(self)) != (earlier.source, earlier.place(), names(earlier)) {
            let layers = format!("{} [{}]", earlier.place(), names(earlier).join(", "));
            let message = format!("nothing to compare layer by layer: the earlier figures are of {layers}");
            return Err(Failure::Usage(message).into());
        }
        Ok(self.rows().zip(earlier.rows()))
    }

    /// What figures must be of to be compared: a core, or, with flash and caches around it, a board.
    fn place(&self) -> String {
        match self.core {
            Some(core) => format!("an emulated {}", core.name()),
            None => format!("{} on the desk", self.board),
        }
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
            instructions: Some(instructions),
            cycles: Cycles { low: 1, estimate: 2 * instructions, high: 3 },
        };
        Figures {
            board: "a".to_owned(),
            core: Some(Core::CortexM4),
            compiler: Some("rustc".to_owned()),
            source: Source::Timings,
            runs: None,
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

    /// The same network on a board on the desk.
    fn on_the_desk(board: &str) -> Figures {
        let runs = Some(Runs { images: 5, clock_hz: 6_500_000 });
        let mut figures = Figures {
            board: board.to_owned(),
            core: None,
            compiler: None,
            source: Source::Counter,
            runs,
            ..figures([1, 2])
        };
        figures.layers.iter_mut().for_each(|layer| layer.instructions = None);
        figures
    }

    #[test]
    fn a_board_on_the_desk_is_not_called_emulated_and_its_instructions_are_not_made_up() {
        let figures = on_the_desk("pico");
        let (table, notes) = (figures.table(), figures.notes(125_000_000).join("\n"));
        assert!(table.contains("cycles (median)") && table.contains("most"), "{table}");
        for words in ["instructions are not counted", "by the board's own counter", "flashed with before", "at 6.5 MHz"]
        {
            assert!(notes.contains(words), "{notes}");
        }
        let json = serde_json::to_string(&figures).expect("data");
        for words in ["emulated", "estimate ", "Cortex"] {
            assert!(![&table, &notes, &json].iter().any(|text| text.contains(words)), "{words}");
        }
        assert!(!table.contains("instructions") && json.contains("\"instructions\":null"), "{table}\n{json}");
        let changes = figures.changes(&figures).expect("itself");
        assert!(changes.contains("cycles before") && !changes.contains("instructions"), "{changes}");
    }

    #[test]
    fn counted_and_estimated_cycles_are_not_compared() {
        let (desk, emulated) = (on_the_desk("a"), figures([1, 2]));
        let says = |now: &Figures, before| now.changes(before).expect_err("of something else").to_string();
        assert!(says(&emulated, &desk).ends_with("are of a on the desk [conv, linear]"));
        assert!(says(&desk, &emulated).ends_with("are of an emulated Cortex-M4 [conv, linear]"));
        assert!(says(&desk, &on_the_desk("b")).ends_with("are of b on the desk [conv, linear]"));
    }
}
