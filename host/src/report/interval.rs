//! How far a share of test images may be from the share of all images like them.

/// The quantile of the standard normal distribution that 95 % lie within, on both sides.
const Z: f64 = 1.959_963_984_540_054;

/// Wilson's interval at 95 % of a share `share` seen in `count` tries, both ends in 0..=1; all of it for no try.
/// Wilson 1927, J. Am. Stat. Assoc. 22, 209: (p + z^2/2n -+ z sqrt(p (1 - p)/n + z^2/4n^2)) / (1 + z^2/n).
pub fn wilson(share: f64, count: usize) -> (f64, f64) {
    if count == 0 {
        return (0.0, 1.0);
    }
    let (n, z2) = (count as f64, Z * Z);
    let center = share + z2 / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    let whole = 1.0 + z2 / n;
    (((center - half) / whole).max(0.0), ((center + half) / whole).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::wilson;

    /// 9 of 10, none and all of 10: ends as published tables have them (0.5958, 0.9821; 0.2775).
    #[test]
    fn the_ends_are_the_published_ones() {
        for (share, expected) in [(0.9, (0.595_850, 0.982_124)), (0.0, (0.0, 0.277_533)), (1.0, (0.722_467, 1.0))] {
            let (low, high) = wilson(share, 10);
            assert!((low - expected.0).abs() < 1e-6 && (high - expected.1).abs() < 1e-6, "{share}: {low}, {high}");
        }
        let (low, high) = wilson(1.0, 200);
        assert!((low - 0.981_154).abs() < 1e-5 && high == 1.0, "{low} {high}");
        assert_eq!(wilson(0.5, 0), (0.0, 1.0));
    }
}
