//! Data sets in: labelled 8-bit images, split into training, validation and test.
//!
//! Nothing is ever trained on `validation`, every choice looks at it; `test` is read once, for the report.

mod catalog;
mod cifar;
pub mod files;
mod folder;
mod idx;
mod mini;
pub mod verb;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

pub use catalog::{DEFAULT, load};

/// The size of an image or of a feature map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels: 1 for gray, 3 for red, green, blue.
    pub channels: usize,
}

impl Shape {
    /// The number of values: height x width x channels.
    pub fn values(&self) -> usize {
        self.height * self.width * self.channels
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}x{}", self.height, self.width, self.channels)
    }
}

/// Labelled images: `pixels` is `[image][row][column][channel]`, one byte each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    /// The size of each image.
    pub shape: Shape,
    /// All pixels, NHWC.
    pub pixels: Vec<u8>,
    /// The class of each image, from 0.
    pub labels: Vec<u8>,
}

impl Images {
    /// The number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The pixels of one image, HWC. Panics where `index >= len()`.
    pub fn image(&self, index: usize) -> &[u8] {
        let size = self.shape.values();
        &self.pixels[index * size..(index + 1) * size]
    }

    /// The images at `indices`, in that order. Panics where an index is `>= len()`.
    pub fn select(&self, indices: &[usize]) -> Images {
        Images {
            shape: self.shape,
            pixels: indices.iter().flat_map(|&i| self.image(i)).copied().collect(),
            labels: indices.iter().map(|&i| self.labels[i]).collect(),
        }
    }

    /// The first `count` images, or all where there are fewer.
    pub fn head(&self, count: usize) -> Images {
        self.range(0, count.min(self.len()))
    }

    /// The images `from..to`.
    fn range(&self, from: usize, to: usize) -> Images {
        let size = self.shape.values();
        Images {
            shape: self.shape,
            pixels: self.pixels[from * size..to * size].to_vec(),
            labels: self.labels[from..to].to_vec(),
        }
    }

    /// The first `count` images and the rest.
    fn split(&self, count: usize) -> (Images, Images) {
        (self.head(count), self.range(count.min(self.len()), self.len()))
    }
}

/// A data set, split.
#[derive(Debug, Clone)]
pub struct DataSet {
    /// What the data set is called, in file names too.
    pub name: String,
    /// The number of classes.
    pub classes: usize,
    /// What a network is trained on.
    pub train: Images,
    /// What choices are made on; never trained on.
    pub validation: Images,
    /// What the report's figures are measured on.
    pub test: Images,
}

impl DataSet {
    /// A data set whose parts agree: same image size, labels below `classes`, no part empty.
    fn checked(name: &str, classes: usize, train: Images, validation: Images, test: Images) -> Result<DataSet> {
        for (part, images) in [("training", &train), ("validation", &validation), ("test", &test)] {
            ensure!(!images.is_empty(), "{name}: the {part} part holds no image: add images to the data set");
            ensure!(
                images.shape == train.shape,
                "{name}: {part} images are {}, training images {}: make them the same size",
                images.shape,
                train.shape
            );
            if let Some(at) = images.labels.iter().position(|&label| usize::from(label) >= classes) {
                anyhow::bail!(
                    "{name}: label {} of {part} image {at} is not below the {classes} classes: correct the label file",
                    images.labels[at]
                );
            }
        }
        Ok(DataSet { name: name.to_owned(), classes, train, validation, test })
    }

    /// The size of the images.
    pub fn shape(&self) -> Shape {
        self.train.shape
    }
}
