//! A flashing of the model that was cut off at any byte is named, and the next one runs.

use crate::place::{Running, input, on_every_board};
use anyhow::Result;
use secateur_shared::{Refusal, header};

#[test]
fn a_flashing_that_was_cut_off_is_named_and_the_next_one_runs() -> Result<()> {
    on_every_board(|bench| {
        let blob = bench.blob.bytes();
        // Another network of the same shapes was there before.
        let mut old = blob.to_vec();
        old[blob.len() - 40..].iter_mut().for_each(|byte| *byte ^= 1);
        header::seal(&mut old)?;
        let erased = vec![0xFF; blob.len()];
        let points = [0, 1, 4, 7, 8, 12, 15, 16, 100, blob.len() / 2, blob.len() - 1];
        for (cut, behind) in points.iter().flat_map(|cut| [(*cut, &erased), (*cut, &old)]) {
            let model = [&blob[..cut], &behind[cut..]].concat();
            let found = Running::start(bench, &bench.image_of(&model)?)?.link().hello()?.model;
            // Where the two are equal up to the cut, the old one is whole.
            let whole = [&old[..], blob].into_iter().find(|whole| *whole == model);
            match (found, whole) {
                (found, Some(whole)) => assert_eq!(found, Ok(header::identity(whole)), "{cut}"),
                (Err(refusal), None) => assert!(names_a_cut(refusal), "{cut}: {refusal:?}"),
                (Ok(found), None) => panic!("{cut}: it runs {found:08x}"),
            }
        }
        let mut board = Running::start(bench, &bench.image()?)?;
        assert_eq!(board.link().hello()?.model, Ok(bench.blob.model()?.identity()));
        assert_eq!(board.link().infer(&input())?, bench.on_desk(&input())?.0);
        Ok(())
    })
}

fn names_a_cut(refusal: Refusal) -> bool {
    use Refusal::{Checksum, CutOff, FormatVersion, KernelAbi, NoModel};
    matches!(refusal, NoModel | Checksum | CutOff | FormatVersion(_) | KernelAbi(_))
}
