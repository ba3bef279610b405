//! A small real case: a part of Fashion-MNIST as a folder, a small network trained on it, and requests to prune that.

use std::path::{Path, PathBuf};

use anyhow::Result;
use secateur::data::{self, DataSet, Images};
use secateur::inform::Criterion;
use secateur::network::train::{FitOptions, fit};
use secateur::network::{Item, Network, Normalization};
use secateur::prune::across::Walk;
use secateur::prune::cutoff::Cutoff;
use secateur::prune::verb::Request;
use secateur::prune::{Budget, Ground, Survey, survey, tune};
use secateur::quantize::layout;
use secateur::rig::board_memory;
use secateur::rig::firmware::{self, Firmware, Profile};
use secateur_boards::BoardSpec;
use secateur_shared::memory::MemoryPlan;

/// The images of each part.
const TRAIN: usize = 1_500;
const VALIDATION: usize = 300;
const TEST: usize = 300;

/// A board, a trained network, its data, and where results go.
pub struct Small {
    /// The emulated board.
    pub board: BoardSpec,
    /// The trained network.
    pub network: Network,
    /// Its file.
    pub network_file: PathBuf,
    /// The folder of the data set's IDX files.
    pub data_folder: PathBuf,
    /// The folder of all results; it does not exist yet.
    pub out: PathBuf,
}

impl Small {
    /// Makes data and network in `folder`.
    ///
    /// # Errors
    /// No embedded data set, or a folder that cannot be written.
    pub fn make(folder: &Path) -> Result<Self> {
        let data_folder = folder.join("tiny-fashion");
        write_data(&part_of_fashion()?, &data_folder)?;
        let network_file = folder.join("small.safetensors");
        let network = trained(&data::load(&data_folder.to_string_lossy())?)?;
        network.save(&network_file)?;
        let board = secateur_boards::find("netduinoplus2")?;
        Ok(Self { board, network, network_file, data_folder, out: folder.join("out") })
    }

    /// To prune the network to a budget, and to try 5 images on the board.
    pub fn request(&self, name: &str, budget: Budget) -> Request {
        Request {
            network: self.network_file.clone(),
            data: self.data_folder.to_string_lossy().into_owned(),
            board: self.board.clone(),
            profile: Profile::Firmware,
            budget,
            drop: None,
            survey: self.survey_options(),
            walk: Walk::default(),
            cutoff: Cutoff::Budget,
            reconstruct_images: 64,
            fine_tune: FitOptions { epochs: 0.2, seed: 7, ..tune::defaults() },
            steps: 1,
            device_images: 5,
            out: self.out.clone(),
            name: Some(name.to_owned()),
            json: None,
        }
    }

    fn survey_options(&self) -> survey::Options {
        survey::Options { criterion: Criterion::default(), images: 64, seed: 7 }
    }

    /// The survey that a request makes.
    ///
    /// # Errors
    /// Data that cannot be read.
    pub fn survey(&self) -> Result<Survey> {
        let data = data::load(&self.data_folder.to_string_lossy())?;
        survey::survey(&self.network, &data.train, &self.survey_options(), &self.out.join("cache"))
    }

    /// The board's firmware for this network.
    ///
    /// # Errors
    /// Where it does not build.
    pub fn firmware(&self) -> Result<Firmware> {
        let table = layout::table(&self.network.arch, self.network.input, self.network.classes)?;
        firmware::build(&self.board, Profile::Firmware, &firmware::operators(&table))
    }

    /// What the search of widths stands on.
    pub fn ground(&self, firmware: &Firmware) -> Ground<'_> {
        Ground::new(&self.network, firmware.footprint, board_memory(&self.board))
    }

    /// The bytes of the unpruned network.
    ///
    /// # Errors
    /// As [`Small::firmware`].
    pub fn whole(&self) -> Result<MemoryPlan> {
        Ok(self.ground(&self.firmware()?).plan(&self.widths())?.memory)
    }

    /// The widths of the unpruned network's prunable layers.
    pub fn widths(&self) -> Vec<usize> {
        let width = |item: &Item| match item {
            Item::Conv(width) | Item::Hidden(width) => Some(*width),
            Item::Pool => None,
        };
        self.network.arch.items().iter().filter_map(width).collect()
    }
}

/// A budget that takes half of the model's flash and the widest maps' RAM away.
pub fn tight(whole: &MemoryPlan) -> Budget {
    Budget { flash_bytes: whole.flash_bytes - whole.blob_bytes / 2, ram_bytes: whole.ram_bytes - 1_024, work: None }
}

fn part_of_fashion() -> Result<DataSet> {
    let mut set = data::load(data::DEFAULT)?;
    set.train = set.train.head(TRAIN);
    set.validation = set.validation.head(VALIDATION);
    set.test = set.test.head(TEST);
    Ok(set)
}

/// One pass over the training part.
fn trained(data: &DataSet) -> Result<Network> {
    let normalization = Normalization::of(&data.train);
    let mut network = Network::random("8,P,16,P,F32".parse()?, data.shape(), data.classes, normalization, 7)?;
    network.data.clone_from(&data.name);
    let options = FitOptions { epochs: 1.0, seed: 7, ..FitOptions::default() };
    fit(network, &data.train, &options, &mut ())
}

/// Writes a data set of gray images as six IDX files.
///
/// # Errors
/// A folder that cannot be written.
pub fn write_data(set: &DataSet, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    for (part, images) in [("train", &set.train), ("validation", &set.validation), ("t10k", &set.test)] {
        std::fs::write(folder.join(format!("{part}-images-idx3-ubyte")), image_file(images))?;
        std::fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), idx(0x0801, &[images.len()], &images.labels))?;
    }
    Ok(())
}

fn image_file(images: &Images) -> Vec<u8> {
    idx(0x0803, &[images.len(), images.shape.height, images.shape.width], &images.pixels)
}

fn idx(magic: u32, sizes: &[usize], values: &[u8]) -> Vec<u8> {
    let mut bytes = magic.to_be_bytes().to_vec();
    bytes.extend(sizes.iter().flat_map(|size| (*size as u32).to_be_bytes()));
    bytes.extend(values);
    bytes
}
