//! Eigenvalues of symmetric matrices, with room that is used again and again.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::tridiag::{tridiag_in_place, tridiag_in_place_scratch};
use faer::prelude::ReborrowMut;
use faer::{Mat, Par};

use super::tridiagonal;

/// Room for the eigenvalues of matrices up to one order; each thread has its own.
pub struct Spectrum {
    matrix: Mat<f64>,
    reflectors: Mat<f64>,
    diagonal: Vec<f64>,
    beside: Vec<f64>,
    room: MemBuffer,
}

impl Spectrum {
    /// Room for matrices of `order` rows and fewer.
    pub fn new(order: usize) -> Self {
        Self {
            matrix: Mat::zeros(order, order),
            reflectors: Mat::zeros(1, order),
            diagonal: Vec::with_capacity(order),
            beside: Vec::with_capacity(order),
            room: MemBuffer::new(tridiag_in_place_scratch::<f64>(order, Par::Seq, Default::default())),
        }
    }

    /// The eigenvalues, in no order, of a matrix whose columns `fill(column, rows)` writes from the diagonal down.
    ///
    /// Householder's tridiagonalisation on one thread (candidates are what runs in parallel), then root-free QL.
    pub(super) fn of(&mut self, order: usize, mut fill: impl FnMut(usize, &mut [f64])) -> &[f64] {
        let mut matrix = self.matrix.as_mut().submatrix_mut(0, 0, order, order);
        for column in 0..order {
            let rows = matrix.rb_mut().col_mut(column).try_as_col_major_mut().expect("owned columns are contiguous");
            fill(column, &mut rows.as_slice_mut()[column..]);
        }
        let reflectors = self.reflectors.as_mut().subcols_mut(0, order - 1);
        let stack = MemStack::new(&mut self.room);
        tridiag_in_place(matrix.rb_mut(), reflectors, Par::Seq, stack, Default::default());
        self.diagonal.clear();
        self.diagonal.extend((0..order).map(|i| matrix[(i, i)]));
        self.beside.clear();
        self.beside.extend((1..order).map(|i| matrix[(i, i - 1)]));
        tridiagonal::eigenvalues(&mut self.diagonal, &mut self.beside);
        &self.diagonal
    }
}
