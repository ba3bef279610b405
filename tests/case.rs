//! The golden cases, as tests/golden/README.md describes them.

mod layers;

use self::layers::Layer;
use anyhow::{Context, Result, ensure};
use secateur::export::{Blob, export};
use secateur::quantize::IntegerNetwork;
use secateur_firmware::Engine;
use secateur_shared::layer::{self, Shape};
use secateur_shared::quant::ZeroPoint;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A network, an input and every layer's output.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Folder and file, for messages.
    #[serde(skip)]
    pub name: String,
    /// Who computed `expected`.
    pub oracle: String,
    input_hwc: (u16, u16, u16),
    input_scale: f32,
    input_zero_point: i8,
    /// HWC.
    pub input: Vec<i8>,
    layers: Vec<Layer>,
    /// Of each layer, HWC.
    pub expected: Vec<Vec<i8>>,
}

/// Every folder of golden cases.
///
/// # Errors
/// Where there is none.
pub fn folders() -> Result<Vec<PathBuf>> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let is_hidden = |path: &Path| path.file_name().is_none_or(|name| name.to_string_lossy().starts_with(['.', '_']));
    let folders: Vec<PathBuf> =
        entries(&golden)?.into_iter().filter(|path| path.is_dir() && !is_hidden(path)).collect();
    ensure!(!folders.is_empty(), "no folders of cases in {}", golden.display());
    Ok(folders)
}

/// Every case of a folder.
///
/// # Errors
/// Where there is none, or one that does not read.
pub fn cases(folder: &Path) -> Result<Vec<Case>> {
    let files =
        entries(folder)?.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let cases = files.map(|path| Case::read(&path).with_context(|| path.display().to_string()));
    let cases = cases.collect::<Result<Vec<Case>>>()?;
    ensure!(!cases.is_empty(), "no cases in {}", folder.display());
    Ok(cases)
}

/// The cases of the folder of this name.
///
/// # Errors
/// As [`cases`].
pub fn cases_of(folder: &str) -> Result<Vec<Case>> {
    cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(folder))
}

/// The paths in a folder, in order of name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>>>()?;
    paths.sort();
    Ok(paths)
}

/// Shape and zero point of the tensor so many before the last one.
fn tensor(network: &IntegerNetwork, back: u8) -> Result<(Shape, ZeroPoint)> {
    let mut steps = network.table().steps();
    for step in steps.by_ref() {
        step?;
    }
    let tensors = steps.tensors();
    let index = tensors.len().checked_sub(1 + usize::from(back));
    let tensor = index.and_then(|index| tensors.get(index)).context("no tensor so far back")?;
    Ok((tensor.shape, tensor.zero_point))
}

impl Case {
    fn read(path: &Path) -> Result<Self> {
        let mut case: Self = serde_json::from_slice(&std::fs::read(path)?)?;
        let names = path.with_extension("");
        let names: Vec<_> = names.iter().rev().take(2).map(|name| name.to_string_lossy()).collect();
        case.name = format!("{}/{}", names[1], names[0]);
        Ok(case)
    }

    /// The network, as it would come out of quantisation.
    ///
    /// # Errors
    /// Where a layer does not fit the one before, or a multiplier is out of range.
    pub fn network(&self) -> Result<IntegerNetwork> {
        let (height, width, channels) = self.input_hwc;
        let mut network = IntegerNetwork::new(Shape { height, width, channels }, ZeroPoint(self.input_zero_point));
        let mut scales = vec![self.input_scale];
        for case in &self.layers {
            // Which of all tensors so far, 0 being the last.
            let back = |tensor: usize| scales.len().checked_sub(1 + tensor).context("no tensor so far back");
            let from = case.from.unwrap_or(0);
            let [from_index, other_index] = [back(from.into())?, back(case.op.other().unwrap_or(0).into())?];
            let inputs = [scales[from_index], scales[other_index]];
            let input = tensor(&network, from)?;
            let (layer, parameters) = (case.op.layer(input, inputs)?, case.op.parameters(inputs)?);
            match case.from {
                Some(from) => network.push_from(layer, from, parameters)?,
                None => network.push(layer, parameters)?,
            }
            scales.push(case.op.output_scale().unwrap_or(inputs[0]));
        }
        Ok(network)
    }

    /// The number of the last of the case's layers that each layer of the table computes: a convolution may pool.
    fn ends(network: &IntegerNetwork) -> Vec<usize> {
        let mut next = 0;
        let layers = network.table().nodes.iter().map(|node| {
            next += if matches!(node.layer, layer::Layer::Conv2d(conv) if conv.is_pooled) { 2 } else { 1 };
            next - 1
        });
        layers.collect()
    }

    /// Its blob.
    ///
    /// # Errors
    /// As [`Case::network`], and where the format's bounds refuse it.
    pub fn blob(&self) -> Result<Blob> {
        export(&self.network()?)
    }

    /// The output of each layer of the table, as the engine computes it here, and the number of the case's that it is.
    ///
    /// # Errors
    /// As [`Case::blob`].
    pub fn outputs(&self) -> Result<Vec<(usize, Vec<i8>)>> {
        let network = self.network()?;
        let (blob, ends) = (export(&network)?, Self::ends(&network));
        let model = blob.model()?;
        let mut arena = vec![0; model.arena_bytes() as usize];
        let mut engine = Engine::new(model, &mut arena)?;
        let input = engine.input_hwc();
        ensure!(input.len() == self.input.len(), "{} inputs for a tensor of {}", self.input.len(), input.len());
        input.copy_from_slice(&self.input);
        let mut outputs = Vec::new();
        engine.infer_observed(|layer, output| outputs.push((ends[layer], output.to_vec())));
        Ok(outputs)
    }
}
