//! The verb `boards`: what there is, what is connected, and what of it holds the default network.

use std::path::Path;

use anyhow::Result;
use secateur_boards::{BoardSpec, Frames};
use secateur_shared::layer::{Conv2d, Layer, Linear, Pool2d, Shape, Table, Window};
use secateur_shared::memory::{self, Footprint, MemoryPlan};
use secateur_shared::quant::{Activation, ZeroPoint};
use serde::Serialize;
use tabled::builder::Builder;

use super::probe::{self, Probe};
use super::serial::{self, Port};
use super::{board_memory, firmware};
use crate::report::{bytes, render, write_json};

/// The widths that `prune --budget 512k` leaves of the carried network, `20,20,P,40,40,P,64,64,F192`, for netduinoplus2.
const DEFAULT_NETWORK: [u16; 7] = [20, 20, 40, 40, 64, 56, 152];

/// Who makes debug probes that sit on boards with chips of their own only: USB's number, and how the chips' names begin.
const MAKERS: [(u16, &str); 2] = [(0x0483, "STM32"), (0x2E8A, "RP2")];

/// A board in the list.
#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    chip: String,
    target: String,
    flash_bytes: u32,
    ram_bytes: u32,
    clock_hz: u32,
    emulator: Option<String>,
    /// What could be it.
    connected: Vec<String>,
    default_network: DefaultNetwork,
}

/// What the default network takes, planned.
#[derive(Debug, Serialize)]
struct DefaultNetwork {
    flash_bytes: u32,
    ram_bytes: u32,
    fits: bool,
}

impl Listed {
    fn new(board: BoardSpec, ports: &[Port], probes: &[Probe]) -> Result<Self> {
        let MemoryPlan { flash_bytes, ram_bytes, .. } = plan(&board)?;
        let fits = flash_bytes <= board.flash.bytes && ram_bytes <= board.ram.bytes;
        Ok(Self {
            connected: connected(&board, ports, probes),
            name: board.name,
            chip: board.chip,
            target: board.target,
            flash_bytes: board.flash.bytes,
            ram_bytes: board.ram.bytes,
            clock_hz: board.clock_hz,
            emulator: board.emulator.as_ref().map(ToString::to_string),
            default_network: DefaultNetwork { flash_bytes, ram_bytes, fits },
        })
    }

    fn row(&self) -> [String; 8] {
        let or_none = |words: String| if words.is_empty() { "-".to_owned() } else { words };
        [
            self.name.clone(),
            self.chip.clone(),
            bytes(self.flash_bytes),
            bytes(self.ram_bytes),
            format!("{} MHz", self.clock_hz / 1_000_000),
            or_none(self.emulator.clone().unwrap_or_default()),
            or_none(self.connected.join("\n")),
            self.fits(),
        ]
    }

    /// Whether the default network fits, in words.
    fn fits(&self) -> String {
        let DefaultNetwork { flash_bytes, ram_bytes, fits } = self.default_network;
        let needs = |memory, needed, there| format!("no: {} of {memory}, it has {}", bytes(needed), bytes(there));
        match fits {
            true => format!("fits: {} of flash, {} of RAM", bytes(flash_bytes), bytes(ram_bytes)),
            false if flash_bytes > self.flash_bytes => needs("flash", flash_bytes, self.flash_bytes),
            false => needs("RAM", ram_bytes, self.ram_bytes),
        }
    }
}

fn all() -> Result<Vec<Listed>> {
    let (ports, probes) = (serial::ports(), probe::list());
    secateur_boards::all()?.into_iter().map(|board| Listed::new(board, &ports, &probes)).collect()
}

/// Lists the boards, and writes them as data where a file is named.
///
/// # Errors
/// A board.toml that contradicts itself, or a folder that cannot be written.
pub fn list(json: Option<&Path>) -> Result<()> {
    let boards = all()?;
    let mut table = Builder::default();
    table.push_record([
        "board",
        "chip",
        "flash",
        "RAM",
        "clock",
        "emulated by",
        "connected",
        "default network at 512k",
    ]);
    boards.iter().for_each(|board| table.push_record(board.row()));
    println!("{}", render(table));
    println!(
        "connected: what could be the board by who made it; `verify --board NAME@SERIAL` or `NAME@PORT` tells for sure.{}",
        if cfg!(feature = "probe") {
            ""
        } else {
            " Only serial ports are seen: debug probes by a build with `--features probe`."
        }
    );
    println!(
        "default network: planned bytes of the carried network pruned to 512k; the code is that of the board's last build, or about 16 KiB."
    );
    write_json(json, &boards)
}

/// The probes, and the ports unless it has none, that could be a board with this chip.
fn connected(board: &BoardSpec, ports: &[Port], probes: &[Probe]) -> Vec<String> {
    let could_be =
        |usb: (u16, u16)| MAKERS.iter().all(|(maker, chips)| *maker != usb.0 || board.chip.starts_with(chips));
    let usb_of = |port: &Port| port.usb.as_ref().map(|usb| (usb.vendor, usb.product));
    let ports = ports.iter().filter(|_| board.frames == Frames::Serial);
    let ports = ports.filter(|port| usb_of(port).is_some_and(could_be)).map(ToString::to_string);
    let probes = probes.iter().filter(|probe| could_be(probe.usb())).map(ToString::to_string);
    probes.chain(ports).collect()
}

fn plan(board: &BoardSpec) -> Result<MemoryPlan> {
    let footprint = match firmware::built(board) {
        Some(footprint) => footprint,
        None => Footprint { code_bytes: 16 << 10, static_ram_bytes: 4 << 10 },
    };
    Ok(memory::plan(&default_network()?, footprint, &board_memory(board))?)
}

/// Its shapes.
fn default_network() -> Result<Table> {
    let zero_point = ZeroPoint(0);
    let activation = Activation::relu(zero_point);
    let mut table = Table::new(Shape { height: 28, width: 28, channels: 1 }, zero_point);
    let [convolutions @ .., hidden] = DEFAULT_NETWORK;
    for (index, outputs) in convolutions.into_iter().enumerate() {
        let window = Window::around(3);
        table.push(Layer::Conv2d(Conv2d { outputs, window, is_pooled: false, zero_point, activation }))?;
        if [1, 3].contains(&index) {
            table.push(Layer::MaxPool2d(Pool2d::HALVING))?;
        }
    }
    table.push(Layer::Linear(Linear { outputs: hidden, zero_point, activation }))?;
    table.push(Layer::Linear(Linear { outputs: 10, zero_point, activation: Activation::NONE }))?;
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::usb::Usb;
    use secateur_boards::find;

    #[test]
    fn a_maker_s_probe_is_no_other_maker_s_board() {
        let port = |vendor| {
            let usb = Usb { vendor, product: 0x374B, serial: None, name: Some("STM32 STLink".to_owned()) };
            [Port { path: "/dev/ttyACM0".to_owned(), usb: Some(usb) }]
        };
        let connected = |board, vendor| connected(&find(board).expect("a board"), &port(vendor), &[]);
        assert_eq!(connected("nucleo-f446re", 0x0483), ["/dev/ttyACM0 (STM32 STLink, 0483:374b)"]);
        assert!(connected("pico", 0x0483).is_empty());
        assert!(!connected("pico", 0x0403).is_empty());
        // Its frames go by no port, whoever made that.
        assert!(connected("stm32f4-discovery", 0x0403).is_empty());
    }

    #[test]
    fn the_default_network_fits_where_512k_of_flash_are() -> Result<()> {
        for board in all()? {
            let words = board.fits();
            assert_eq!(words.starts_with("fits: "), board.flash_bytes >= 512 << 10, "{}: {words}", board.name);
        }
        Ok(())
    }
}
