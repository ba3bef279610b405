//! Random flips and shifts of training images, on pixels.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::data::{Images, Shape};

/// What is done to one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Change {
    flip: bool,
    down: isize,
    right: isize,
}

/// How images may be changed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Augmentation {
    /// Mirror half of the images.
    pub(super) flips: bool,
    /// Shift by up to so many pixels in each direction.
    pub(super) shifts: usize,
    /// The pixel that a shift uncovers.
    pub(super) fill: u8,
}

impl Augmentation {
    /// The images at `indices`, each changed at random: pixels `[n][row][column][channel]`.
    pub(super) fn pixels(&self, images: &Images, indices: &[usize], rng: &mut ChaCha8Rng) -> Vec<u8> {
        let changes: Vec<_> = indices.iter().map(|_| self.draw(rng)).collect();
        let size = images.shape.values();
        let mut pixels = vec![self.fill; indices.len() * size];
        pixels.par_chunks_mut(size).zip(indices).zip(changes).for_each(|((target, &index), change)| {
            apply(change, images.image(index), images.shape, target);
        });
        pixels
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> Change {
        let reach = self.shifts as i32;
        let flip = rng.random::<bool>() && self.flips;
        let mut shift = || rng.random_range(-reach..=reach) as isize;
        Change { flip, down: shift(), right: shift() }
    }
}

/// Copies `source` to `target` (both HWC), changed; leaves what is uncovered as it is.
fn apply(change: Change, source: &[u8], shape: Shape, target: &mut [u8]) {
    let Shape { height, width, channels } = shape;
    for (row, column) in (0..height).flat_map(|row| (0..width).map(move |column| (row, column))) {
        let from_row = row.checked_add_signed(-change.down).filter(|&from| from < height);
        let from_column = column.checked_add_signed(-change.right).filter(|&from| from < width);
        let (Some(from_row), Some(from_column)) = (from_row, from_column) else { continue };
        let from_column = if change.flip { width - 1 - from_column } else { from_column };
        let (to, from) = ((row * width + column) * channels, (from_row * width + from_column) * channels);
        target[to..to + channels].copy_from_slice(&source[from..from + channels]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape { height: 2, width: 3, channels: 1 };

    fn changed(flip: bool, down: isize, right: isize) -> Vec<u8> {
        let mut target = vec![9; 6];
        apply(Change { flip, down, right }, &[1, 2, 3, 4, 5, 6], SHAPE, &mut target);
        target
    }

    #[test]
    fn flips_mirror_and_shifts_uncover_the_fill() {
        assert_eq!(changed(false, 0, 0), [1, 2, 3, 4, 5, 6]);
        assert_eq!(changed(true, 0, 0), [3, 2, 1, 6, 5, 4]);
        assert_eq!(changed(false, 1, 0), [9, 9, 9, 1, 2, 3]);
        assert_eq!(changed(false, 0, -1), [2, 3, 9, 5, 6, 9]);
        assert_eq!(changed(true, 0, 1), [9, 3, 2, 9, 6, 5]);
    }
}
