//! Matrix-based Renyi entropy.

use std::ops::Range;

use super::gram::GramMatrix;
use super::labels::Classes;
use super::spectrum::Spectrum;

/// S_alpha(A) = ln(tr(A^alpha)) / (1 - alpha), in nats, of A = K / n. Sanchez Giraldo et al., arXiv 1211.2459, eq. 8.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RenyiEntropy {
    alpha: f64,
}

impl RenyiEntropy {
    /// The order must be over 1: at 1 the formula has a pole, and under it rounded zeros in a spectrum weigh most.
    pub fn new(alpha: f64) -> anyhow::Result<Self> {
        anyhow::ensure!(alpha > 1.0 && alpha.is_finite(), "an entropy of order {alpha}: give an order over 1, as 1.01");
        Ok(Self { alpha })
    }

    /// The order alpha.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// Whether the entropy follows from the elements alone: S_2 = -ln ||A||_F^2.
    pub fn needs_no_spectrum(&self) -> bool {
        self.alpha == 2.0
    }

    /// S of the joint kernel a o b.
    pub fn joint(&self, a: &GramMatrix, b: &GramMatrix, spectrum: &mut Spectrum) -> f64 {
        self.of_trace(self.trace_power(a, b, 0..a.samples(), spectrum))
    }

    /// S of the joint kernel a o b o K_Y, with K_Y = 1 within a class and 0 between classes.
    ///
    /// With the samples sorted by class the product is block diagonal, so its spectrum is the union of its blocks'.
    pub fn joint_with_classes(
        &self,
        a: &GramMatrix,
        b: &GramMatrix,
        classes: &Classes,
        spectrum: &mut Spectrum,
    ) -> f64 {
        self.of_trace(classes.blocks().iter().map(|block| self.trace_power(a, b, block.clone(), spectrum)).sum())
    }

    /// S of the label alone: the spectrum of K_Y / n is the share of each class.
    pub fn of_classes(&self, classes: &Classes) -> f64 {
        let share = |block: &Range<usize>| block.len() as f64 / classes.order().len() as f64;
        self.of_trace(classes.blocks().iter().map(|block| share(block).powf(self.alpha)).sum())
    }

    /// ln(t) / (1 - alpha) for t = tr(A^alpha).
    pub(super) fn of_trace(&self, trace: f64) -> f64 {
        trace.ln() / (1.0 - self.alpha)
    }

    /// tr((a o b / n)^alpha) of one diagonal block. A rounded zero may be negative and counts by its size.
    fn trace_power(&self, a: &GramMatrix, b: &GramMatrix, block: Range<usize>, spectrum: &mut Spectrum) -> f64 {
        let (n, a, b) = (a.samples() as f64, a.packed(), b.packed());
        let columns = |column: usize| {
            let column = block.start + column;
            a.column(column, block.end).iter().zip(b.column(column, block.end)).map(|(a, b)| a * b / n)
        };
        if self.needs_no_spectrum() {
            let squares = |column| columns(column).map(|x| x * x).sum::<f64>() * 2.0 - (1.0 / n).powi(2);
            return (0..block.len()).map(squares).sum();
        }
        let fill = |column, rows: &mut [f64]| rows.iter_mut().zip(columns(column)).for_each(|(row, x)| *row = x);
        spectrum.of(block.len(), fill).iter().map(|x| x.abs().powf(self.alpha)).sum()
    }
}
