//! Files that are cut off, damaged or made to mislead: refused with a reason, or another network, never a panic.

use super::NETWORKS;
use crate::tflite::convert;
use anyhow::Result;
use flatbuffers::FlatBufferBuilder;
use proptest::prelude::*;

fn import(bytes: &[u8]) -> Result<u32> {
    Ok(convert(bytes)?.blob.model()?.identity())
}

fn error(bytes: &[u8]) -> String {
    format!("{:#}", import(bytes).expect_err("an error"))
}

/// A file of so many graphs, each of so many inputs and an output, all of them its only tensor.
fn file(graphs: usize, inputs: usize) -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    let start = builder.start_table();
    let buffer = builder.end_table(start);
    let buffers = builder.create_vector(&[buffer]);
    let start = builder.start_table();
    let tensor = builder.end_table(start);
    let tensors = builder.create_vector(&[tensor]);
    let (inputs, outputs) = (builder.create_vector(&vec![0_i32; inputs]), builder.create_vector(&[0_i32]));
    let start = builder.start_table();
    builder.push_slot_always(4, tensors);
    builder.push_slot_always(6, inputs);
    builder.push_slot_always(8, outputs);
    let graph = builder.end_table(start);
    let graphs = builder.create_vector(&vec![graph; graphs]);
    let start = builder.start_table();
    builder.push_slot_always(4, 3_u32);
    builder.push_slot_always(8, graphs);
    builder.push_slot_always(12, buffers);
    let model = builder.end_table(start);
    builder.finish(model, Some("TFL3"));
    builder.finished_data().to_vec()
}

#[test]
fn other_files_are_named() {
    assert_eq!(error(b"TFL3"), "it has 4 bytes, fewer than the smallest network: is it cut off?");
    assert_eq!(error(&[0; 100]), "it does not begin as a .tflite file does (`TFL3` at byte 4)");
    let damaged = "it is cut off or damaged, or no network: ";
    let several = "2 graphs, this program runs networks of one: control flow is not supported";
    assert_eq!(error(&file(2, 1)), format!("{damaged}it has {several}"));
    assert_eq!(error(&file(1, 2)), format!("{damaged}it has 2 inputs, this program runs networks of one"));
    assert!(error(&file(1, 1)).starts_with("the output: tensor 0 `` is FLOAT32"), "{}", error(&file(1, 1)));
}

#[test]
fn a_cut_off_file_is_an_error_at_every_length() {
    for length in 0..NETWORKS[0].len() {
        assert!(import(&NETWORKS[0][..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn a_message_says_where_a_cut_off_file_ends() {
    let message = error(&NETWORKS[0][..NETWORKS[0].len() / 2]);
    assert!(message.contains("cut off") && message.contains("out of bounds"), "{message}");
}

/// Damage of a file: which, bytes to overwrite, and what with.
fn damage() -> impl Strategy<Value = (usize, Vec<(prop::sample::Index, u8)>)> {
    let byte = prop_oneof![any::<u8>(), Just(0), Just(1), Just(4), Just(127), Just(128), Just(255)];
    (0..NETWORKS.len(), prop::collection::vec((any::<prop::sample::Index>(), byte), 1..6))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]
    #[test]
    fn a_damaged_file_never_panics((network, changes) in damage()) {
        let mut bytes = NETWORKS[network].to_vec();
        for (index, value) in changes {
            let index = index.index(bytes.len());
            bytes[index] = value;
        }
        let _ = import(&bytes);
    }

    #[test]
    fn noise_never_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = import(&bytes);
        if let Some(magic) = bytes.get_mut(4..8) {
            magic.copy_from_slice(b"TFL3");
        }
        let _ = import(&bytes);
    }
}
