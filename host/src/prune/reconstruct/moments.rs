//! What least squares needs to know of a layer.

use std::ops::Range;

use anyhow::{Context, Result, anyhow};
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::linalg::solvers::Solve;
use faer::{Accum, Mat, MatRef, Par, Side};
use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::fit::{Affine, Fit};
use crate::data::{Images, Shape};
use crate::network::taps::{self, Activations, Taken};
use crate::network::{Layer, Network};

/// How much new weights are held to the old ones. Chosen on validation images: prune/README.md.
const RIDGE: f64 = 0.03;

/// Positions of a map that are looked at in an image: its neighbors say the same again.
const POSITIONS: usize = 32;

/// Parts of the images that are looked at beside each other, each with moments of its own.
const PARTS: usize = 4;

/// The most inputs of a layer that moments are kept of PARTS times, and at all: they grow with the square, to 512 MiB.
const INPUTS: [usize; 2] = [2048, 8192];

/// Sums over all rows x of what the layer takes in the pruned network, and z of what it is to give.
pub(super) struct Moments {
    rows: f64,
    /// Of x x', its lower half.
    squares: Mat<f64>,
    /// Of x z'.
    products: Mat<f64>,
    /// Of x.
    inputs: Vec<f64>,
    /// Of z.
    answers: Vec<f64>,
}

impl Moments {
    /// Whether a layer of so many inputs has moments that fit this machine.
    pub(super) fn fits(inputs: usize) -> bool {
        inputs <= INPUTS[1]
    }

    /// Of a layer in two networks, by its index in each: `target` is what it is in the first, with the outputs that the second has.
    pub(super) fn observe(
        [unpruned, pruned]: [&Network; 2],
        [layer, place]: [usize; 2],
        target: &Affine,
        images: &Images,
    ) -> Result<Self> {
        let map = unpruned.arch.maps(unpruned.input)?[layer];
        let is_conv = matches!(unpruned.layers[layer], Layer::Conv(_));
        let inputs = Affine::of(&pruned.layers[place]).weights.nrows();
        let (before, after) = (Taken::by(unpruned, layer)?, Taken::by(pruned, place)?);
        let batches: Vec<Range<usize>> = taps::batches(images.len()).collect();
        let parts = if inputs > INPUTS[0] { 1 } else { PARTS };
        let observe = |batches: &[Range<usize>]| -> Result<Self> {
            let mut moments = Self::nothing(inputs, target.outputs());
            for batch in batches {
                let mut rng = ChaCha8Rng::seed_from_u64(batch.start as u64);
                let places: Vec<Vec<usize>> = batch.clone().map(|_| positions(map, &mut rng)).collect();
                let rows = |taken: &Taken| -> Result<Rows> {
                    let taken = taken.of(images, batch.clone())?;
                    Ok(if is_conv { Rows::patches(&taken, map, &places) } else { Rows::flat(&taken) })
                };
                let mut answers = rows(&before)?.matrix() * &target.weights;
                let columns = answers.col_iter_mut().zip(&target.bias);
                columns.for_each(|(column, bias)| column.iter_mut().for_each(|answer| *answer += bias));
                moments.add(rows(&after)?.matrix(), answers.as_ref());
            }
            Ok(moments)
        };
        // Summed in the same order however many threads there are.
        let parts: Vec<Self> =
            batches.par_chunks(batches.len().div_ceil(parts).max(1)).map(observe).collect::<Result<_>>()?;
        parts.into_iter().reduce(Self::with).context("no image to look at: give --reconstruct-images 2 or more")
    }

    fn nothing(inputs: usize, answers: usize) -> Self {
        Self {
            rows: 0.0,
            squares: Mat::zeros(inputs, inputs),
            products: Mat::zeros(inputs, answers),
            inputs: vec![0.0; inputs],
            answers: vec![0.0; answers],
        }
    }

    fn add(&mut self, taken: MatRef<f64>, answers: MatRef<f64>) {
        use BlockStructure::{Rectangular, TriangularLower};
        let (left, par) = (taken.transpose(), Par::Seq);
        let squares = self.squares.as_mut();
        triangular::matmul(squares, TriangularLower, Accum::Add, left, Rectangular, taken, Rectangular, 1.0, par);
        matmul(self.products.as_mut(), Accum::Add, left, answers, 1.0, par);
        let sums = |sums: &mut [f64], rows: MatRef<f64>| {
            sums.iter_mut().zip(rows.col_iter()).for_each(|(sum, column)| *sum += column.iter().sum::<f64>());
        };
        sums(&mut self.inputs, taken);
        sums(&mut self.answers, answers);
        self.rows += taken.nrows() as f64;
    }

    fn with(mut self, other: Self) -> Self {
        self.rows += other.rows;
        self.squares += other.squares;
        self.products += other.products;
        self.inputs.iter_mut().zip(other.inputs).for_each(|(sum, more)| *sum += more);
        self.answers.iter_mut().zip(other.answers).for_each(|(sum, more)| *sum += more);
        self
    }

    /// The weights nearest to the answers, held to those of `cut`.
    pub(super) fn fit(self, cut: &Affine) -> Result<Fit> {
        let Self { rows, mut squares, mut products, inputs, answers } = self;
        let (count, outputs) = products.shape();
        // About the means, both halves.
        for column in 0..count {
            for row in column..count {
                let square = squares[(row, column)] / rows - inputs[row] / rows * (inputs[column] / rows);
                squares[(row, column)] = square;
                squares[(column, row)] = square;
            }
        }
        for output in 0..outputs {
            for input in 0..count {
                let product = products[(input, output)] / rows;
                products[(input, output)] = product - inputs[input] / rows * (answers[output] / rows);
            }
        }
        let left = products - &squares * &cut.weights;
        let mean_variance = (0..count).map(|input| squares[(input, input)]).sum::<f64>() / count as f64;
        let mut held = squares.clone();
        // Where nothing varies nothing is left to fit either, and any ridge will do.
        (0..count)
            .for_each(|input| held[(input, input)] += if mean_variance > 0.0 { RIDGE * mean_variance } else { 1.0 });
        let factors =
            held.llt(Side::Lower).map_err(|why| anyhow!("least squares: {why:?}: train the network again"))?;
        let weights = &cut.weights + factors.solve(&left);
        let spread = &squares * &weights;
        let dot =
            |a: &Mat<f64>, output: usize| -> f64 { (0..count).map(|at| a[(at, output)] * weights[(at, output)]).sum() };
        Ok(Fit {
            mean: (0..outputs).map(|at| (0..count).map(|i| weights[(i, at)] * inputs[i] / rows).sum()).collect(),
            variance: (0..outputs).map(|output| dot(&spread, output).max(0.0)).collect(),
            target: answers.iter().map(|sum| sum / rows).collect(),
            weights,
        })
    }
}

/// Of a map, to be looked at.
fn positions(map: Shape, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let all = map.height * map.width;
    index::sample(rng, all, POSITIONS.min(all)).into_vec()
}

/// Numbers row by row, `x` of one row after the other.
struct Rows {
    values: Vec<f64>,
    count: usize,
}

impl Rows {
    /// The 3x3 windows at these positions of every sample, zeros outside the map.
    fn patches(taken: &Activations, map: Shape, places: &[Vec<usize>]) -> Self {
        let samples = taken.values.par_chunks(taken.channels * taken.positions).zip(places);
        let patches = |(maps, places): (&[f32], &Vec<usize>)| {
            let padded: Vec<Vec<f64>> =
                maps.chunks(taken.positions).map(|map_values| padded(map_values, map.width)).collect();
            let mut values = Vec::with_capacity(places.len() * 9 * taken.channels);
            for position in places {
                for map_values in &padded {
                    for row in 0..3 {
                        let from = (position / map.width + row) * (map.width + 2) + position % map.width;
                        values.extend_from_slice(&map_values[from..from + 3]);
                    }
                }
            }
            values
        };
        Self { values: samples.flat_map_iter(patches).collect(), count: places.iter().map(Vec::len).sum() }
    }

    /// All that a sample has.
    fn flat(taken: &Activations) -> Self {
        Self { values: taken.values.iter().map(|value| f64::from(*value)).collect(), count: taken.samples }
    }

    fn matrix(&self) -> MatRef<'_, f64> {
        MatRef::from_row_major_slice(&self.values, self.count, self.values.len() / self.count.max(1))
    }
}

/// A map with a border of zeros.
fn padded(map: &[f32], width: usize) -> Vec<f64> {
    let mut padded = vec![0.0; width + 2];
    for row in map.chunks(width) {
        padded.push(0.0);
        padded.extend(row.iter().map(|value| f64::from(*value)));
        padded.push(0.0);
    }
    padded.resize(padded.len() + width + 2, 0.0);
    padded
}
