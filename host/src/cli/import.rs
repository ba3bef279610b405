//! The words of the verb `import`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::failure::Failure;
use crate::tflite;

#[derive(Debug, Args)]
pub(super) struct ImportWords {
    /// The network: a .tflite file, quantised to int8.
    model: PathBuf,
    /// Where the blob goes.
    #[arg(long, value_name = "BLOB")]
    output: PathBuf,
}

impl ImportWords {
    pub(super) fn run(self) -> Result<()> {
        let Self { model, output } = self;
        let extension = model.extension().map(|extension| extension.to_ascii_lowercase());
        match extension.as_ref().and_then(|extension| extension.to_str()) {
            Some("tflite") => tflite::verb::run(&tflite::verb::Request { model, output }),
            _ => Err(Failure::Usage(format!("{} is of no kind that is read here: .tflite", model.display())).into()),
        }
    }
}
