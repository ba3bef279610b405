//! Builds the firmware of a board, without a model, and reads its footprint off the linked file.

use super::setup::{self, Need};
use anyhow::{Context, Result, bail, ensure};
use object::{Object, ObjectSymbol};
use secateur_boards::BoardSpec;
use secateur_shared::layer::Table;
use secateur_shared::memory::Footprint;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

/// How the firmware is optimised: a profile of the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Profile {
    /// For speed.
    Firmware,
    /// For size.
    Small,
}

impl Profile {
    /// Its name in Cargo.toml.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Firmware => "firmware",
            Profile::Small => "small",
        }
    }
}

/// The firmware of a board, linked without a model.
pub struct Firmware {
    /// The linked file.
    pub elf: Vec<u8>,
    /// What it occupies.
    pub footprint: Footprint,
    /// The address of the first erase sector after the code, where the model goes.
    pub model_start: u32,
    /// The address of the arena.
    pub arena_start: u32,
}

/// The operators of a network, as Cargo features.
pub fn operators(table: &Table) -> BTreeSet<&'static str> {
    table.nodes.iter().map(|node| node.layer.operator()).collect()
}

/// Builds (or finds built) the firmware of a board with these operators, or other Cargo features.
///
/// # Errors
/// Where the target cannot be set up, or cargo fails.
pub fn build(board: &BoardSpec, profile: Profile, operators: &BTreeSet<&str>) -> Result<Firmware> {
    let setup = setup::ensure(&[Need::Thumb(&board.target)])?;
    let workspace = workspace()?;
    let target_dir = workspace.join("target/firmware");
    let mut features = vec![board.name.as_str()];
    features.extend(operators.iter());
    let path = path(&target_dir, board, profile);
    if !path.exists() {
        println!("firmware: building for {} for the first time (about 1 minute)", board.name);
    }
    let _alone = alone(&target_dir)?;
    let status = setup
        .cargo()
        .current_dir(&workspace)
        .args(["build", "--quiet", "--locked", "--package", "secateur-firmware", "--no-default-features"])
        .args(["--bin", &board.name, "--features", &features.join(","), "--target", &board.target])
        .args(["--profile", profile.name(), "--target-dir"])
        .arg(&target_dir)
        .status()
        .context("cannot start cargo")?;
    ensure!(status.success(), "the firmware of {} did not build: see cargo's messages above", board.name);
    let elf = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    Firmware::new(elf, board).with_context(|| format!("in {}", path.display()))
}

/// What the firmware of a board occupied when it was last built, with whatever operators.
pub fn built(board: &BoardSpec) -> Option<Footprint> {
    let path = path(&workspace().ok()?.join("target/firmware"), board, Profile::Firmware);
    Some(Firmware::new(std::fs::read(path).ok()?, board).ok()?.footprint)
}

fn path(target_dir: &Path, board: &BoardSpec, profile: Profile) -> PathBuf {
    target_dir.join(&board.target).join(profile.name()).join(&board.name)
}

/// Waits until no other build writes or reads the linked file. Cargo itself lets go of its folder before the file is
/// read, and another build with other operators writes to the same path.
fn alone(target_dir: &Path) -> Result<File> {
    let path = target_dir.join("secateur.lock");
    let open = || {
        std::fs::create_dir_all(target_dir)?;
        let file = File::create(&path)?;
        file.lock().map(|()| file)
    };
    open().with_context(|| format!("cannot lock {}: is the folder yours to write?", path.display()))
}

/// The repository that this program was built from.
pub(super) fn workspace() -> Result<PathBuf> {
    let host = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = host.parent().context("host lies in the workspace")?;
    ensure!(
        workspace.join("firmware/Cargo.toml").exists(),
        "{} is gone: run `cargo xtask` from the repository's checkout, the firmware is built from it",
        workspace.display()
    );
    Ok(workspace.to_owned())
}

impl Firmware {
    /// Reads the linker's symbols of a firmware file.
    ///
    /// # Errors
    /// Where one is missing.
    pub fn new(elf: Vec<u8>, board: &BoardSpec) -> Result<Self> {
        let file = object::File::parse(&*elf).context("not an ELF file")?;
        let symbol = |name: &str| match file.symbols().find(|symbol| symbol.name() == Ok(name)) {
            Some(symbol) => Ok(symbol.address() as u32),
            None => bail!("the linker's symbol `{name}` is missing: firmware/build.rs writes it"),
        };
        let (code_end, arena_start) = (symbol("__code_end")?, symbol("__arena_start")?);
        let model_start = symbol("__model_start")?;
        let footprint =
            Footprint { code_bytes: code_end - board.flash.origin, static_ram_bytes: arena_start - board.ram.origin };
        Ok(Self { elf, footprint, model_start, arena_start })
    }
}
