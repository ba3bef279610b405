//! Valid blobs, damaged.

use crate::blob::{bits, blobs, flip, run};
use proptest::collection::vec;
use proptest::prelude::*;
use secateur_shared::header::HEADER_BYTES;
use secateur_shared::{Refusal, header};

proptest! {
    #[test]
    fn a_valid_blob_runs(blob in blobs()) {
        prop_assert_eq!(run(&blob), Ok(()));
    }

    #[test]
    fn flipped_bits_are_found(blob in blobs(), bits in bits()) {
        prop_assert!(run(&flip(&blob, &bits)).is_err());
    }

    #[test]
    fn flipped_bits_under_a_right_checksum_are_refused_or_run(blob in blobs(), bits in bits()) {
        let mut damaged = flip(&blob, &bits);
        header::seal(&mut damaged).expect("has a header");
        let _ = run(&damaged);
    }

    #[test]
    fn flipped_bits_of_the_table_are_refused_or_run(blob in blobs(), bits in bits()) {
        let table = &blob[HEADER_BYTES..HEADER_BYTES + 48.min(blob.len() - HEADER_BYTES)];
        let rest = &blob[HEADER_BYTES + table.len()..];
        let mut damaged = [&blob[..HEADER_BYTES], &flip(table, &bits), rest].concat();
        header::seal(&mut damaged).expect("has a header");
        let _ = run(&damaged);
    }

    #[test]
    fn random_bytes_after_a_header_are_refused_or_run(body in vec(any::<u8>(), 0..512)) {
        let mut blob = [vec![0; HEADER_BYTES], body].concat();
        header::seal(&mut blob).expect("has a header");
        let _ = run(&blob);
    }

    #[test]
    fn small_bytes_after_a_header_are_refused_or_run(body in vec(0..6_u8, 0..256)) {
        let mut blob = [vec![0; HEADER_BYTES], body].concat();
        header::seal(&mut blob).expect("has a header");
        let _ = run(&blob);
    }

    #[test]
    fn a_header_of_any_bytes_is_refused(header in vec(any::<u8>(), 0..2 * HEADER_BYTES)) {
        prop_assert!(run(&header).is_err());
    }
}

proptest! {
    // Each case is as many blobs as the blob has bytes.
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_blob_cut_off_anywhere_is_found(blob in blobs()) {
        for length in 0..blob.len() {
            prop_assert_eq!(run(&blob[..length]), Err(Refusal::CutOff));
        }
    }

    #[test]
    fn a_blob_cut_off_anywhere_under_a_right_header_is_refused(blob in blobs()) {
        for length in HEADER_BYTES..blob.len() {
            let mut cut = blob[..length].to_vec();
            header::seal(&mut cut).expect("has a header");
            prop_assert!(run(&cut).is_err(), "{length}");
        }
    }
}
