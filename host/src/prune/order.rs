//! An order of every layer's filters, whatever made it: what a search for widths and surgery read.

use super::survey::Survey;

/// A layer's filters from the first to keep to the first to go.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerOrder {
    /// As in `Network::layer_names`.
    pub name: String,
    /// The channels, best first.
    pub order: Vec<usize>,
    /// The share of the layer's worth that the first t filters keep, t = 0..=F: it never falls, and ends at 1.
    pub kept_share: Vec<f64>,
}

impl LayerOrder {
    /// Filters by falling score; of equal scores the lower index first. A prefix keeps its part of the scores' sum.
    pub fn by_score(name: &str, scores: &[f64]) -> Self {
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let whole: f64 = scores.iter().sum();
        let mut sum = 0.0;
        let mut kept_share = vec![0.0];
        for (place, &filter) in order.iter().enumerate() {
            sum += scores[filter];
            // A layer whose filters are all worth nothing keeps by number.
            kept_share.push(if whole > 0.0 { (sum / whole).min(1.0) } else { (place + 1) as f64 / order.len() as f64 });
        }
        if let Some(last) = kept_share.last_mut() {
            *last = 1.0;
        }
        Self { name: name.to_owned(), order, kept_share }
    }

    /// The number of filters.
    pub fn filters(&self) -> usize {
        self.order.len()
    }
}

impl Survey {
    /// The orders by conditional mutual information; worth is I(Y; S_t).
    pub fn orders(&self) -> Vec<LayerOrder> {
        let order = |layer: &super::survey::LayerSurvey| LayerOrder {
            name: layer.name.clone(),
            order: layer.ranking.order.clone(),
            kept_share: (0..=layer.ranking.order.len()).map(|kept| layer.ranking.kept_share(kept)).collect(),
        };
        self.layers.iter().map(order).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_order_and_add_up() {
        let order = LayerOrder::by_score("conv1", &[1.0, 4.0, 1.0, 2.0]);
        assert_eq!(order.order, [1, 3, 0, 2]);
        assert_eq!(order.kept_share, [0.0, 0.5, 0.75, 0.875, 1.0]);
        assert_eq!(LayerOrder::by_score("conv1", &[0.0, 0.0]).kept_share, [0.0, 0.5, 1.0]);
    }
}
