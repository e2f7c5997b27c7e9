//! Medians, and how far a value strays by itself.

/// A change up to this is no regression, however quiet the machine: 10 %.
pub const CHANGE_MIN: f64 = 0.10;
/// Standard deviations of noise that a change must be beyond.
pub const NOISE_FACTOR: f64 = 5.0;
/// From the median of absolute deviations to the standard deviation of a normal distribution.
const MAD_TO_SIGMA: f64 = 1.482_6;

/// The median; `None` of nothing.
#[must_use]
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.len().checked_sub(1)? / 2, values.len() / 2);
    Some((values[low] + values[high]) / 2.0)
}

/// Relative standard deviation of `values` about their median, robustly; 0 of fewer than two.
pub(super) fn spread(values: &[f64]) -> f64 {
    let Some(middle) = median(values.iter().copied()).filter(|middle| *middle > 0.0) else {
        return 0.0;
    };
    let deviations = values.iter().map(|value| (value / middle - 1.0).abs());
    MAD_TO_SIGMA * median(deviations).unwrap_or_default()
}

/// Relative standard deviation of a series from run to run, robustly: neither a step nor a slow drift in
/// it counts. 0 of fewer than two values; of few it is widened, since it is uncertain then.
pub(super) fn from_run_to_run(series: &[f64]) -> f64 {
    let steps = series.windows(2).map(|pair| (pair[1] / pair[0] - 1.0).abs());
    let Some(step) = median(steps) else { return 0.0 };
    let uncertain = 1.0 + 2.0 / (series.len() - 1) as f64;
    MAD_TO_SIGMA * step / std::f64::consts::SQRT_2 * uncertain
}

/// The relative change that is a regression, given the noise.
pub(super) fn threshold(noise: f64) -> f64 {
    CHANGE_MIN.max(NOISE_FACTOR * noise)
}

#[cfg(test)]
mod tests {
    use super::{from_run_to_run, median, spread, threshold};

    #[test]
    fn medians_of_few_values() {
        assert_eq!(median([]), None);
        assert_eq!(median([3.0, 1.0]), Some(2.0));
        assert_eq!(median([9.0, 1.0, 2.0]), Some(2.0));
    }

    #[test]
    fn noise_knows_neither_step_nor_drift() {
        let step: Vec<f64> = (0..20).map(|run| if run < 10 { 100.0 } else { 200.0 }).collect();
        assert_eq!(from_run_to_run(&step), 0.0);
        let drift: Vec<f64> = (0..40).map(|run| 100.0 * 1.01_f64.powi(run)).collect();
        assert!(threshold(from_run_to_run(&drift)) == 0.10);
        let noisy = [100.0, 130.0, 100.0, 130.0, 100.0, 130.0];
        assert!(threshold(from_run_to_run(&noisy)) > 0.5);
        assert!((spread(&[90.0, 100.0, 110.0]) - 0.148_26).abs() < 1e-9);
        assert_eq!((from_run_to_run(&[1.0]), spread(&[])), (0.0, 0.0));
    }
}
