//! The label's kernel, and joint entropies with it.

use super::gram::GramMatrix;
use super::kernel::GaussianKernel;
use super::labels::Classes;
use super::packed::PackedLower;
use super::ranking::Mode;
use super::renyi::RenyiEntropy;
use super::spectrum::Spectrum;

/// K_Y over samples sorted by class.
pub(super) enum Label {
    /// 1 within a class, 0 between classes: every product with it is block diagonal.
    SameClass(Classes),
    /// A Gaussian kernel over one-hot columns, as published. With c classes its sigma is 5 n^(-1 / (4 + c)), so wide that ten
    /// balanced classes hold 0.44 nats at n = 256 where ln 10 = 2.30 is right.
    Columns(GramMatrix),
}

impl Label {
    pub(super) fn new(mode: Mode, classes: &Classes) -> Self {
        match mode {
            Mode::Faithful => Self::Columns(columns(classes)),
            _ => Self::SameClass(classes.clone()),
        }
    }

    /// S(Y), in nats.
    pub(super) fn entropy(&self, entropy: RenyiEntropy) -> f64 {
        match self {
            Self::SameClass(classes) => entropy.of_classes(classes),
            Self::Columns(label) => {
                let samples = label.samples();
                entropy.joint(label, &GramMatrix::ones(samples), &mut Spectrum::new(samples))
            }
        }
    }

    /// S of the joint kernel a o b o K_Y, in nats.
    pub(super) fn joint(&self, entropy: RenyiEntropy, a: &GramMatrix, b: &GramMatrix, room: &mut Spectrum) -> f64 {
        match self {
            Self::SameClass(classes) => entropy.joint_with_classes(a, b, classes, room),
            Self::Columns(label) => {
                let mut with_label = a.clone();
                with_label.join(label);
                entropy.joint(&with_label, b, room)
            }
        }
    }
}

/// Two images of different classes lie sqrt(2) apart in one-hot columns.
fn columns(classes: &Classes) -> GramMatrix {
    let samples = classes.order().len();
    let kernel = GaussianKernel::published(samples, classes.blocks().len());
    let class_of = |sample| classes.blocks().partition_point(|block| block.end <= sample);
    let squared =
        PackedLower::from_fn(samples, |row, column| if class_of(row) == class_of(column) { 0.0 } else { 2.0 });
    GramMatrix::of_packed(squared, kernel)
}
