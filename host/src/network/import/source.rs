//! The tensors of a file that another program wrote: a checkpoint of PyTorch, whose pickle is read and never
//! executed, or safetensors. Both come as names and shapes first; a tensor's numbers are read once its shape is known to fit.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use half::{bf16, f16};
use pytorch_reader::{DType, PytorchReader, Tensor};
use safetensors::{Dtype, SafeTensors};

use crate::failure::Failure;
use crate::network::checkpoint::KEY;

/// Shapes by name.
pub(super) type Shapes = BTreeMap<String, Vec<usize>>;

/// A file's tensors.
pub(super) struct Source {
    /// The shape of each, `[]` for a single number.
    pub(super) shapes: Shapes,
    file: File,
}

enum File {
    Torch(HashMap<String, Tensor>),
    Safetensors(Vec<u8>),
}

/// How a file writes its numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Number {
    F64,
    F32,
    F16,
    BF16,
}

impl Source {
    /// Opens a file; its extension says what it should be.
    ///
    /// # Errors
    /// An extension that is neither PyTorch's nor safetensors'; a file that is absent, cut, damaged, or holds no tensor.
    pub(super) fn open(path: &Path) -> Result<Source> {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let source = match extension.as_str() {
            "pth" | "pt" => torch(path),
            "safetensors" => plain(path),
            _ => return Err(Failure::Usage(unknown(&extension)).into()),
        }?;
        ensure!(!source.shapes.is_empty(), "the file holds no tensor: save the model's state_dict()");
        Ok(source)
    }

    /// A tensor's numbers, row by row.
    ///
    /// # Errors
    /// No such tensor, a damaged file, numbers that are integers or not finite.
    pub(super) fn read(&self, name: &str) -> Result<Vec<f32>> {
        let values = match &self.file {
            File::Torch(tensors) => {
                let tensor = tensors.get(name).with_context(|| format!("{name} is not in the file"))?;
                let number = torch_number(tensor.dtype()).with_context(|| integers(name, tensor.dtype()))?;
                floats(&tensor.read()?, number)
            }
            File::Safetensors(bytes) => {
                let file = SafeTensors::deserialize(bytes)?;
                let tensor = file.tensor(name)?;
                let number = plain_number(tensor.dtype()).with_context(|| integers(name, tensor.dtype()))?;
                floats(tensor.data(), number)
            }
        };
        match values.iter().position(|value| !value.is_finite()) {
            Some(index) => Err(anyhow!(
                "{name} holds {} at index {index}, which is no number of 32 bits: take weights of a training that did not diverge",
                values[index]
            )),
            None => Ok(values),
        }
    }
}

fn unknown(extension: &str) -> String {
    let text = match extension {
        "onnx" => {
            "ONNX is not read; in PyTorch write the weights by torch.save(model.state_dict(), \"model.pth\") and import that"
        }
        _ => "only .pth, .pt and .safetensors are read: save the weights as one of these",
    };
    text.to_owned()
}

fn integers(name: &str, kind: impl std::fmt::Debug) -> String {
    format!("{name} holds {kind:?}: save the float weights, not quantised ones")
}

fn torch(path: &Path) -> Result<Source> {
    let advice = "the file is cut, damaged or no checkpoint of PyTorch: write it again by torch.save(model.state_dict(), \"model.pth\")";
    std::fs::metadata(path).context("cannot be read")?;
    let tensors = PytorchReader::new(path).map_err(|why| anyhow!("{why}: {advice}"))?.into_tensors();
    let shapes = tensors.iter().map(|(name, tensor)| (name.clone(), tensor.shape().to_vec())).collect();
    Ok(Source { shapes, file: File::Torch(tensors) })
}

fn plain(path: &Path) -> Result<Source> {
    let bytes = std::fs::read(path).context("cannot be read")?;
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|why| anyhow!("no safetensors file ({why}): the file is cut or damaged, write it again"))?;
    let (_, metadata) = SafeTensors::read_metadata(&bytes)?;
    let ours = metadata.metadata().as_ref().is_some_and(|all| all.contains_key(KEY));
    ensure!(!ours, "the file is a network of this program already: give it to the other verbs by --network");
    let shapes = file.iter().map(|(name, tensor)| (name.to_owned(), tensor.shape().to_vec())).collect();
    Ok(Source { shapes, file: File::Safetensors(bytes) })
}

fn torch_number(kind: DType) -> Option<Number> {
    match kind {
        DType::F64 => Some(Number::F64),
        DType::F32 => Some(Number::F32),
        DType::F16 => Some(Number::F16),
        DType::BF16 => Some(Number::BF16),
        _ => None,
    }
}

fn plain_number(kind: Dtype) -> Option<Number> {
    match kind {
        Dtype::F64 => Some(Number::F64),
        Dtype::F32 => Some(Number::F32),
        Dtype::F16 => Some(Number::F16),
        Dtype::BF16 => Some(Number::BF16),
        _ => None,
    }
}

/// Little-endian numbers; one of 64 bits that is too large for 32 becomes infinite.
fn floats(bytes: &[u8], number: Number) -> Vec<f32> {
    match number {
        Number::F64 => bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes) as f32).collect(),
        Number::F32 => bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        Number::F16 => bytes.as_chunks::<2>().0.iter().map(|bytes| f16::from_le_bytes(*bytes).to_f32()).collect(),
        Number::BF16 => bytes.as_chunks::<2>().0.iter().map(|bytes| bf16::from_le_bytes(*bytes).to_f32()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_number_becomes_the_same() {
        let value = -1.5_f32;
        let bytes: [(Number, Vec<u8>); 4] = [
            (Number::F64, f64::from(value).to_le_bytes().to_vec()),
            (Number::F32, value.to_le_bytes().to_vec()),
            (Number::F16, f16::from_f32(value).to_le_bytes().to_vec()),
            (Number::BF16, bf16::from_f32(value).to_le_bytes().to_vec()),
        ];
        for (number, bytes) in bytes {
            assert_eq!(floats(&bytes.repeat(3), number), [value; 3], "{number:?}");
        }
    }

    #[test]
    fn other_kinds_of_files_are_refused_with_the_way_round() {
        let refused = |name: &str| Source::open(Path::new(name)).err().expect("refused").to_string();
        assert!(refused("model.onnx").contains("state_dict"), "{}", refused("model.onnx"));
        assert!(refused("model.h5").contains(".safetensors"), "{}", refused("model.h5"));
        assert!(refused("model").contains(".pth"), "{}", refused("model"));
    }
}
