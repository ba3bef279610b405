//! What least squares needs to know of a layer.

use anyhow::{Context, Result, anyhow};
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::linalg::solvers::Solve;
use faer::{Accum, Mat, MatRef, Par, Side};
use rayon::prelude::*;

use super::Pair;
use super::answers::{Answers, rows};
use super::fit::{Affine, Fit};
use crate::network::taps::Passage;

/// How much new weights are held to the old ones. Chosen on validation images: prune/README.md.
const RIDGE: f64 = 0.03;

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

    /// Of a layer, by its answers in the unpruned network and what it takes in the pruned one.
    pub(super) fn observe(answers: &Answers, pair: &Pair, inputs: usize, passage: &Passage) -> Result<Self> {
        let (given, windows) = (answers.of(pair.unpruned)?, answers.windows(pair.unpruned)?);
        let outputs = |all: &Mat<f64>| pair.outputs.as_ref().map_or(all.ncols(), Vec::len);
        let observe = |batches: &[(usize, &Mat<f64>)]| -> Result<Self> {
            let mut moments = Self::nothing(inputs, batches.first().map_or(0, |(_, all)| outputs(all)));
            for (batch, all) in batches {
                let taken = rows(&passage.taken(*batch)?, windows, *batch);
                let left =
                    |outputs: &Vec<usize>| Mat::from_fn(all.nrows(), outputs.len(), |row, at| all[(row, outputs[at])]);
                match pair.outputs.as_ref().map(left) {
                    Some(left) => moments.add(taken.matrix(), left.as_ref()),
                    None => moments.add(taken.matrix(), all.as_ref()),
                }
            }
            Ok(moments)
        };
        let batches: Vec<(usize, &Mat<f64>)> = given.iter().enumerate().collect();
        let parts = if inputs > INPUTS[0] { 1 } else { PARTS };
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
