//! A network in a safetensors file: one tensor per parameter (`conv1.weight`, `conv1.norm.gamma`), the rest as JSON
//! under the metadata key `secateur`.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use safetensors::{Dtype, SafeTensors, serialize, tensor::TensorView};
use serde::{Deserialize, Serialize};

use super::weights::{BatchNorm, Layer, Network, Normalization};
use crate::data::Shape;
use crate::data::files::write_atomically;

/// Bumped when a file of the version before cannot be read any more.
const FORMAT: u32 = 1;
/// The metadata's key.
pub(super) const KEY: &str = "secateur";

/// What a file says of itself besides its tensors.
#[derive(Serialize, Deserialize)]
struct Description {
    format: u32,
    arch: String,
    input: Shape,
    classes: usize,
    data: String,
    pixel_mean: u8,
    pixel_deviation: f32,
    epsilon: f32,
}

/// One parameter: its name, its shape, its place in the network.
struct Slot<'a> {
    name: String,
    shape: Vec<usize>,
    values: &'a mut Vec<f32>,
}

impl Network {
    /// Writes the network, whole or not at all.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        write_atomically(path, &self.to_bytes()?)
    }

    /// Reads a network that `save` wrote.
    ///
    /// # Errors
    /// A file that is absent, cut or of another format; a tensor that is missing, of another shape than the
    /// architecture says, or not finite.
    pub fn load(path: &Path) -> Result<Network> {
        let bytes = std::fs::read(path)
            .with_context(|| format!("cannot read {}: name a file that `cargo xtask train` wrote", path.display()))?;
        Network::from_bytes(&bytes).with_context(|| path.display().to_string())
    }

    /// The safetensors file as bytes; the same network gives the same bytes.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut network = self.clone();
        let description = HashMap::from([(KEY.to_owned(), serde_json::to_string(&describe(self))?)]);
        let tensors = slots(&mut network)
            .into_iter()
            .map(|slot| {
                let bytes: &[u8] = bytemuck::cast_slice(slot.values.as_slice());
                Ok((slot.name, TensorView::new(Dtype::F32, slot.shape, bytes)?))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(serialize(tensors, Some(description))?)
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Network> {
        let damaged = |why: String| anyhow!("{why}: the file is cut or damaged, restore it or train again");
        let file = SafeTensors::deserialize(bytes).map_err(|why| damaged(format!("no safetensors file ({why})")))?;
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|why| damaged(why.to_string()))?;
        let json = metadata.metadata().as_ref().and_then(|all| all.get(KEY)).with_context(|| {
            format!("the file has no `{KEY}` metadata: it was not written by this program, train a network with `cargo xtask train`")
        })?;
        let mut network = blank(json)?;
        slots(&mut network).into_iter().try_for_each(|slot| fill(slot, &file))?;
        Ok(network)
    }
}

fn describe(network: &Network) -> Description {
    let epsilon = network.layers.iter().find_map(|layer| match layer {
        Layer::Conv(conv) => Some(conv.norm.epsilon),
        Layer::Hidden(hidden) => Some(hidden.norm.epsilon),
        _ => None,
    });
    Description {
        format: FORMAT,
        arch: network.arch.to_string(),
        input: network.input,
        classes: network.classes,
        data: network.data.clone(),
        pixel_mean: network.normalization.mean,
        pixel_deviation: network.normalization.deviation,
        epsilon: epsilon.unwrap_or(BatchNorm::identity(0).epsilon),
    }
}

/// The network that the description promises, without numbers.
fn blank(json: &str) -> Result<Network> {
    let about: Description = serde_json::from_str(json)
        .with_context(|| format!("cannot read the `{KEY}` metadata: train the network again"))?;
    ensure!(
        about.format == FORMAT,
        "the file has format {}, this program reads {FORMAT}: train the network again or use the program that wrote it",
        about.format
    );
    ensure!(
        about.pixel_deviation.is_finite() && about.pixel_deviation > 0.0 && about.epsilon > 0.0,
        "pixel deviation {} and epsilon {} must be above 0: train the network again",
        about.pixel_deviation,
        about.epsilon
    );
    let normalization = Normalization { mean: about.pixel_mean, deviation: about.pixel_deviation };
    let mut network = Network::blank(about.arch.parse()?, about.input, about.classes, normalization)?;
    network.data = about.data;
    for layer in &mut network.layers {
        match layer {
            Layer::Conv(conv) => conv.norm.epsilon = about.epsilon,
            Layer::Hidden(hidden) => hidden.norm.epsilon = about.epsilon,
            Layer::Pool | Layer::Classifier(_) => {}
        }
    }
    Ok(network)
}

/// All parameters in order.
fn slots(network: &mut Network) -> Vec<Slot<'_>> {
    let names = network.layer_names();
    network.layers.iter_mut().zip(names).flat_map(|(layer, name)| layer_slots(layer, &name)).collect()
}

fn layer_slots<'a>(layer: &'a mut Layer, name: &str) -> Vec<Slot<'a>> {
    let weight = |shape: &[usize], values| Slot { name: format!("{name}.weight"), shape: shape.to_vec(), values };
    match layer {
        Layer::Conv(conv) => {
            let mut all = vec![weight(&[conv.outputs, conv.inputs, 3, 3], &mut conv.weight_oihw)];
            all.extend(norm_slots(&mut conv.norm, conv.outputs, name));
            all
        }
        Layer::Pool => Vec::new(),
        Layer::Hidden(hidden) => {
            let mut all = vec![weight(&[hidden.outputs, hidden.inputs], &mut hidden.weight_oi)];
            all.extend(norm_slots(&mut hidden.norm, hidden.outputs, name));
            all
        }
        Layer::Classifier(last) => {
            let bias = Slot { name: format!("{name}.bias"), shape: vec![last.outputs], values: &mut last.bias };
            vec![weight(&[last.outputs, last.inputs], &mut last.weight_oi), bias]
        }
    }
}

fn norm_slots<'a>(norm: &'a mut BatchNorm, channels: usize, layer: &str) -> [Slot<'a>; 4] {
    let slot = |what: &str, values| Slot { name: format!("{layer}.norm.{what}"), shape: vec![channels], values };
    [
        slot("gamma", &mut norm.gamma),
        slot("beta", &mut norm.beta),
        slot("mean", &mut norm.mean),
        slot("variance", &mut norm.variance),
    ]
}

/// Takes the slot's numbers out of the file, checked.
fn fill(slot: Slot<'_>, file: &SafeTensors<'_>) -> Result<()> {
    let Slot { name, shape, values } = slot;
    let tensor = file.tensor(&name).map_err(|_| anyhow!("tensor {name} is missing: train the network again"))?;
    ensure!(
        tensor.dtype() == Dtype::F32 && tensor.shape() == shape,
        "tensor {name} is {:?} {:?}, the architecture asks for F32 {shape:?}: the file mixes two networks, train again",
        tensor.dtype(),
        tensor.shape()
    );
    *values = tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    if let Some(index) = values.iter().position(|value| !value.is_finite()) {
        anyhow::bail!(
            "tensor {name} holds {} at index {index}: train again with a lower --learning-rate",
            values[index]
        );
    }
    let negative = name.ends_with(".variance").then(|| values.iter().position(|&value| value < 0.0)).flatten();
    match negative {
        Some(index) => Err(anyhow!(
            "tensor {name} holds {} at index {index}, a variance is not negative: train again",
            values[index]
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn small() -> Network {
        let input = Shape { height: 8, width: 8, channels: 3 };
        let normalization = Normalization { mean: 120, deviation: 60.5 };
        let mut network = Network::random("4,P,5,F6".parse().unwrap(), input, 3, normalization, 1).unwrap();
        network.data = "tiny".to_owned();
        network
    }

    #[test]
    fn a_saved_network_loads_equal_and_saves_to_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/network.safetensors");
        small().save(&path).unwrap();
        let loaded = Network::load(&path).unwrap();
        assert_eq!(loaded, small());
        assert_eq!(loaded.to_bytes().unwrap(), std::fs::read(&path).unwrap());
    }

    #[test]
    fn a_file_cut_in_half_says_so() {
        let bytes = small().to_bytes().unwrap();
        for length in [0, 7, 100, bytes.len() / 2, bytes.len() - 1] {
            let message = Network::from_bytes(&bytes[..length]).unwrap_err().to_string();
            assert!(message.contains("cut or damaged"), "{message}");
        }
    }

    #[test]
    fn a_weight_that_is_no_number_is_named() {
        let mut network = small();
        let Layer::Hidden(hidden) = &mut network.layers[3] else { panic!("layer 3 is hidden1") };
        hidden.weight_oi[7] = f32::NAN;
        let message = Network::from_bytes(&network.to_bytes().unwrap()).unwrap_err().to_string();
        assert!(message.contains("hidden1.weight") && message.contains("index 7"), "{message}");
    }

    #[test]
    fn tensors_that_do_not_fit_the_architecture_are_refused() {
        let mut network = small();
        network.arch = "4,P,5,F6,F6".parse().unwrap();
        let message = Network::from_bytes(&network.to_bytes().unwrap()).unwrap_err().to_string();
        assert!(message.contains("hidden2.weight is missing"), "{message}");
        network.arch = "4,P,7,F6".parse().unwrap();
        let message = Network::from_bytes(&network.to_bytes().unwrap()).unwrap_err().to_string();
        assert!(message.contains("conv2.weight is F32 [5, 4, 3, 3]"), "{message}");
    }
}
