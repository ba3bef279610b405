//! A flashing that was cut off after any byte: erased flash or the model before lies behind. It is refused until the whole model
//! is there.

use crate::blob::{blob, blobs, noise, payload, run, valid};
use crate::session::network;
use proptest::prelude::*;
use secateur_shared::{Model, Refusal};

/// The refusals at every cut of a blob over what was there before; it is accepted where the two are whole only.
fn check(new: &[u8], before: &[u8]) -> Result<(), TestCaseError> {
    let mut behind = before.to_vec();
    behind.resize(before.len().max(new.len()), 0xFF);
    for cut in 0..=new.len() {
        let flash = [&new[..cut], &behind[cut..]].concat();
        let found = run(&flash);
        if flash[..new.len()] == *new || flash.starts_with(before) && !before.is_empty() {
            prop_assert_eq!(found, Ok(()), "{}", cut);
        } else {
            let named = matches!(
                found,
                Err(Refusal::NoModel
                    | Refusal::CutOff
                    | Refusal::Checksum
                    | Refusal::FormatVersion(_)
                    | Refusal::KernelAbi(_))
            );
            prop_assert!(named, "{}: {:?}", cut, found);
        }
    }
    Ok(())
}

proptest! {
    // Each case is as many blobs as the blob has bytes.
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn over_erased_flash(blob in blobs()) {
        check(&blob, &[])?;
    }

    #[test]
    fn over_any_other_model((new, before) in (blobs(), blobs())) {
        check(&new, &before)?;
    }

    #[test]
    fn over_a_model_of_the_same_shapes((table, seeds) in (crate::tables::tables(), any::<(u32, u32)>())) {
        let of = |seed| {
            let mut noise = noise(seed);
            blob(&table, &payload(&table, &mut |field| valid(field, noise())))
        };
        check(&of(seeds.0), &of(seeds.1))?;
    }
}

#[test]
fn the_sessions_network_over_erased_flash() {
    let network = network(10);
    check(network.bytes(), &[]).expect("each cut is named");
    assert!(Model::parse(network.bytes()).is_ok());
}
