//! The verb `run`: what a board says of itself, of some test images, and of its layers.

use anyhow::Result;
use secateur_firmware::argmax;
use secateur_shared::wire::Memory;
use serde::Serialize;
use tabled::builder::Builder;

use super::desk;
use super::link::{Greeting, Link};
use super::verb::{Request, Results};
use super::verify::layers;
use crate::data::Images;
use crate::export::Blob;
use crate::report::{bytes, render, write_json};

/// What a board said.
#[derive(Debug, Serialize)]
struct Said {
    network: String,
    board: String,
    chip: String,
    firmware: String,
    /// "emulated" or "hardware".
    kind: &'static str,
    clock_hz: u32,
    /// The model's CRC-32.
    model: u32,
    is_in_ram: bool,
    answers: Vec<Answer>,
    /// Where they were asked for.
    layers: Option<Vec<LayerRun>>,
    stack_high_water_bytes: u32,
    stack_reserve_bytes: u32,
    arena_used_bytes: u32,
    arena_available_bytes: u32,
    static_ram_bytes: u32,
    /// For a model that is sent.
    free_bytes: u32,
}

/// What it said of a test image.
#[derive(Debug, Serialize)]
struct Answer {
    label: u8,
    answer: usize,
    logits: Vec<i8>,
}

/// One layer's run.
#[derive(Debug, Serialize)]
struct LayerRun {
    layer: String,
    /// Nothing where the core's counter stands still.
    cycles: Option<u32>,
    checksum: u32,
    desk_checksum: u32,
}

/// Starts the network on the board and shows what it says of some test images.
///
/// # Errors
/// No results, or no board.
pub fn run(request: &Request) -> Result<()> {
    let results = Results::open(request)?;
    let Results { report, target, blob, images, .. } = &results;
    let mut running = target.start(&results.image)?;
    let link = running.link();
    let mut hello = link.hello()?;
    if request.in_ram {
        link.load(blob)?;
        hello = link.hello()?;
    }
    let model = hello.model.map_err(|refusal| anyhow::anyhow!("the board refuses its model: {refusal}"))?;
    let answers = answers(link, images)?;
    let layers = request.profile.then(|| profile(link, blob, &desk::input_hwc(images.image(0)))).transpose()?;
    let memory = link.memory()?;
    let said = Said {
        answers,
        layers,
        ..Said::new((report.name.clone(), target.kind()), hello, model, request.in_ram, &memory)
    };
    said.print();
    write_json(request.json.as_deref(), &said)
}

fn answers(link: &mut Link, images: &Images) -> Result<Vec<Answer>> {
    let answer = |(index, label): (usize, &u8)| {
        let logits = link.infer(&desk::input_hwc(images.image(index)))?;
        Ok(Answer { label: *label, answer: argmax(&logits), logits })
    };
    images.labels.iter().enumerate().map(answer).collect()
}

/// Each layer's cycles and checksum on the board, beside the desk's checksum.
fn profile(link: &mut Link, blob: &Blob, input_hwc: &[i8]) -> Result<Vec<LayerRun>> {
    let model = blob.model()?;
    let device = link.profile(input_hwc, model.layers())?;
    let desk = layers::on_desk(&model, input_hwc)?;
    let mut runs = Vec::with_capacity(model.layers());
    for ((device, desk), step) in device.iter().zip(&desk).zip(model.steps()) {
        runs.push(LayerRun {
            layer: layers::described(&step?),
            cycles: Some(device.cycles()).filter(|cycles| *cycles > 0),
            checksum: device.checksum(),
            desk_checksum: desk.checksum(),
        });
    }
    Ok(runs)
}

impl Said {
    fn new(
        (network, kind): (String, &'static str),
        hello: Greeting,
        model: u32,
        is_in_ram: bool,
        memory: &Memory,
    ) -> Self {
        Self {
            network,
            board: hello.board,
            chip: hello.chip,
            firmware: hello.version,
            kind,
            clock_hz: hello.clock_hz,
            model,
            is_in_ram,
            answers: Vec::new(),
            layers: None,
            stack_high_water_bytes: memory.stack_high_water_bytes,
            stack_reserve_bytes: memory.stack_reserve_bytes,
            arena_used_bytes: memory.arena_used_bytes,
            arena_available_bytes: memory.arena_bytes,
            static_ram_bytes: memory.static_ram_bytes,
            free_bytes: hello.free_bytes,
        }
    }

    fn print(&self) {
        let megahertz = f64::from(self.clock_hz) / 1e6;
        println!("{} ({}) at {megahertz:.1} MHz, firmware {}, {}", self.board, self.chip, self.firmware, self.kind);
        println!("model {:08x}{}: {}", self.model, if self.is_in_ram { " in RAM" } else { "" }, self.network);
        println!("{}", self.answer_table());
        if let Some(layers) = &self.layers {
            println!("{}", layer_table(layers));
            if self.kind == "emulated" && layers.iter().any(|layer| layer.cycles.is_some()) {
                println!("cycles are the emulated chip's: no flash wait states, no cache");
            }
        }
        println!("stack: {} used of {}", bytes(self.stack_high_water_bytes), bytes(self.stack_reserve_bytes));
        println!("arena: {} used of {}", bytes(self.arena_used_bytes), bytes(self.arena_available_bytes));
        println!("variables: {}; free for a model: {}", bytes(self.static_ram_bytes), bytes(self.free_bytes));
    }

    fn answer_table(&self) -> String {
        let mut table = Builder::default();
        table.push_record(["test image", "label", "answer", "logits"]);
        for (index, Answer { label, answer, logits }) in self.answers.iter().enumerate() {
            table.push_record([index.to_string(), label.to_string(), answer.to_string(), format!("{logits:?}")]);
        }
        render(table)
    }
}

fn layer_table(layers: &[LayerRun]) -> String {
    let mut table = Builder::default();
    table.push_record(["layer", "cycles", "checksum", "desk"]);
    for LayerRun { layer, cycles, checksum, desk_checksum } in layers {
        let cycles = cycles.map_or("no counter".to_owned(), |cycles| cycles.to_string());
        let equal = if checksum == desk_checksum { "equal" } else { "DIFFERS" };
        table.push_record([layer.clone(), cycles, format!("{checksum:08x}"), equal.to_owned()]);
    }
    render(table)
}
