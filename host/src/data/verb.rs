//! The verb `data`: which data sets there are, and making the embedded one.

use std::path::PathBuf;

use anyhow::Result;
use tabled::builder::Builder;
use tabled::settings::Style;

use super::{catalog, load, mini};

/// What `data` was asked to do.
#[derive(Debug)]
pub enum Plan {
    /// Print the known data sets.
    List,
    /// Write the embedded data set from the full Fashion-MNIST in this folder.
    MakeMini(PathBuf),
}

/// Does it.
///
/// # Errors
/// Files that cannot be read or written.
pub fn run(plan: &Plan) -> Result<()> {
    match plan {
        Plan::List => println!("{}", table()),
        Plan::MakeMini(source) => {
            mini::make(source, &mini::folder())?;
            println!("wrote {}", mini::folder().display());
        }
    }
    Ok(())
}

/// One line per known data set: counts where it is found, otherwise how to get it.
fn table() -> String {
    let mut builder = Builder::default();
    builder.push_record(["name", "image", "classes", "train", "validation", "test", "where, or how to get it"]);
    for (name, about) in catalog::KNOWN {
        builder.push_record(row(name, about));
    }
    builder.push_record(unknown(catalog::FOLDER.0, catalog::FOLDER.1));
    builder.build().with(Style::sharp()).to_string()
}

fn row(name: &str, about: &str) -> Vec<String> {
    let found = catalog::folder(name).ok().zip(load(name).ok());
    let Some(((_, folder), set)) = found else {
        return unknown(name, about);
    };
    let counts = [set.classes, set.train.len(), set.validation.len(), set.test.len()];
    [name.to_owned(), set.shape().to_string()]
        .into_iter()
        .chain(counts.map(|count| count.to_string()))
        .chain([folder.display().to_string()])
        .collect()
}

/// A row without counts.
fn unknown(name: &str, about: &str) -> Vec<String> {
    [name, "-", "-", "-", "-", "-", about].map(str::to_owned).to_vec()
}
