//! The network that FORMAT.md takes apart computes what FORMAT.md says.

use crate::blob::Aligned;
use secateur_firmware::Engine;
use secateur_shared::Model;

/// The bytes of FORMAT.md's example: a line is an offset, bytes in hexadecimal and words, two spaces between them.
fn example() -> Vec<u8> {
    let page = include_str!("../../../shared/FORMAT.md");
    let (_, block) = page.split_once("```blob\n").expect("FORMAT.md has the example");
    let (block, _) = block.split_once("```").expect("the example ends");
    let bytes = block.lines().flat_map(|line| line.trim_start().split("  ").nth(1).expect("bytes").split(' '));
    bytes.map(|byte| u8::from_str_radix(byte, 16).expect("hexadecimal")).collect()
}

#[test]
fn the_example_computes_what_its_page_says() {
    let blob = Aligned::new(&example());
    let mut arena = [0; 128];
    let mut engine = Engine::new(Model::parse(blob.bytes()).expect("valid"), &mut arena).expect("fits");
    let pixels = [0_u8, 64, 128, 255];
    for (value, pixel) in engine.input_hwc().iter_mut().zip(pixels) {
        *value = (i16::from(pixel) - 128) as i8;
    }
    let mut layers = Vec::new();
    engine.infer_observed(|layer, output| layers.push((layer, output.to_vec())));
    // The convolution gives -128, 46, -128, -61, of which its pool leaves 46.
    assert_eq!(layers, [(0, vec![46]), (1, vec![46, -19])]);
}
