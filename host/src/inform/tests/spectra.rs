//! Fast spectra against slow ones.

use faer::{Mat, Side};

use super::super::cmi::layer_grams;
use super::super::{Classes, Criterion, GramMatrix, RenyiEntropy, Spectrum, tridiagonal};
use super::{layer, product};

/// (a o b / n), whole, optionally with everything between classes struck out.
fn dense(a: &GramMatrix, b: &GramMatrix, classes: Option<&Classes>) -> Mat<f64> {
    let n = a.samples();
    let together = |row: usize, column: usize| {
        classes
            .is_none_or(|classes| classes.blocks().iter().any(|block| block.contains(&row) && block.contains(&column)))
    };
    Mat::from_fn(n, n, |i, j| {
        let (row, column) = (i.max(j), i.min(j));
        let kernel = |gram: &GramMatrix| gram.packed().column(column, n)[row - column];
        if together(row, column) { kernel(a) * kernel(b) / n as f64 } else { 0.0 }
    })
}

fn dense_entropy(matrix: &Mat<f64>, alpha: f64) -> f64 {
    let values = matrix.self_adjoint_eigenvalues(Side::Lower).expect("eigenvalues");
    values.iter().map(|x| x.abs().powf(alpha)).sum::<f64>().ln() / (1.0 - alpha)
}

#[test]
fn blocks_and_shortcuts_equal_the_dense_spectrum() {
    let (maps, mut labels) = layer(90, 6, 4, 3);
    labels[17] = 200;
    let classes = Classes::new(&labels).expect("labels");
    assert_eq!(classes.blocks().last().map(|block| block.len()), Some(1));
    let grams = layer_grams(&maps, &classes, &Criterion { width: 2.0, ..Criterion::default() }, 1).1;
    let (base, mut room) = (product(90, &grams[..4]), Spectrum::new(90));
    for alpha in [1.01, 1.5, 2.0, 3.0] {
        let entropy = RenyiEntropy::new(alpha).expect("order");
        let joint = dense_entropy(&dense(&base, &grams[4], None), alpha);
        assert!((entropy.joint(&base, &grams[4], &mut room) - joint).abs() < 1e-10, "alpha {alpha}");
        let with_label = dense_entropy(&dense(&base, &grams[4], Some(&classes)), alpha);
        let blocks = entropy.joint_with_classes(&base, &grams[4], &classes, &mut room);
        assert!((blocks - with_label).abs() < 1e-10, "alpha {alpha}");
    }
}

/// The largest error of our eigenvalues, as a share of the largest value.
fn error(diagonal: &[f64], beside: &[f64]) -> f64 {
    let n = diagonal.len();
    let matrix = Mat::from_fn(n, n, |row, column| match row.abs_diff(column) {
        0 => diagonal[row],
        1 => beside[row.min(column)],
        _ => 0.0,
    });
    let expected = matrix.self_adjoint_eigenvalues(Side::Lower).expect("eigenvalues");
    let (mut values, mut beside) = (diagonal.to_vec(), beside.to_vec());
    tridiagonal::eigenvalues(&mut values, &mut beside);
    values.sort_by(f64::total_cmp);
    let largest = expected.iter().fold(f64::MIN_POSITIVE, |largest, x| x.abs().max(largest));
    values.iter().zip(expected).map(|(got, want)| (got - want).abs() / largest).fold(0.0, f64::max)
}

#[test]
fn tridiagonal_eigenvalues_are_right_in_every_shape() {
    let graded: Vec<f64> = (0..60).map(|i| 10.0_f64.powf(-f64::from(i) / 3.0)).collect();
    let reversed: Vec<f64> = graded.iter().rev().copied().collect();
    let alternating: Vec<f64> = (0..60).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    for diagonal in [&graded, &reversed, &alternating, &vec![2.0; 60], &vec![0.0; 60]] {
        for beside in [&graded, &reversed, &alternating, &vec![1.0; 60], &vec![0.0; 60]] {
            assert!(error(diagonal, &beside[..59]) < 1e-14, "{diagonal:?} {beside:?}");
        }
    }
    assert_eq!(error(&[3.0], &[]), 0.0);
    assert!(error(&[3.0, 1.0], &[-0.5]) < 1e-15);
}
