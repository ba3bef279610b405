//! The emulated board at its work: a model cut off while it was flashed, a model sent into RAM, layers told apart, a run that was
//! cut off.

use std::path::PathBuf;

use anyhow::Result;
use secateur::data::{Images, Shape};
use secateur::export::{Blob, export};
use secateur::rig::emulated::Emulated;
use secateur::rig::firmware::{self, Firmware, Profile};
use secateur::rig::image;
use secateur::rig::verify::{Options, verify_with};
use secateur_boards::BoardSpec;
use secateur_firmware::Engine;
use secateur_shared::wire::LayerFigures;
use secateur_shared::{Refusal, header};
use secateur_tests::untrained::{Noise, untrained};
use tempfile::TempDir;

const SHAPE: Shape = Shape { height: 28, width: 28, channels: 1 };

/// A board, its firmware, and a network for it.
struct Bench {
    board: BoardSpec,
    built: Firmware,
    blob: Blob,
    folder: TempDir,
}

impl Bench {
    fn new() -> Result<Self> {
        let (board, network) = (secateur_boards::find("netduinoplus2")?, untrained()?);
        let built = firmware::build(&board, Profile::Firmware, &firmware::operators(network.table()))?;
        Ok(Self { board, built, blob: export(&network)?, folder: tempfile::tempdir()? })
    }

    /// An image with these bytes where the model belongs.
    fn image(&self, model: &[u8]) -> Result<PathBuf> {
        let image = image::link(&self.built, model, image::Taken::by(&self.blob.model()?, &self.board))?;
        let path = self.folder.path().join("image.elf");
        std::fs::write(&path, image)?;
        Ok(path)
    }

    fn start(&self, model: &[u8]) -> Result<Emulated> {
        Emulated::start(&self.board, &self.image(model)?)
    }

    /// What the desk's engine makes of an input, and each layer's checksum.
    fn on_desk(&self, input: &[i8]) -> Result<(Vec<i8>, Vec<u32>)> {
        let model = self.blob.model()?;
        let (mut arena, mut sums) = (vec![0; model.arena_bytes() as usize], Vec::new());
        let mut engine = Engine::new(model, &mut arena)?;
        engine.input_hwc().copy_from_slice(input);
        let logits = engine.infer_observed(|_, output| sums.push(LayerFigures::new(0, output).checksum())).to_vec();
        Ok((logits, sums))
    }
}

fn input() -> Vec<i8> {
    Noise(2).bytes(SHAPE.values())
}

#[test]
fn a_flashing_that_was_cut_off_is_named_and_the_next_one_runs() -> Result<()> {
    let bench = Bench::new()?;
    let blob = bench.blob.bytes();
    // Another network of the same shapes was there before.
    let mut old = blob.to_vec();
    old[blob.len() - 40..].iter_mut().for_each(|byte| *byte ^= 1);
    header::seal(&mut old)?;
    let erased = vec![0xFF; blob.len()];
    let points = [0, 1, 4, 7, 8, 12, 15, 16, 100, blob.len() / 2, blob.len() - 1];
    for (cut, behind) in points.iter().flat_map(|cut| [(*cut, &erased), (*cut, &old)]) {
        let model = [&blob[..cut], &behind[cut..]].concat();
        let whole = if cut == 0 && behind == &old { Some(old.clone()) } else { (model == old).then(|| old.clone()) };
        let found = bench.start(&model)?.link.hello()?.model;
        match whole {
            Some(old) => assert_eq!(found, Ok(header::identity(&old)), "{cut}"),
            None if model == blob => assert_eq!(found, Ok(bench.blob.model()?.identity())),
            None => assert!(
                matches!(
                    found,
                    Err(Refusal::NoModel
                        | Refusal::Checksum
                        | Refusal::CutOff
                        | Refusal::FormatVersion(_)
                        | Refusal::KernelAbi(_))
                ),
                "{cut}: {found:?}"
            ),
        }
    }
    let mut running = bench.start(blob)?;
    assert_eq!(running.link.hello()?.model, Ok(bench.blob.model()?.identity()));
    assert_eq!(running.link.infer(&input())?, bench.on_desk(&input())?.0);
    Ok(())
}

#[test]
fn a_model_sent_into_ram_runs_on_a_board_with_none_in_flash() -> Result<()> {
    let bench = Bench::new()?;
    let mut running = bench.start(&[0xFF; 16])?;
    let greeting = running.link.hello()?;
    assert_eq!((greeting.model, greeting.free_bytes), (Err(Refusal::NoModel), greeting.arena_bytes));
    running.link.load(&bench.blob)?;
    assert_eq!(running.link.hello()?.model, Ok(bench.blob.model()?.identity()));
    assert_eq!(running.link.infer(&input())?, bench.on_desk(&input())?.0);
    let memory = running.link.memory()?;
    assert!(memory.stack_high_water_bytes <= memory.stack_reserve_bytes, "{memory:?}");
    assert_eq!(memory.arena_used_bytes, bench.blob.model()?.arena_bytes());
    let error = running.link.load(&bench.blob).expect_err("RAM is full").to_string();
    assert!(error.ends_with("B of RAM, the board has 0 B free: flash it, or prune to less"), "{error}");
    Ok(())
}

#[test]
fn each_layer_on_the_board_has_the_desks_checksum() -> Result<()> {
    let bench = Bench::new()?;
    let mut running = bench.start(bench.blob.bytes())?;
    running.link.hello()?;
    let figures = running.link.profile(&input(), bench.blob.model()?.layers())?;
    let sums: Vec<u32> = figures.iter().map(|layer| layer.checksum()).collect();
    assert_eq!(sums, bench.on_desk(&input())?.1);
    // QEMU has no counter of cycles.
    assert!(figures.iter().all(|layer| layer.cycles() == 0));
    assert_eq!(running.link.infer(&input())?, bench.on_desk(&input())?.0);
    let memory = running.link.memory()?;
    eprintln!("{memory:?}");
    assert!(memory.stack_high_water_bytes <= memory.stack_reserve_bytes, "{memory:?}");
    Ok(())
}

#[test]
fn a_proof_leaves_no_progress_and_takes_up_what_was_kept() -> Result<()> {
    let bench = Bench::new()?;
    let image = bench.image(bench.blob.bytes())?;
    let pixels = Noise(3).bytes(4 * SHAPE.values()).into_iter().map(i8::cast_unsigned).collect();
    let images = Images { shape: SHAPE, pixels, labels: vec![0; 4] };
    let progress = bench.folder.path().join("verify.part");
    // The first two images were done, and answered with other logits: those are believed.
    let mut kept = Vec::new();
    for index in 0..2 {
        let input: Vec<u8> = images.image(index).iter().map(|pixel| pixel ^ 0x80).collect();
        kept.extend(header::crc32(&input).to_le_bytes());
        kept.extend([0; 4]);
        kept.extend([7; 10]);
    }
    let options = |fresh| Options { in_ram: false, progress: Some(progress.clone()), fresh };
    std::fs::write(&progress, &kept)?;
    let verdict = verify_with(&bench.board, &image, &bench.blob, &images, &options(false))?;
    assert_eq!((verdict.images, verdict.agreeing), (4, 2));
    let difference = verdict.difference.as_ref().expect("made up");
    assert_eq!((difference.image, &*difference.layer), (0, "run again, no layer differs"));
    assert!(verdict.judge().is_err() && !progress.exists());
    std::fs::write(&progress, &kept)?;
    let verdict = verify_with(&bench.board, &image, &bench.blob, &images, &options(true))?;
    assert_eq!((verdict.agreeing, verdict.latency), (4, None));
    let in_ram = Options { in_ram: true, ..options(false) };
    assert_eq!(verify_with(&bench.board, &image, &bench.blob, &images, &in_ram)?.agreeing, 4);
    verdict.judge()
}
