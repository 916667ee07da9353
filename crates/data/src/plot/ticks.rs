//! Round numbers along an axis.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// An axis: the range it shows and where its labelled lines are.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    pub low: f64,
    pub high: f64,
    pub ticks: Vec<f64>,
    decimals: usize,
}

/// How an axis treats its data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fit {
    /// The range ends at the data.
    Tight,
    /// The range ends at round numbers around the data, and a little beyond.
    Loose,
}

impl Axis {
    /// An axis for `values`, with about `count` ticks at multiples of 1, 2 or 5 times a power of ten; values that are
    /// not finite do not count.
    pub fn new(values: impl Iterator<Item = f64> + Clone, count: usize, fit: Fit) -> Axis {
        let finite = values.filter(|v| v.is_finite());
        // Differences of larger values may overflow, and those of smaller ones may vanish.
        let tame = |v: f64| if v.abs() < 1e-150 { 0.0 } else { v.clamp(-1e150, 1e150) };
        let (mut low, mut high) =
            finite.clone().map(tame).fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if high - low <= 1e-9 * high.abs().max(low.abs()) || high == low {
            let room = if high == 0.0 { 0.5 } else { 0.1 * high.abs() };
            (low, high) = (low - room, high + room);
        }
        let whole = finite.clone().all(|v| v == v.round());
        let step = round_step((high - low) / count as f64);
        let step = if whole && fit == Fit::Tight { step.max(1.0) } else { step };
        if fit == Fit::Loose {
            (low, high) = ((low / step + 1e-9).floor() * step, (high / step - 1e-9).ceil() * step);
        }
        let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
        let ticks = (0..=(last - first) as usize).map(|i| (first + i as f64) * step).collect();
        let decimals = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
        let margin = if fit == Fit::Loose { 0.03 * (high - low) } else { 0.0 };
        Axis { low: low - margin, high: high + margin, ticks, decimals }
    }

    /// The same ticks on another range.
    pub fn over(self, range: Range<f64>) -> Axis {
        Axis { low: range.start, high: range.end, ..self }
    }

    /// The text of a tick.
    pub fn label(&self, tick: f64) -> String {
        if tick != 0.0 && !(1e-4..1e6).contains(&tick.abs()) {
            return format!("{tick:.1e}");
        }
        let text = format!("{tick:.*}", self.decimals);
        // Rounding may leave a zero with a sign.
        if text.parse() == Ok(0.0) { text.trim_start_matches('-').to_owned() } else { text.replace('-', "−") }
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    /// Values outside the range are put at its ends.
    fn map(&self, value: &f64, (start, end): (i32, i32)) -> i32 {
        let part = (value.clamp(self.low, self.high) - self.low) / (self.high - self.low);
        start + (f64::from(end - start) * part).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, tick: &f64) -> String {
        self.label(*tick)
    }
}

/// The smallest of 1, 2, 5 times a power of ten that is at least `step`.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    [1.0, 2.0, 5.0].map(|m| m * power).into_iter().find(|&round| round >= step * (1.0 - 1e-9)).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn axis(values: &[f64], fit: Fit) -> (Vec<String>, [f64; 2]) {
        let axis = Axis::new(values.iter().copied(), 5, fit);
        (axis.ticks.iter().map(|&t| axis.label(t)).collect(), [axis.low, axis.high])
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(axis(&[1.0, 10.0], Fit::Tight), (["2", "4", "6", "8", "10"].map(String::from).into(), [1.0, 10.0]));
        assert_eq!(axis(&[1.0, 3.0], Fit::Tight).0, ["1", "2", "3"]);
        assert_eq!(axis(&[0.07, 2.31], Fit::Loose).0, ["0.0", "0.5", "1.0", "1.5", "2.0", "2.5"]);
        assert_eq!(axis(&[-0.2, 0.2], Fit::Tight).0, ["−0.2", "−0.1", "0.0", "0.1", "0.2"]);
        assert_eq!(axis(&[0.9, 1.0], Fit::Loose).0, ["0.90", "0.92", "0.94", "0.96", "0.98", "1.00"]);
        assert_eq!(axis(&[0.0, 4e7], Fit::Tight).0, ["0", "1.0e7", "2.0e7", "3.0e7", "4.0e7"]);
    }

    #[test]
    fn there_is_an_axis_for_nothing_and_for_one_value() {
        let empty = axis(&[f64::NAN, f64::INFINITY], Fit::Loose);
        assert_eq!(empty, axis(&[0.0, 1.0], Fit::Loose));
        for value in [0.0, 3.0, -0.25, 5e-324, 1e-300, 1e300] {
            let (ticks, [low, high]) = axis(&[value], Fit::Loose);
            let shown = value.min(1e150);
            assert!(!ticks.is_empty() && low < shown && shown < high, "{value}: {low} {high} {ticks:?}");
        }
    }

    proptest! {
        #[test]
        fn every_axis_shows_its_data_and_few_ticks(
            values in prop::collection::vec(-1e12..1e12, 1..6), scale in -12..3i32, tight in any::<bool>(),
        ) {
            let values: Vec<f64> = values.into_iter().map(|v: f64| v * 10f64.powi(scale)).collect();
            let axis = Axis::new(values.iter().copied(), 6, if tight { Fit::Tight } else { Fit::Loose });
            prop_assert!(values.iter().all(|v| (axis.low..=axis.high).contains(v)));
            prop_assert!((2..=9).contains(&axis.ticks.len()), "{:?}", axis);
            prop_assert!(axis.ticks.windows(2).all(|pair| pair[0] < pair[1]));
            let within = 1e-6 * (axis.high - axis.low);
            prop_assert!(axis.ticks.iter().all(|t| (axis.low - within..=axis.high + within).contains(t)));
        }
    }
}
