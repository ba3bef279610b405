//! Format version 3, byte for byte. A change here is a change of `FORMAT_VERSION`.

use super::example::{blob, parse, payload, table};
use secateur_shared::header::{self, FORMAT_VERSION, HEADER_BYTES, KERNEL_ABI};
use secateur_shared::layer::{Head, OPERATORS, Record};
use secateur_shared::memory;

const PINNED: &str = "
    53435452 0300 0200 74000000 fc22b703
    020002000100 00000000 80 02
    00 00 01 80 0100 807f 0202 0101 0000 0101 04000000 08000000
    02 00 00 03 0200 807f 0000000000000000 00000000 08000000
    00000000
    64ffffff 00000060 01fe03fc fe 000000
    fb070000 07f8ffff 00000040 00000040 10f0 fbfa
";

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&String::from_iter(pair), 16).expect("hexadecimal");
    digits.chunks(2).map(byte).collect()
}

#[test]
fn the_example_is_these_bytes() {
    assert_eq!((FORMAT_VERSION, KERNEL_ABI), (3, 2));
    assert_eq!(blob(&table(), &payload()), from_hex(PINNED));
    assert_eq!(memory::blob_bytes(&table()), Ok(from_hex(PINNED).len() as u32));
}

#[test]
fn operators_are_numbered_as_they_are_listed() {
    for (number, name) in OPERATORS.into_iter().enumerate() {
        let mut bytes = [0_u8; size_of::<Record>()];
        bytes[0] = number as u8;
        let node = bytemuck::cast::<_, Record>(bytes).node().expect("an operator");
        assert_eq!(node.layer.operator(), name);
    }
    assert_eq!(bytemuck::cast::<_, Record>([OPERATORS.len() as u8; size_of::<Record>()]).node(), None);
}

#[test]
fn these_bytes_are_the_example() {
    parse(&from_hex(PINNED), |model| {
        let model = model.expect("valid");
        assert_eq!(model.table(), table());
        let steps: Vec<_> = model.steps().map(|step| step.expect("fits")).collect();
        let convolution = model.parameters(&steps[0]).expect("has weights");
        assert_eq!((convolution.bias, convolution.mantissas), (&[-156][..], &[0x6000_0000][..]));
        assert_eq!((convolution.exponents, convolution.weights), (&[-2][..], &[1, -2, 3, -4][..]));
        let linear = model.parameters(&steps[1]).expect("has weights");
        assert_eq!((linear.bias, linear.mantissas), (&[2043, -2041][..], &[0x4000_0000; 2][..]));
        assert_eq!((linear.exponents, linear.weights), (&[-5, -6][..], &[16, -16][..]));
    });
}

#[test]
fn the_written_page_takes_the_same_bytes_apart() {
    let page = include_str!("../../FORMAT.md");
    let (_, block) = page.split_once("```blob\n").expect("FORMAT.md has the example");
    let (block, _) = block.split_once("```").expect("the example ends");
    let mut written = Vec::new();
    for line in block.lines() {
        let mut columns = line.trim_start().splitn(3, "  ");
        let offset: usize = columns.next().expect("an offset").trim().parse().expect("a decimal offset");
        assert_eq!(offset, written.len(), "{line}");
        written.extend(from_hex(columns.next().expect("bytes")));
    }
    assert_eq!(written, from_hex(PINNED));
}

#[test]
fn the_identity_is_the_checksum() {
    let blob = from_hex(PINNED);
    let checksum = u32::from_le_bytes([blob[12], blob[13], blob[14], blob[15]]);
    assert_eq!(header::identity(&blob), checksum);
    parse(&blob, |model| assert_eq!(model.expect("valid").identity(), checksum));
}

#[test]
fn what_follows_a_blob_in_flash_is_left_alone() {
    let erased = [from_hex(PINNED), vec![0xFF; 100]].concat();
    parse(&erased, |model| assert!(model.is_ok()));
}

/// The table is postcard's encoding, and what a chip reads where it lies.
#[test]
fn postcard_and_memory_read_the_same_table() {
    let bytes = from_hex(PINNED);
    let table = &bytes[HEADER_BYTES..][..size_of::<(Head, [Record; 2])>()];
    let (head, records): (Head, [Record; 2]) = postcard::from_bytes(table).expect("decodes");
    let (in_place, rest) = table.split_at(size_of::<Head>());
    assert_eq!(*bytemuck::from_bytes::<Head>(in_place), head);
    assert_eq!(*bytemuck::cast_slice::<u8, Record>(rest), records);
}
