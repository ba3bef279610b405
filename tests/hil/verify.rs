//! The proof goes on where it was cut off, from flash and from RAM.

use crate::place::{Image, VALUES, on_every_board, turn};
use anyhow::Result;
use secateur::data::{Images, Shape};
use secateur::rig::desk;
use secateur::rig::target::Reach;
use secateur::rig::verify::{Options, verify_with};
use secateur_shared::header;
use secateur_tests::untrained::Noise;
use std::path::PathBuf;

const IMAGES: usize = 4;

fn images() -> Images {
    let pixels = Noise(3).bytes(IMAGES * VALUES).into_iter().map(i8::cast_unsigned).collect();
    Images { shape: Shape { height: 28, width: 28, channels: 1 }, pixels, labels: vec![0; IMAGES] }
}

/// What a run that was cut off after two images kept: logits that no board gave, so that they are known again.
fn kept(images: &Images) -> Vec<u8> {
    let record = |index| {
        let input: Vec<u8> = desk::input_hwc(images.image(index)).into_iter().map(i8::cast_unsigned).collect();
        [&header::crc32(&input).to_le_bytes()[..], &[0; 4], &[7; 10]].concat()
    };
    (0..2).flat_map(record).collect()
}

#[test]
fn a_proof_takes_up_what_was_kept_and_leaves_no_progress() -> Result<()> {
    on_every_board(|bench| {
        let (image, images, _turn) = (Image::new(&bench.image()?)?, images(), turn(bench));
        let progress: PathBuf = image.path().with_extension("part");
        let kept = kept(&images);
        let prove = |fresh, in_ram| {
            let options = Options { in_ram, progress: Some(progress.clone()), fresh, ..Options::default() };
            verify_with(&bench.target, &image.path(), &bench.blob, &images, &options)
        };
        std::fs::write(&progress, &kept)?;
        let verdict = prove(false, false)?;
        assert_eq!((verdict.images, verdict.agreeing), (IMAGES, 2));
        let difference = verdict.difference.as_ref().expect("made up");
        assert_eq!((difference.image, &*difference.layer), (0, "run again, no layer differs"));
        assert!(verdict.judge().is_err() && !progress.exists());
        std::fs::write(&progress, &kept)?;
        let verdict = prove(true, false)?;
        assert_eq!(verdict.agreeing, IMAGES);
        assert!(
            bench.target.reach != Reach::Emulated || verdict.latency.is_none(),
            "an emulator's time is not a chip's"
        );
        verdict.judge()?;
        assert_eq!(prove(false, true)?.agreeing, IMAGES);
        Ok(())
    })
}
