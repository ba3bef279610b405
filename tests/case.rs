//! The golden cases, as tests/golden/README.md describes them.

use anyhow::{Context, Result, ensure};
use secateur::export::{Blob, export};
use secateur::quantize::{IntegerNetwork, LayerParameters};
use secateur_firmware::Engine;
use secateur_shared::layer::{Conv2d, Layer, Linear, Padding, Pool2d, Shape, Window};
use secateur_shared::quant::{Activation, Multiplier, ZeroPoint};
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
    layers: Vec<CaseLayer>,
    /// Of each layer, HWC.
    pub expected: Vec<Vec<i8>>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
enum CaseLayer {
    Conv2d {
        kernel_hw: (u8, u8),
        stride: u8,
        padding: CasePadding,
        outputs: u16,
        activation: CaseActivation,
        weights_ohwi: Vec<i8>,
        weight_scales: Vec<f32>,
        bias: Vec<i32>,
        output_scale: f32,
        output_zero_point: i8,
    },
    MaxPool2d {
        window: u8,
        stride: u8,
    },
    Linear {
        outputs: u16,
        activation: CaseActivation,
        weights_oi: Vec<i8>,
        weight_scales: Vec<f32>,
        bias: Vec<i32>,
        output_scale: f32,
        output_zero_point: i8,
    },
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CasePadding {
    Same,
    Valid,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CaseActivation {
    None,
    Relu,
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
        let mut scale = self.input_scale;
        for layer in &self.layers {
            let parameters = layer.parameters(scale)?;
            network.push(layer.layer(network.table().end()?.0)?, parameters)?;
            scale = layer.output_scale().unwrap_or(scale);
        }
        Ok(network)
    }

    /// The number of the last of the case's layers that each layer of the table computes: a convolution may pool.
    fn ends(network: &IntegerNetwork) -> Vec<usize> {
        let mut next = 0;
        let layers = network.table().nodes.iter().map(|node| {
            next += if matches!(node.layer, Layer::Conv2d(conv) if conv.is_pooled) { 2 } else { 1 };
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

impl CaseLayer {
    fn layer(&self, input: Shape) -> Result<Layer> {
        let at = |zero_point, activation| {
            let zero_point = ZeroPoint(zero_point);
            match activation {
                CaseActivation::None => (zero_point, Activation::NONE),
                CaseActivation::Relu => (zero_point, Activation::relu(zero_point)),
            }
        };
        Ok(match *self {
            Self::Conv2d { kernel_hw, stride, padding, outputs, activation, output_zero_point, .. } => {
                let (zero_point, activation) = at(output_zero_point, activation);
                let padding = match padding {
                    CasePadding::Same => Padding::Same,
                    CasePadding::Valid => Padding::Valid,
                };
                let window = padding.window((input.height, input.width), kernel_hw, (stride, stride));
                let window = window.context("a size of zero")?;
                Layer::Conv2d(Conv2d { outputs, window, is_pooled: false, zero_point, activation })
            }
            Self::MaxPool2d { window, stride } => Layer::MaxPool2d(Pool2d {
                window: Window { stride_hw: (stride, stride), ..Window::tiles(window) },
                activation: Activation::NONE,
            }),
            Self::Linear { outputs, activation, output_zero_point, .. } => {
                let (zero_point, activation) = at(output_zero_point, activation);
                Layer::Linear(Linear { outputs, zero_point, activation })
            }
        })
    }

    fn output_scale(&self) -> Option<f32> {
        match *self {
            Self::Conv2d { output_scale, .. } | Self::Linear { output_scale, .. } => Some(output_scale),
            Self::MaxPool2d { .. } => None,
        }
    }

    /// M = s_in * s_w / s_out in f64, one scale standing for all outputs.
    fn parameters(&self, input_scale: f32) -> Result<Option<LayerParameters>> {
        let (outputs, weights, scales, bias, output_scale) = match self {
            Self::Conv2d { outputs, weights_ohwi, weight_scales, bias, output_scale, .. } => {
                (*outputs, weights_ohwi, weight_scales, bias, *output_scale)
            }
            Self::Linear { outputs, weights_oi, weight_scales, bias, output_scale, .. } => {
                (*outputs, weights_oi, weight_scales, bias, *output_scale)
            }
            Self::MaxPool2d { .. } => return Ok(None),
        };
        let multiplier = |scale: &f32| {
            let real = f64::from(input_scale) * f64::from(*scale) / f64::from(output_scale);
            Multiplier::from_real(real).with_context(|| format!("the multiplier {real} is out of range"))
        };
        let mut multipliers = scales.iter().map(multiplier).collect::<Result<Vec<Multiplier>>>()?;
        if let [only] = multipliers[..] {
            multipliers = vec![only; outputs.into()];
        }
        Ok(Some(LayerParameters { bias: bias.clone(), multipliers, weights: weights.clone() }))
    }
}
