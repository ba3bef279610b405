//! The words of `import`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::failure::Failure;
use crate::tflite;

#[derive(Debug, Args)]
pub(super) struct ImportWords {
    /// A network quantised to int8 (.tflite), which becomes a blob; or weights that PyTorch saved (.pth, .pt; the pickle is
    /// read, never executed) or in safetensors, which become a network to prune.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where the blob goes, or the network [default: out/<FILE>-<data>.safetensors].
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write the figures to FILE.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[cfg(feature = "network")]
    #[command(flatten)]
    weights: weights::WeightsWords,
}

impl ImportWords {
    pub(super) fn run(self) -> Result<()> {
        let extension = self.file.extension().map(|extension| extension.to_ascii_lowercase());
        match extension.as_ref().and_then(|extension| extension.to_str()) {
            Some("tflite") => self.model(),
            #[cfg(feature = "network")]
            Some("pth" | "pt" | "safetensors") => {
                crate::network::import::run(&self.weights.plan(self.file, (self.output, self.json))?)
            }
            _ => refuse(&format!(
                "{} is of no kind that is read here: .tflite{}",
                self.file.display(),
                if cfg!(feature = "network") { ", .pth, .pt, .safetensors" } else { "" }
            )),
        }
    }

    fn model(self) -> Result<()> {
        #[cfg(feature = "network")]
        if self.weights.are_given() {
            return refuse("a .tflite file says its layers itself: leave --arch, --data and --map out");
        }
        match self.output {
            Some(output) => tflite::verb::run(&tflite::verb::Request { model: self.file, output, json: self.json }),
            None => refuse("--output BLOB says where the blob goes"),
        }
    }
}

fn refuse(why: &str) -> Result<()> {
    Err(Failure::Usage(why.to_owned()).into())
}

#[cfg(feature = "network")]
mod weights {
    use std::path::PathBuf;

    use anyhow::{Context, Result};
    use clap::Args;

    use crate::failure::Failure;
    use crate::network::backend::Backend;
    use crate::network::import::{Plan, TheirInput};

    /// What a file of weights does not say.
    #[derive(Debug, Args)]
    #[command(next_help_heading = "Weights")]
    pub(in crate::cli) struct WeightsWords {
        /// The network's layers: a named architecture (vgg-small, vgg11, vgg13, vgg16) or a specification such as
        /// 32,P,64,P,F128; the layer to the classes is implied.
        #[arg(long)]
        arch: Option<String>,
        /// The data set that it was trained on: a name or a folder, as for `train`. Its images say the network's input,
        /// its classes and its accuracy, and their statistics stand in where a layer has no batch norm.
        #[arg(long, value_name = "NAME|DIR")]
        data: Option<String>,
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
    }

    impl WeightsWords {
        pub(super) fn are_given(&self) -> bool {
            self.arch.is_some() || self.data.is_some() || self.map.is_some()
        }

        pub(super) fn plan(self, weights: PathBuf, (output, json): (Option<PathBuf>, Option<PathBuf>)) -> Result<Plan> {
            self.backend.choose()?;
            let input = TheirInput { mean: self.mean, std: self.std };
            input.check()?;
            if !(self.epsilon > 0.0 && self.epsilon < 1.0) {
                let message = format!("--epsilon {} is not between 0 and 1: PyTorch's is 1e-5", self.epsilon);
                return Err(Failure::Usage(message).into());
            }
            let missing = |what: &str| Failure::Usage(format!("a file of weights needs {what}"));
            Ok(Plan {
                weights,
                arch: self.arch.context(missing("--arch SPEC: it does not say its layers"))?.parse()?,
                data: self.data.context(missing("--data NAME|DIR: its input and classes are its images'"))?,
                map: self.map,
                input,
                epsilon: self.epsilon,
                output,
                json,
            })
        }
    }
}
