//! Bad input: each is refused with words that say what to do, with its exit code, and leaves no file behind.
#![cfg(feature = "network")]

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Parser;
use secateur::cli::{self, Cli};
use secateur::data::{self, Images, Shape};
use secateur::failure::Failure;
use secateur::network::{Layer, Network};
use secateur::prune::verb::{Request, run};
use secateur::prune::{Budget, survey_verb};
use secateur::report::{bytes, size};
use secateur::rig::verb as rig;
use secateur_tests::small::{Small, tight, write_data};
use tempfile::TempDir;

/// Checks an error's exit code and words.
fn refused(result: Result<()>, exit_code: u8, says: &[&str]) {
    let error = result.expect_err("refused");
    let message = format!("{error:#}");
    assert_eq!(error.downcast_ref::<Failure>().map_or(1, Failure::exit_code), exit_code, "{message}");
    for words in says {
        assert!(message.contains(words), "`{words}` is not in: {message}");
    }
}

/// Every file below a folder, hidden ones too; none where there is no folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let below = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries.flat_map(below).collect()
}

/// A small case, and the folder that it vanishes with.
fn small() -> Result<(TempDir, Small)> {
    let folder = tempfile::tempdir()?;
    let small = Small::make(folder.path())?;
    Ok((folder, small))
}

const BUDGET: Budget = Budget { flash_bytes: 48 << 10, ram_bytes: 16 << 10, work: None };

/// Prunes, and checks that it is refused before anything is written.
fn prune_refused(small: &Small, request: &Request, exit_code: u8, says: &[&str]) {
    refused(run(request), exit_code, says);
    assert_eq!(files(&small.out), Vec::<PathBuf>::new());
    assert!(request.name.as_ref().is_none_or(|name| !small.out.join(name).exists()), "an empty folder is left");
}

/// Cuts a file.
fn cut(path: &Path, share: f64) -> Result<()> {
    let bytes = std::fs::read(path)?;
    Ok(std::fs::write(path, &bytes[..(share * bytes.len() as f64) as usize])?)
}

/// Flips a bit of a file's byte.
fn flip(path: &Path, at: usize) -> Result<()> {
    let mut bytes = std::fs::read(path)?;
    bytes[at] ^= 1;
    Ok(std::fs::write(path, bytes)?)
}

#[test]
fn a_cut_data_file() -> Result<()> {
    let (_folder, small) = small()?;
    let images = small.data_folder.join("train-images-idx3-ubyte");
    cut(&images, 0.5)?;
    let name = images.to_string_lossy();
    let says = ["the header promises", "it is cut or damaged, fetch it again", &name];
    prune_refused(&small, &small.request("cut", BUDGET), 1, &says);
    Ok(())
}

#[test]
fn a_cut_compressed_data_file() -> Result<()> {
    let (_folder, small) = small()?;
    let embedded = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/assets/mini-fashion/t10k-images-idx3-ubyte.gz");
    std::fs::remove_file(small.data_folder.join("t10k-images-idx3-ubyte"))?;
    let copy = small.data_folder.join("t10k-images-idx3-ubyte.gz");
    std::fs::copy(embedded, &copy)?;
    cut(&copy, 0.5)?;
    let says = ["t10k-images-idx3-ubyte.gz", "the file is cut or damaged, fetch it again"];
    prune_refused(&small, &small.request("cut", BUDGET), 1, &says);
    Ok(())
}

/// The top left corner of each image.
fn corners(images: &Images) -> Images {
    let shape = Shape { height: 14, width: 14, channels: 1 };
    let rows = images.pixels.chunks_exact(28).enumerate().filter(|(row, _)| row % 28 < 14);
    Images { shape, pixels: rows.flat_map(|(_, row)| &row[..14]).copied().collect(), labels: images.labels.clone() }
}

/// Replaces the data by images of 14 x 14.
fn shrink_images(small: &Small) -> Result<()> {
    let mut set = data::load(&small.data_folder.to_string_lossy())?;
    (set.train, set.validation, set.test) = (corners(&set.train), corners(&set.validation), corners(&set.test));
    write_data(&set, &small.data_folder)
}

#[test]
fn images_of_another_size_than_the_networks() -> Result<()> {
    let (_folder, small) = small()?;
    shrink_images(&small)?;
    let request = small.request("size", BUDGET);
    let says =
        ["holds images of 14x14x1 in 10 classes", "takes 28x28x1 in 10", "give the --data that it was trained on"];
    prune_refused(&small, &request, 1, &says);
    let Request { network, data, survey: options, .. } = request;
    let survey = survey_verb::Request { network, data, options, draws: 1, against: Vec::new(), json: None };
    refused(survey_verb::run(&survey), 1, &says);
    Ok(())
}

#[test]
fn a_cut_checkpoint() -> Result<()> {
    let (_folder, small) = small()?;
    cut(&small.network_file, 0.5)?;
    let says = ["small.safetensors", "the file is cut or damaged, restore it or train again"];
    prune_refused(&small, &small.request("cut", BUDGET), 1, &says);
    std::fs::remove_file(&small.network_file)?;
    prune_refused(
        &small,
        &small.request("cut", BUDGET),
        1,
        &["cannot read", "name a file that `cargo xtask train` wrote"],
    );
    Ok(())
}

#[test]
fn a_weight_that_is_no_number() -> Result<()> {
    let (_folder, small) = small()?;
    let mut network: Network = small.network.clone();
    let Some(Layer::Conv(conv)) = network.layers.first_mut() else { panic!("the first layer is a convolution") };
    conv.weight_oihw[5] = f32::NAN;
    network.save(&small.network_file)?;
    let says = ["tensor conv1.weight holds NaN at index 5", "train again with a lower --learning-rate"];
    prune_refused(&small, &small.request("nan", BUDGET), 1, &says);
    Ok(())
}

#[test]
fn a_survey_of_too_few_or_too_many_images() -> Result<()> {
    let (_folder, small) = small()?;
    for images in [0, 1, 1_501] {
        let mut request = small.request("survey", BUDGET);
        request.survey.images = images;
        prune_refused(&small, &request, 1, &["give --survey-images from 2 to 1500"]);
    }
    Ok(())
}

#[test]
fn a_fine_tuning_that_diverges() -> Result<()> {
    let (_folder, small) = small()?;
    let mut request = small.request("wild", tight(&small.whole()?));
    request.fine_tune.learning_rate = 1e30;
    refused(run(&request), 1, &["--fine-tune-rate", "the loss is", "lower the learning rate"]);
    assert!(files(&small.out).iter().all(|path| path.starts_with(small.out.join("cache"))), "more than the survey");
    Ok(())
}

#[test]
fn words_that_ask_for_nothing_that_exists() {
    let cases: [(&[&str], &[&str]); 11] = [
        (&["prune", "--board", "arduino"], &["no board `arduino`: known boards are netduinoplus2"]),
        (&["verify", "--board", "arduino"], &["known boards are netduinoplus2"]),
        (&["prune", "--budget", "0"], &["--budget", "a size of 0 holds nothing: write for example 512k"]),
        (&["prune", "--ram", "0k"], &["--ram", "a size of 0k holds nothing"]),
        (&["prune", "--budget", "half"], &["--budget", "`half` is no size: write bytes, or 512k, or 1m"]),
        (&["prune", "--budget", "2m"], &["--budget asks for 2,097,152 B, netduinoplus2 has 1,048,576 B: lower it"]),
        (&["prune", "--ram", "1m"], &["--ram asks for 1,048,576 B, netduinoplus2 has 131,072 B"]),
        (&["prune", "--direction", "bidirectional"], &["--direction is about --cmi compact and full"]),
        (&["prune", "--cmi", "full", "--start", "conv2"], &["--start is about --direction bidirectional"]),
        (&["train", "--learning-rate", "0"], &["the learning rate must be above 0"]),
        (&["prune", "--fine-tune-rate", "0"], &["--fine-tune-rate", "the learning rate must be above 0"]),
    ];
    for (words, says) in cases {
        let words = std::iter::once("cargo xtask").chain(words.iter().copied());
        refused(cli::run(Cli::try_parse_from(words).expect("words")), 2, says);
    }
    for verb in ["prune", "compare"] {
        let why = Cli::try_parse_from(["cargo xtask", verb, "--reconstruct-images", "1"]).expect_err("a single image");
        assert!(why.to_string().contains("one image says nothing about a layer"), "{why}");
    }
}

#[test]
fn a_budget_below_the_smallest_network() -> Result<()> {
    let (_folder, small) = small()?;
    let firmware = small.firmware()?;
    let least = small.ground(&firmware).plan(&[1, 1, 1])?.memory;
    let flash = Budget::on(&small.board, Some(size::parse("4k")?), None)?;
    let smallest = format!("the smallest reachable flash is {}", bytes(least.flash_bytes));
    let says = [&*smallest, "code", "the budget is 4,096 B: raise --budget to at least that"];
    prune_refused(&small, &small.request("4k", flash), 3, &says);
    let ram = Budget::on(&small.board, None, Some(least.ram_bytes - 1))?;
    let smallest = format!("the smallest reachable RAM is {}", bytes(least.ram_bytes));
    prune_refused(&small, &small.request("ram", ram), 3, &[&smallest, "stack reserve", "raise --ram to at least that"]);
    Ok(())
}

#[test]
fn a_place_where_nothing_can_be_written() -> Result<()> {
    let (folder, small) = small()?;
    std::fs::write(&small.out, "a file")?;
    let says = ["cannot write in", "change its rights, or move a file of its name away"];
    refused(run(&small.request("name", BUDGET)), 1, &says);
    assert_eq!(std::fs::read(&small.out)?, b"a file");
    let out = folder.path().join("elsewhere");
    let json = Some(small.out.join("report.json"));
    refused(run(&Request { json, out: out.clone(), ..small.request("name", BUDGET) }), 1, &says);
    assert_eq!(files(&out), Vec::<PathBuf>::new());
    Ok(())
}

/// Prunes without running anything on the board.
fn pruned(small: &Small) -> Result<PathBuf> {
    run(&Request { device_images: 0, ..small.request("done", tight(&small.whole()?)) })?;
    Ok(small.out.join("done"))
}

fn verify(folder: &Path) -> Result<()> {
    rig::verify(&rig::Request { folder: folder.to_owned(), images: 2, ..Default::default() })
}

/// Verifies, and checks that it is refused and that no file was changed, made or removed.
fn verify_refused(folder: &Path, exit_code: u8, says: &[&str]) -> Result<()> {
    let contents =
        || files(folder).into_iter().map(|path| Ok((std::fs::read(&path)?, path))).collect::<Result<Vec<_>>>();
    let before = contents()?;
    refused(verify(folder), exit_code, says);
    assert!(contents()? == before, "a file was changed");
    Ok(())
}

#[test]
fn results_that_are_damaged_or_not_there() -> Result<()> {
    let (_folder, small) = small()?;
    verify_refused(&small.out, 1, &["report.json", "make it with `cargo xtask prune --budget 512k`"])?;
    let results = pruned(&small)?;
    let (blob, image, report) = (results.join("model.blob"), results.join("image.elf"), results.join("report.json"));
    let length = std::fs::metadata(&blob)?.len() as usize;
    for at in [0, 9, 20, length / 2, length - 1] {
        flip(&blob, at)?;
        verify_refused(&results, 1, &["model.blob is damaged: prune again"])?;
        flip(&blob, at)?;
    }
    let whole = std::fs::read(&image)?;
    let model = std::fs::read(&blob)?;
    let place = whole.windows(16).position(|bytes| bytes == &model[..16]).expect("the image holds the model");
    flip(&image, place + length / 2)?;
    verify_refused(&results, 4, &["the board refuses its model", "flash it again"])?;
    std::fs::remove_file(&image)?;
    verify_refused(&results, 1, &["image.elf is gone: prune again"])?;
    std::fs::write(&image, whole)?;
    cut(&report, 0.5)?;
    verify_refused(&results, 1, &["is not a report of this version: prune again"])?;
    std::fs::remove_file(&report)?;
    verify_refused(&results, 1, &["report.json", "make it with"])
}

#[test]
fn results_whose_data_is_another() -> Result<()> {
    let (_folder, small) = small()?;
    let results = pruned(&small)?;
    shrink_images(&small)?;
    verify_refused(&results, 1, &["now holds images of 14x14x1", "bring them back, or prune again"])
}

#[test]
fn a_run_that_fails_while_it_writes_leaves_no_report_of_the_run_before() -> Result<()> {
    let (_folder, small) = small()?;
    let results = pruned(&small)?;
    std::fs::remove_file(results.join("image.elf"))?;
    std::fs::create_dir(results.join("image.elf"))?;
    let says = ["cannot write", "image.elf", "check the folder's rights and free space"];
    refused(run(&small.request("done", tight(&small.whole()?))), 1, &says);
    let mut left = files(&results);
    left.sort();
    assert_eq!(left, [results.join("model.blob"), results.join("pruned.safetensors")]);
    Network::load(&results.join("pruned.safetensors"))?;
    verify_refused(&results, 1, &["report.json", "make it with"])
}
