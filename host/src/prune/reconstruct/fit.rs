//! A layer as an affine map, and how new weights get into it.

use anyhow::{Result, ensure};
use faer::Mat;

use crate::network::{BatchNorm, Layer};

/// z = W x + b: a layer before its ReLU, with its batch norm folded in.
pub(super) struct Affine {
    /// W transposed: a row an input, a column an output.
    pub(super) weights: Mat<f64>,
    /// b.
    pub(super) bias: Vec<f64>,
}

impl Affine {
    /// Of a layer; a pool has no outputs.
    pub(super) fn of(layer: &Layer) -> Self {
        let (weights, bias) = match layer {
            Layer::Conv(conv) => conv.norm.folded(&conv.weight_oihw),
            Layer::Hidden(hidden) => hidden.norm.folded(&hidden.weight_oi),
            Layer::Classifier(last) => (last.weight_oi.clone(), last.bias.clone()),
            Layer::Pool => (Vec::new(), Vec::new()),
        };
        let inputs = weights.len().checked_div(bias.len()).unwrap_or(0);
        Self {
            weights: Mat::from_fn(inputs, bias.len(), |input, output| weights[output * inputs + input].into()),
            bias: bias.into_iter().map(f64::from).collect(),
        }
    }

    pub(super) fn outputs(&self) -> usize {
        self.bias.len()
    }
}

/// New weights, and what their sums W x are over the images.
pub(super) struct Fit {
    /// As [`Affine::weights`].
    pub(super) weights: Mat<f64>,
    /// Of each output's sum.
    pub(super) mean: Vec<f64>,
    /// Of each output's sum.
    pub(super) variance: Vec<f64>,
    /// Of what each output is to be: the sum's mean comes out as this.
    pub(super) target: Vec<f64>,
}

impl Fit {
    /// Into the layer. Before a batch norm each output's weights keep their length, by which training's steps go.
    pub(super) fn put(&self, layer: &mut Layer) -> Result<()> {
        let finite = self.weights.col_iter().all(|column| column.iter().all(|weight| weight.is_finite()));
        ensure!(finite, "least squares gave weights that are not finite: the network diverged, train it again");
        match layer {
            Layer::Conv(conv) => self.normed(&mut conv.weight_oihw, &mut conv.norm),
            Layer::Hidden(hidden) => self.normed(&mut hidden.weight_oi, &mut hidden.norm),
            Layer::Classifier(last) => {
                last.weight_oi = self.weights.col_iter().flat_map(|column| column.iter().map(|w| *w as f32)).collect();
                last.bias = self.target.iter().zip(&self.mean).map(|(target, mean)| (target - mean) as f32).collect();
            }
            Layer::Pool => {}
        }
        Ok(())
    }

    fn normed(&self, weights: &mut [f32], norm: &mut BatchNorm) {
        let inputs = self.weights.nrows();
        for ((output, column), row) in self.weights.col_iter().enumerate().zip(weights.chunks_exact_mut(inputs)) {
            let old = row.iter().map(|weight| f64::from(*weight).powi(2)).sum::<f64>().sqrt();
            let new = column.norm_l2();
            let scale = if old > 0.0 && new > 0.0 { old / new } else { 1.0 };
            row.iter_mut().zip(column.iter()).for_each(|(weight, fitted)| *weight = (fitted * scale) as f32);
            let variance = self.variance[output] * scale * scale;
            norm.mean[output] = (self.mean[output] * scale) as f32;
            norm.variance[output] = variance as f32;
            norm.gamma[output] = ((variance + f64::from(norm.epsilon)).sqrt() / scale) as f32;
            norm.beta[output] = self.target[output] as f32;
        }
    }
}
