//! The verb `data`: which data sets there are, and making the embedded one.

use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;
use tabled::builder::Builder;
use tabled::settings::Style;

use super::{Shape, catalog, load, mini};
use crate::report;

/// What `data` was asked to do.
#[derive(Debug)]
pub enum Plan {
    /// Print the known data sets, and write them as data where a file is named.
    List(Option<PathBuf>),
    /// Write the embedded data set from the full Fashion-MNIST in this folder.
    MakeMini(PathBuf),
}

/// Does it.
///
/// # Errors
/// Files that cannot be read or written.
pub fn run(plan: &Plan) -> Result<()> {
    match plan {
        Plan::List(json) => {
            let known: Vec<Known> = catalog::KNOWN.iter().map(|(name, about)| Known::new(name, about)).collect();
            println!("{}", table(&known));
            report::write_json(json.as_deref(), &known)?;
        }
        Plan::MakeMini(source) => {
            mini::make(source, &mini::folder())?;
            println!("wrote {}", mini::folder().display());
        }
    }
    Ok(())
}

/// A data set that has a name.
#[derive(Debug, Serialize)]
struct Known {
    name: String,
    about: String,
    /// Where it is there.
    found: Option<Found>,
}

#[derive(Debug, Serialize)]
struct Found {
    folder: PathBuf,
    image: Shape,
    classes: usize,
    train: usize,
    validation: usize,
    test: usize,
}

impl Known {
    fn new(name: &str, about: &str) -> Self {
        let set = catalog::folder(name).ok().zip(load(name).ok());
        let found = set.map(|((_, folder), set)| Found {
            folder,
            image: set.shape(),
            classes: set.classes,
            train: set.train.len(),
            validation: set.validation.len(),
            test: set.test.len(),
        });
        Self { name: name.to_owned(), about: about.to_owned(), found }
    }

    fn row(&self) -> Vec<String> {
        let Some(Found { folder, image, classes, train, validation, test }) = &self.found else {
            return unknown(&self.name, &self.about);
        };
        let counts = [classes, train, validation, test].map(ToString::to_string);
        let start = [self.name.clone(), image.to_string()];
        start.into_iter().chain(counts).chain([folder.display().to_string()]).collect()
    }
}

/// One line per known data set: counts where it is found, otherwise how to get it.
fn table(known: &[Known]) -> String {
    let mut builder = Builder::default();
    builder.push_record(["name", "image", "classes", "train", "validation", "test", "where, or how to get it"]);
    known.iter().for_each(|known| builder.push_record(known.row()));
    builder.push_record(unknown(catalog::FOLDER.0, catalog::FOLDER.1));
    builder.build().with(Style::sharp()).to_string()
}

/// A row without counts.
fn unknown(name: &str, about: &str) -> Vec<String> {
    [name, "-", "-", "-", "-", "-", about].map(str::to_owned).to_vec()
}
