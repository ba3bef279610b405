//! The label's side: which samples share a class.

use std::ops::Range;

use anyhow::{Result, ensure};

/// The samples sorted by class, so that the label's same-class kernel is block diagonal.
#[derive(Clone, Debug)]
pub struct Classes {
    order: Vec<usize>,
    blocks: Vec<Range<usize>>,
}

impl Classes {
    /// Groups the samples by label; within a class they keep their order.
    pub fn new(labels: &[u8]) -> Result<Self> {
        ensure!(!labels.is_empty(), "no labels: give one for each image");
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_by_key(|&sample| labels[sample]);
        let mut blocks = Vec::new();
        for class in order.chunk_by(|&a, &b| labels[a] == labels[b]) {
            let start = blocks.last().map_or(0, |block: &Range<usize>| block.end);
            blocks.push(start..start + class.len());
        }
        Ok(Self { order, blocks })
    }

    /// Which sample stands at each sorted place.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// The sorted places of each class that occurs.
    pub fn blocks(&self) -> &[Range<usize>] {
        &self.blocks
    }
}
