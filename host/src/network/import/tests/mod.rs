//! Fixtures: a small network as PyTorch writes it, in two files, and what it answers (`make.py` made them).

mod answers;
mod hostile;
mod placed;
mod refused;

use std::path::{Path, PathBuf};

use safetensors::{Dtype, serialize, tensor::TensorView};

use super::source::Source;
use super::{Imported, Plan, TheirInput, import};
use crate::data::{DataSet, Images, Shape};

const SHAPE: Shape = Shape { height: 5, width: 6, channels: 2 };
const CLASSES: usize = 3;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/network/import/tests").join(name)
}

/// The fixture's images and the logits that belong to them.
fn known() -> (Images, Vec<f32>) {
    let text = std::fs::read_to_string(fixture("tiny.txt")).expect("a fixture");
    let mut lines = text.lines();
    let (mut pixels, mut logits) = (Vec::new(), Vec::new());
    while let (Some(image), Some(answer)) = (lines.next(), lines.next()) {
        pixels.extend(image.split(' ').map(|pixel| pixel.parse::<u8>().expect("a pixel")));
        logits.extend(answer.split(' ').map(|logit| logit.parse::<f32>().expect("a logit")));
    }
    let labels = vec![0; logits.len() / CLASSES];
    (Images { shape: SHAPE, pixels, labels }, logits)
}

fn data() -> DataSet {
    let (images, _) = known();
    let [train, validation, test] = [images.clone(), images.clone(), images];
    DataSet { name: "tiny".to_owned(), classes: CLASSES, train, validation, test }
}

fn plan(weights: PathBuf) -> Plan {
    Plan {
        weights,
        arch: "3,P,4,F5".parse().expect("an architecture"),
        data: "tiny".to_owned(),
        map: None,
        input: TheirInput { mean: vec![0.2], std: vec![60.0 / 255.0, 80.0 / 255.0] },
        epsilon: 1e-5,
        output: None,
        json: None,
    }
}

fn refusal(plan: &Plan) -> String {
    format!("{:#}", import(plan, &data()).err().expect("refused"))
}

/// A tensor in a file.
type Entry = (String, Vec<usize>, Vec<f32>);

/// The fixture's float tensors.
fn entries() -> Vec<Entry> {
    let source = Source::open(&fixture("tiny.safetensors")).expect("a fixture");
    let floats = source.shapes.iter().filter(|(name, _)| !name.ends_with("num_batches_tracked"));
    floats.map(|(name, shape)| (name.clone(), shape.clone(), source.read(name).expect("floats"))).collect()
}

/// These tensors as a safetensors file in a folder of their own.
fn written(entries: &[Entry]) -> (tempfile::TempDir, PathBuf) {
    let views = entries.iter().map(|(name, shape, values)| {
        (name.clone(), TensorView::new(Dtype::F32, shape.clone(), bytemuck::cast_slice(values)).expect("fits"))
    });
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("changed.safetensors");
    std::fs::write(&path, serialize(views, None).expect("serializes")).expect("writes");
    (folder, path)
}

/// The fixture with its tensors changed, imported.
fn changed(change: impl FnOnce(&mut Vec<Entry>)) -> anyhow::Result<Imported> {
    let mut entries = entries();
    change(&mut entries);
    let (_folder, path) = written(&entries);
    import(&plan(path), &data())
}
