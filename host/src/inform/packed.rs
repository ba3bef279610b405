//! Symmetric matrices without their upper half.

/// The lower triangle of a symmetric matrix, diagonal included, column after column: column `c` holds rows `c..order`.
#[derive(Clone, Debug)]
pub(super) struct PackedLower {
    order: usize,
    values: Vec<f64>,
}

impl PackedLower {
    /// Every element the same.
    pub(super) fn filled(order: usize, value: f64) -> Self {
        Self { order, values: vec![value; order * (order + 1) / 2] }
    }

    /// `element(row, column)` for each `row >= column`.
    pub(super) fn from_fn(order: usize, element: impl Fn(usize, usize) -> f64) -> Self {
        let places = (0..order).flat_map(|column| (column..order).map(move |row| (row, column)));
        let mut values = Vec::with_capacity(order * (order + 1) / 2);
        values.extend(places.map(|(row, column)| element(row, column)));
        Self { order, values }
    }

    /// The number of rows, and of columns.
    pub(super) fn order(&self) -> usize {
        self.order
    }

    /// All stored elements.
    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }

    /// Rows `column..end` of one column.
    pub(super) fn column(&self, column: usize, end: usize) -> &[f64] {
        let start = column * (2 * self.order + 1 - column) / 2;
        &self.values[start..][..end - column]
    }

    /// The same function of every element.
    pub(super) fn map(mut self, value: impl Fn(f64) -> f64) -> Self {
        self.values.iter_mut().for_each(|own| *own = value(*own));
        self
    }

    /// Multiplies element by element with a matrix of the same order.
    pub(super) fn multiply(&mut self, other: &PackedLower) {
        self.values.iter_mut().zip(&other.values).for_each(|(own, other)| *own *= other);
    }

    /// Adds `factor` times a matrix of the same order.
    pub(super) fn add_scaled(&mut self, factor: f64, other: &PackedLower) {
        self.values.iter_mut().zip(&other.values).for_each(|(own, other)| *own += factor * other);
    }

    /// The sum over the stored elements of their products with those of a matrix of the same order.
    ///
    /// Eight partial sums, so that it runs as vectors: the order of a float sum is not the compiler's to change.
    pub(super) fn dot(&self, other: &PackedLower) -> f64 {
        let (own, own_rest) = self.values.as_chunks::<8>();
        let (others, other_rest) = other.values.as_chunks::<8>();
        let mut sums = [0.0; 8];
        for (a, b) in own.iter().zip(others) {
            (0..8).for_each(|lane| sums[lane] += a[lane] * b[lane]);
        }
        let rest: f64 = own_rest.iter().zip(other_rest).map(|(a, b)| a * b).sum();
        sums.iter().sum::<f64>() + rest
    }
}
