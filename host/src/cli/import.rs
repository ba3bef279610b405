//! The words of `import`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::failure::Failure;
use crate::network::backend::Backend;
use crate::network::import::{Plan, TheirInput};

#[derive(Debug, Args)]
pub(super) struct ImportWords {
    /// Weights that PyTorch saved (.pth, .pt; the pickle is read, never executed), or safetensors.
    #[arg(value_name = "WEIGHTS")]
    weights: PathBuf,
    /// The network's layers: a named architecture (vgg-small, vgg11, vgg13, vgg16) or a specification such as
    /// 32,P,64,P,F128; the layer to the classes is implied.
    #[arg(long)]
    arch: String,
    /// The data set that it was trained on: a name or a folder, as for `train`. Its images say the network's input, its
    /// classes and its accuracy, and their statistics stand in where a layer has no batch norm.
    #[arg(long, value_name = "NAME|DIR")]
    data: String,
    /// Lines `conv1 = features.0`, `conv1.norm = features.1`, .. where the rule of names does not fit.
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// The mean that its input was normalized by, for pixels of 0 to 1, one or one for each channel: 0.485,0.456,0.406.
    #[arg(long, value_delimiter = ',', default_value = "0")]
    mean: Vec<f32>,
    /// The deviation that its input was normalized by, likewise; 0.003921569 where it took pixels of 0 to 255.
    #[arg(long, value_delimiter = ',', default_value = "1")]
    std: Vec<f32>,
    /// What its batch norms add to the variance.
    #[arg(long, default_value_t = 1e-5)]
    epsilon: f32,
    /// The part of burn that runs the network.
    #[arg(long, value_enum, default_value_t)]
    backend: Backend,
    /// Where the network goes [default: out/<WEIGHTS>-<data>.safetensors].
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write the figures to FILE.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl ImportWords {
    pub(super) fn plan(self) -> Result<Plan> {
        self.backend.choose()?;
        let input = TheirInput { mean: self.mean, std: self.std };
        input.check()?;
        if !(self.epsilon > 0.0 && self.epsilon < 1.0) {
            let message = format!("--epsilon {} is not between 0 and 1: PyTorch's is 1e-5", self.epsilon);
            return Err(Failure::Usage(message).into());
        }
        Ok(Plan {
            weights: self.weights,
            arch: self.arch.parse()?,
            data: self.data,
            map: self.map,
            input,
            epsilon: self.epsilon,
            output: self.output,
            json: self.json,
        })
    }
}
