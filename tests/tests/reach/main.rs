//! Boards that are reached otherwise than by an emulator's standard input: over a serial port, which here is a pseudo-terminal of
//! QEMU's with the firmware at its other end; several at once; by a UF2 file; by a probe that is not there.

mod bench;
mod pty;
mod resume;

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use secateur::data::{Images, Shape};
use secateur::export::{Blob, export};
use secateur::failure::Failure;
use secateur::rig::blob::{self, Proof, Subject};
use secateur::rig::emulated::Emulated;
use secateur::rig::link::{Link, Patience};
use secateur::rig::target::{Reach, Target};
use secateur::rig::verify::{Options, verify_with};
use secateur::rig::{flash, hil, image, serial, uf2};
use secateur_tests::untrained::{Noise, untrained};

use pty::{Linked, Pty};

const BOARD: &str = "netduinoplus2";

fn images(count: usize) -> Images {
    let shape = Shape { height: 28, width: 28, channels: 1 };
    let pixels = Noise(3).bytes(count * shape.values()).into_iter().map(i8::cast_unsigned).collect();
    Images { shape, pixels, labels: vec![0; count] }
}

#[test]
fn a_board_behind_a_serial_port_is_proved_as_it_is_flashed() -> Result<()> {
    let linked = Linked::new(BOARD)?;
    let board = Pty::start(&linked)?;
    let target = Target::parse(&format!("{BOARD}@{}", board.path))?;
    assert_ne!(target.reach, Reach::Emulated);
    // What is in the file is not looked at: without a probe nothing is flashed.
    let verdict = verify_with(&target, Path::new("absent.elf"), &linked.blob, &images(3), &Options::default())?;
    assert_eq!((verdict.images, verdict.agreeing, verdict.clock_hz), (3, 3, 16_000_000));
    // QEMU has no counter of cycles.
    assert_eq!(verdict.latency, None);
    verdict.judge()
}

#[test]
fn a_board_that_restarts_hangs_or_is_unplugged_is_found_out_over_a_serial_port() -> Result<()> {
    let linked = Linked::new(BOARD)?;
    let mut board = Pty::start(&linked)?;
    let mut link = board.link()?;
    link.hello()?;
    let input = vec![0; 784];
    let expected = link.infer(&input)?;
    board.order("system_reset")?;
    let error = link.infer(&input).expect_err("it restarted").to_string();
    assert!(error.starts_with("the board restarted before it answered a part of an image"), "{error}");
    link.hello()?;
    assert_eq!(link.infer(&input)?, expected);
    board.order("stop")?;
    // A board that answers has longer: the machine may be busy.
    let mut link = link.with_patience(Patience { tries: 2, answer: Duration::from_secs(1), ..Patience::default() });
    let error = link.infer(&input).expect_err("it hangs").to_string();
    assert!(error.starts_with("the board did not answer a part of an image in 2 tries"), "{error}");
    board.order("cont")?;
    let mut link = link.with_patience(Patience::default());
    link.hello()?;
    assert_eq!(link.infer(&input)?, expected);
    board.order("quit")?;
    let error = link.infer(&input).expect_err("it is gone").to_string();
    assert!(error.starts_with("the board's line was closed before it answered a part of an image"), "{error}");
    Ok(())
}

fn missing(result: Result<Link>) -> String {
    let error = result.map(|_| ()).expect_err("refused");
    assert_eq!(error.downcast_ref::<Failure>().map(Failure::exit_code), Some(5), "{error:#}");
    format!("{error:#}")
}

#[test]
fn a_serial_port_that_cannot_be_had_is_named_with_the_way_out() -> Result<()> {
    let says = missing(serial::open("/dev/ttyACM77"));
    assert!(says.starts_with("there is no serial port /dev/ttyACM77: plug the board in, or name another"), "{says}");
    let file = tempfile::NamedTempFile::new()?;
    let says = missing(serial::open(&file.path().to_string_lossy()));
    assert!(says.contains("cannot be opened as a serial port"), "{says}");
    let linked = Linked::new(BOARD)?;
    let board = Pty::start(&linked)?;
    let mut link = board.link()?;
    let says = missing(serial::open(&board.path));
    assert!(says.contains("is in use: close the program that has it"), "{says}");
    link.hello()?;
    drop(link);
    board.link()?.hello()?;
    Ok(())
}

#[test]
fn another_model_on_a_board_that_is_not_flashed_is_named() -> Result<()> {
    let linked = Linked::new(BOARD)?;
    let board = Pty::start(&linked)?;
    let target = Target::parse(BOARD)?.by(None, Some(&board.path))?;
    let mut other = linked.blob.bytes().to_vec();
    let last = other.len() - 1;
    other[last] ^= 1;
    secateur_shared::header::seal(&mut other)?;
    let other = Blob::from_bytes(&other);
    let error = verify_with(&target, &linked.path(), &other, &images(1), &Options::default()).expect_err("another");
    assert!(error.to_string().ends_with("flash it, by `cargo xtask flash`"), "{error}");
    Ok(())
}

#[test]
fn a_model_alone_goes_only_where_its_firmware_can_run_it() -> Result<()> {
    let whole = Linked::new(BOARD)?;
    let greeting = Emulated::start(&whole.target.board, &whole.path())?.link.hello()?;
    flash::check(&greeting, &whole.target, &whole.blob, &whole.image)?;
    let lacking = Linked::with(BOARD, export(&untrained()?)?, |operator| operator != "conv2d")?;
    let lacks = Emulated::start(&lacking.target.board, &lacking.path())?.link.hello()?;
    let says = |greeting: &_, target: &Target| {
        let error = flash::check(greeting, target, &whole.blob, &whole.image).expect_err("refused");
        assert_eq!(error.downcast_ref::<Failure>().map(Failure::exit_code), Some(4));
        error.to_string()
    };
    let lacks = says(&lacks, &whole.target);
    assert!(lacks.contains("cannot take this model alone: it lacks the operators conv2d"), "{lacks}");
    assert!(lacks.ends_with("; flash the whole image, without --model-only"), "{lacks}");
    let pico = Target::parse("pico")?;
    assert!(says(&greeting, &pico).contains("it is netduinoplus2, not pico"));
    let old = secateur::rig::link::Greeting { format: 2, kernel_abi: 1, model_address: 0x0810_0000, ..greeting };
    let old = says(&old, &whole.target);
    for words in [
        "it reads blob format 2, the model has 3",
        "its weights are of kernel ABI 1, the model's of 2",
        "its model lies at 0x08100000, the image's at 0x0800",
    ] {
        assert!(old.contains(words), "`{words}` is not in: {old}");
    }
    Ok(())
}

#[test]
fn two_boards_are_proved_at_once() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("model.blob");
    std::fs::write(&path, export(&untrained()?)?.bytes())?;
    let json = folder.path().join("rows.json");
    let subject = |board| Target::parse(board).map(|target| Subject { path: path.clone(), target });
    let rows = || Ok::<serde_json::Value, anyhow::Error>(serde_json::from_slice(&std::fs::read(&json)?)?);
    let kept = folder.path().join("kept");
    let proof = |inputs, json| Proof { inputs, json, in_ram: false, kept: kept.clone(), fresh: false };
    blob::verify(&[subject(BOARD)?, subject("pico")?], &proof(2, Some(json.clone())))?;
    // What is done is not kept.
    assert_eq!(std::fs::read_dir(&kept)?.count(), 0);
    let both = rows()?;
    for (row, board) in [(0, BOARD), (1, "pico")] {
        assert_eq!((&both[row]["board"], &both[row]["kind"]), (&board.into(), &"emulated".into()));
        assert_eq!((&both[row]["device"]["agreeing"], &both[row]["device"]["accuracy"]), (&2.into(), &().into()));
        assert!(both[row]["linked"]["flash_bytes"].as_u64() > Some(10_000), "{both}");
    }
    // One that is not there fails alone, and with its name.
    let absent = subject("pico@/dev/ttyACM77")?;
    let error = blob::verify(&[subject(BOARD)?, absent], &proof(1, Some(json.clone()))).expect_err("one is absent");
    assert_eq!(error.downcast_ref::<Failure>().map(Failure::exit_code), Some(5));
    assert!(format!("{error:#}").starts_with("pico: there is no serial port"), "{error:#}");
    let both = rows()?;
    assert_eq!((&both[0]["error"], &both[1]["device"]), (&().into(), &().into()));
    assert!(both[1]["error"].as_str().is_some_and(|error| error.starts_with("there is no serial port")), "{both}");
    let error = blob::verify(&[subject("pico")?, subject("pico")?], &proof(1, None)).expect_err("twice");
    assert_eq!(error.to_string(), "pico is named twice: leave one out, or say where the other is");
    Ok(())
}

#[test]
fn a_uf2_file_holds_what_the_image_loads() -> Result<()> {
    let linked = Linked::new("pico")?;
    let loaded = image::loaded(&linked.image)?;
    let file = uf2::encode(&linked.target.board, &loaded)?;
    let word = |block: &[u8], index: usize| u32::from_le_bytes(block[4 * index..][..4].try_into().expect("four bytes"));
    let origin = linked.target.board.flash.origin;
    let mut flash = vec![None; linked.target.board.flash.bytes as usize];
    for block in file.chunks(512) {
        assert_eq!((word(block, 0), word(block, 7), word(block, 127)), (0x0A32_4655, 0xE48B_FF56, 0x0AB1_6F30));
        let at = (word(block, 3) - origin) as usize;
        for (place, byte) in flash[at..].iter_mut().zip(&block[32..][..word(block, 4) as usize]) {
            assert_eq!(place.replace(*byte), None, "written twice");
        }
    }
    let measured = image::measure(&linked.image, &linked.target.board)?;
    let end = loaded.iter().map(|(address, bytes)| address - origin + bytes.len() as u32).max();
    assert_eq!(end, Some(measured.flash_bytes));
    for (address, bytes) in loaded {
        let at = (address - origin) as usize;
        let written: Option<Vec<u8>> = flash[at..][..bytes.len()].iter().copied().collect();
        assert_eq!(written.as_deref(), Some(bytes), "{address:#010x}");
        flash[at..][..bytes.len()].fill(Some(0xFF));
    }
    assert!(flash.iter().all(|byte| byte.is_none_or(|byte| byte == 0xFF)), "the rest is as erased");
    Ok(())
}

#[test]
fn a_board_on_the_desk_without_a_probe_says_what_to_do() -> Result<()> {
    let linked = Linked::new("nucleo-f446re")?;
    let error = linked.target.start(&linked.path()).map(|_| ()).expect_err("no probe");
    assert_eq!(error.downcast_ref::<Failure>().map(Failure::exit_code), Some(5));
    let says = error.to_string();
    assert!(says.contains("--features probe") || says.starts_with("no debug probe is connected"), "{says}");
    // Its tests are no pass either.
    let error = hil::run(&["nucleo-f446re".to_owned()], None).expect_err("no probe");
    assert_eq!(error.downcast_ref::<Failure>().map(Failure::exit_code), Some(5), "{error:#}");
    Ok(())
}
