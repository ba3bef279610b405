//! The learning rate over a training: a linear warm-up, then a half cosine down to 0. Loshchilov and Hutter 2017, eq. 5.

/// A learning rate for each step.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// The highest learning rate.
    pub peak: f64,
    /// The share of the steps in which the rate rises.
    pub warm_up: f64,
    /// The number of steps.
    pub steps: usize,
}

impl Schedule {
    /// The learning rate of step `step`, counted from 0.
    pub fn rate(&self, step: usize) -> f64 {
        let rising = (self.warm_up * self.steps as f64).round();
        let step = step as f64;
        if step < rising {
            return self.peak * (step + 1.0) / (rising + 1.0);
        }
        let done = (step - rising) / (self.steps as f64 - rising).max(1.0);
        self.peak * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_to_the_peak_and_falls_to_nearly_nothing() {
        let schedule = Schedule { peak: 0.1, warm_up: 0.1, steps: 100 };
        assert!(schedule.rate(0) < 0.01);
        assert!((schedule.rate(10) - 0.1).abs() < 1e-12);
        assert!((1..10).all(|step| schedule.rate(step) > schedule.rate(step - 1)));
        assert!((11..100).all(|step| schedule.rate(step) < schedule.rate(step - 1)));
        assert!(schedule.rate(99) < 1e-4);
    }
}
