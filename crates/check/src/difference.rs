//! Slopes by differences, each with an error bar.
//!
//! Central differences at steps that shrink by a constant ratio are extrapolated to step 0 (Richardson). What the last extrapolation
//! still changed bounds the error of truncation; the noise of the function, divided by the step, that of rounding. Their sum is the
//! bar, and nothing else decides.
//!
//! Sources: Ridders, Accurate computation of F'(x) and F'(x)F''(x), 1982; Moré and Wild, Estimating computational noise, 2011.

/// A number that is known up to a bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) value: f64,
    pub(crate) bar: f64,
}

impl Estimate {
    const NONE: Estimate = Estimate { value: f64::NAN, bar: f64::INFINITY };

    fn is_known(&self) -> bool {
        self.value.is_finite() && self.bar.is_finite()
    }

    /// This estimate, or one from smaller steps: the one with the smaller bar. Where the two exclude each other, the larger steps went
    /// past what matters, as on the flat ends of a narrow sigmoid.
    fn or_finer(self, finer: Estimate) -> Estimate {
        let exclude = (finer.value - self.value).abs() > finer.bar + self.bar;
        if finer.bar < self.bar || exclude { finer } else { self }
    }

    fn contains(&self, x: f64) -> bool {
        (x - self.value).abs() <= self.bar
    }
}

/// How a rule's derivative compares with the differences.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Agreement {
    /// It lies within the bar.
    Agrees,
    /// The slopes from the left and from the right differ, and it lies between them.
    Kink { sides: [f64; 2] },
    /// The function jumps, is not finite, or is too noisy here.
    Undecided,
    /// It lies outside the bar; at a kink, outside both slopes.
    Differs { numeric: Estimate, sides: Option<[f64; 2]> },
}

/// A curve through the point of interest: for an offset, the offset that rounding allowed, and the values there.
pub(crate) trait Curve: Fn(f64) -> (f64, Vec<f64>) {}
impl<F: Fn(f64) -> (f64, Vec<f64>)> Curve for F {}

const RATIO: f64 = 4.0;
/// The first step, relative to the size of the number that is moved.
pub(crate) const START: f64 = 1.0 / 128.0;
const RUNGS: usize = 13;
const COLUMNS: usize = 4;
/// Bars are what the estimates say, times this.
const CAUTION: f64 = 2.0;

/// The values at one step to either side.
struct Rung {
    right: (f64, Vec<f64>),
    left: (f64, Vec<f64>),
}

/// A row of an extrapolation: the slope at one step, then with ever higher powers of the step removed.
#[derive(Clone, Copy)]
struct Row {
    of: [f64; COLUMNS],
    len: usize,
}

impl Row {
    const EMPTY: Row = Row { of: [0.0; COLUMNS], len: 0 };

    /// The row below this one. `power` is the factor by which the error that is removed first shrinks from row to row; each
    /// further one shrinks by `power` more.
    fn next(&self, slope: f64, power: f64) -> Row {
        if !slope.is_finite() {
            return Row::EMPTY;
        }
        let mut row = Row { of: [slope; COLUMNS], len: (self.len + 1).min(COLUMNS) };
        let mut factor = 1.0;
        for i in 1..row.len {
            factor *= power;
            row.of[i] = row.of[i - 1] + (row.of[i - 1] - self.of[i - 1]) / (factor - 1.0);
        }
        row
    }

    /// The best entry, given the row above and the rounding error of the slope.
    fn best(&self, above: &Row, rounding: f64) -> Estimate {
        let entry = |i: usize| {
            let truncation = (self.of[i] - self.of[i - 1]).abs().max((self.of[i] - above.of[i - 1]).abs());
            Estimate { value: self.of[i], bar: CAUTION * (truncation + rounding) }
        };
        (1..self.len).map(entry).min_by(|a, b| a.bar.total_cmp(&b.bar)).unwrap_or(Estimate::NONE)
    }
}

/// Differences at ever smaller steps.
pub(crate) struct Ladder<'a, F> {
    curve: &'a F,
    centre: &'a [f64],
    noise: &'a [f64],
    epsilon: f64,
    step: f64,
    rungs: Vec<Rung>,
    rows: Vec<Row>,
    best: Vec<Estimate>,
}

impl<'a, F: Curve> Ladder<'a, F> {
    /// For a curve with these values in its centre, known up to `noise`, computed with a relative precision of `epsilon`, from the step
    /// `first` on.
    pub(crate) fn new(curve: &'a F, centre: &'a [f64], noise: &'a [f64], epsilon: f64, first: f64) -> Ladder<'a, F> {
        let n = centre.len();
        let (rows, best) = (vec![Row::EMPTY; n], vec![Estimate::NONE; n]);
        Ladder { curve, centre, noise, epsilon, step: first, rungs: Vec::with_capacity(RUNGS), rows, best }
    }

    fn descend(&mut self) {
        let (right, left) = ((self.curve)(self.step), (self.curve)(-self.step));
        let width = right.0 - left.0;
        for (j, row) in self.rows.iter_mut().enumerate() {
            let above = *row;
            *row = above.next((right.1[j] - left.1[j]) / width, RATIO * RATIO);
            // Further out, values may be larger than in the centre, and so may what rounding does to them.
            let noise = self.noise[j].max(self.epsilon * right.1[j].abs().max(left.1[j].abs()));
            let now = row.best(&above, 2.0 * noise / width);
            self.best[j] = self.best[j].or_finer(now);
        }
        self.rungs.push(Rung { right, left });
        self.step /= RATIO;
    }

    /// Goes down until each value is settled, and at most to the last rung. The first two say nothing about their errors.
    fn descend_until(&mut self, settled: impl Fn(usize, Estimate) -> bool) {
        while self.rungs.len() < RUNGS {
            self.descend();
            if self.rungs.len() > 2 && self.best.iter().enumerate().all(|(j, &best)| settled(j, best)) {
                return;
            }
        }
    }

    /// The slopes, as well as they can be had.
    pub(crate) fn slopes(mut self, scale: &[f64]) -> Vec<Estimate> {
        self.descend_until(|j, best| best.bar <= FINE * best.value.abs().max(SPARSE * scale[j]));
        self.best
    }

    /// The slope from one side.
    fn one_sided(&self, j: usize, side: impl Fn(&Rung) -> &(f64, Vec<f64>)) -> Estimate {
        let (mut row, mut best) = (Row::EMPTY, Estimate::NONE);
        for (t, y) in self.rungs.iter().map(side) {
            let above = row;
            row = above.next((y[j] - self.centre[j]) / t, RATIO);
            let noise = self.noise[j].max(self.epsilon * y[j].abs());
            let now = row.best(&above, 4.0 * noise / t.abs());
            best = best.or_finer(now);
        }
        best
    }

    /// Compares with a rule's slopes. `scale` says how large each slope would be if it were not small.
    fn compare(mut self, analytic: &[f64], scale: &[f64]) -> Vec<Agreement> {
        self.descend_until(|j, best| {
            let fine = best.bar <= FINE * best.value.abs().max(analytic[j].abs()).max(SPARSE * scale[j]);
            fine && best.contains(analytic[j])
        });
        (0..analytic.len()).map(|j| self.verdict(j, analytic[j], scale[j])).collect()
    }

    fn verdict(&self, j: usize, analytic: f64, scale: f64) -> Agreement {
        if !self.centre[j].is_finite() {
            return Agreement::Undecided;
        }
        let numeric = self.best[j];
        let size = numeric.value.abs().max(if analytic.is_finite() { analytic.abs() } else { scale });
        if numeric.contains(analytic) {
            let clear = numeric.bar <= COARSE * size || numeric.bar <= COARSE * COARSE * scale;
            return if clear { Agreement::Agrees } else { Agreement::Undecided };
        }
        let (left, right) = (self.one_sided(j, |rung| &rung.left), self.one_sided(j, |rung| &rung.right));
        if left.is_known() && right.is_known() && (left.value - right.value).abs() > CAUTION * (left.bar + right.bar) {
            let (low, high) = if left.value < right.value { (left, right) } else { (right, left) };
            if (low.value - low.bar..=high.value + high.bar).contains(&analytic) {
                return Agreement::Kink { sides: [left.value, right.value] };
            }
            let clear = low.bar.max(high.bar) <= COARSE * size.max(high.value.abs()).max(low.value.abs());
            let sides = Some([left.value, right.value]);
            return if clear { Agreement::Differs { numeric, sides } } else { Agreement::Undecided };
        }
        match numeric.is_known() && numeric.bar <= 5.0 * COARSE * size {
            true => Agreement::Differs { numeric, sides: None },
            false => Agreement::Undecided,
        }
    }
}

/// A bar this small, relative to the slope, ends the descent.
const FINE: f64 = 1e-6;
/// A slope this small, relative to the others, counts as zero when it is asked how fine a bar is.
const SPARSE: f64 = 1e-3;
/// A bar larger than this, relative to the slope, decides nothing.
const COARSE: f64 = 1e-2;

/// Compares a rule's slopes along a curve with differences. What seems to differ is looked at a second time with other steps.
pub(crate) fn compare(
    curve: &impl Curve,
    centre: &[f64],
    noise: &[f64],
    epsilon: f64,
    first: f64,
    analytic: &[f64],
    scale: &[f64],
) -> Vec<Agreement> {
    let differs = |agreement: &Agreement| matches!(agreement, Agreement::Differs { .. });
    let mut found = Ladder::new(curve, centre, noise, epsilon, first).compare(analytic, scale);
    if found.iter().any(differs) {
        let again = Ladder::new(curve, centre, noise, epsilon, first * 0.61).compare(analytic, scale);
        for (found, again) in found.iter_mut().zip(again) {
            if differs(found) {
                *found = again;
            }
        }
    }
    found
}

/// How far rounding can move each value of a curve, from the differences of its values at close, equally spaced offsets: in a
/// smooth function's high differences only noise is left. The centre is left out: what is wrong there alone is no noise.
pub(crate) fn noise(curve: impl Fn(f64) -> Vec<f64>, centre: &[f64], epsilon: f64) -> Vec<f64> {
    let spacing = epsilon.sqrt() / 4.0; // whose third power is nothing, and many times what rounding moves
    let points: Vec<Vec<f64>> = (-3..=3).map(|i| curve((f64::from(i) + 0.5) * spacing)).collect();
    (0..centre.len())
        .map(|j| {
            let mut differences: Vec<f64> = points.iter().map(|y| y[j]).collect();
            let mut deviation = 0f64;
            let mut gamma = 1.0; // (k!)² / (2k)!
            for k in 1..=5 {
                differences = differences.windows(2).map(|pair| pair[1] - pair[0]).collect();
                gamma *= f64::from(k) / f64::from(2 * (2 * k - 1));
                let mean = differences.iter().map(|d| d * d).sum::<f64>() / differences.len() as f64;
                if k > 2 && mean.is_finite() {
                    deviation = deviation.max((gamma * mean).sqrt());
                }
            }
            (8.0 * deviation).max(epsilon * centre[j].abs())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(f: impl Fn(f64) -> f64, x: f64) -> Estimate {
        let curve = |t: f64| (x + t - x, vec![f(x + t)]);
        let centre = [f(x)];
        let noise = noise(|t| vec![f(x * (1.0 + t))], &centre, f64::EPSILON);
        Ladder::new(&curve, &centre, &noise, f64::EPSILON, START * x.abs().max(1.0)).slopes(&[1.0])[0]
    }

    fn agreement(f: impl Fn(f64) -> f64, x: f64, analytic: f64) -> Agreement {
        let curve = |t: f64| (x + t - x, vec![f(x + t)]);
        let centre = [f(x)];
        let noise = noise(|t| vec![f(x * (1.0 + t))], &centre, f64::EPSILON);
        let (first, scale) = (START * x.abs().max(1.0), [analytic.abs().max(1e-300)]);
        compare(&curve, &centre, &noise, f64::EPSILON, first, &[analytic], &scale)[0]
    }

    #[test]
    fn the_bar_holds_the_truth_and_is_small() {
        type Case = (fn(f64) -> f64, fn(f64) -> f64, &'static [f64]);
        let cases: [Case; 7] = [
            (f64::sin, f64::cos, &[0.0, 0.7, 3.0, 1e3, 1e6]),
            (f64::exp, f64::exp, &[-3.0, 0.0, 5.0, 100.0]),
            (f64::ln, |x| 1.0 / x, &[1e-6, 0.1, 1.0, 1e6]),
            (|x| x * x, |x| 2.0 * x, &[1e-6, 1.0, 1e6]),
            (|x| 3.0 * x + 1e6, |_| 3.0, &[1.0, 1e-3]),
            (|x| x.powi(7), |x| 7.0 * x.powi(6), &[0.3, 2.0]),
            (|x| (1.0 - x.cos()) / x, |x| x.sin() / x - (1.0 - x.cos()) / (x * x), &[1e-3, 0.5]),
        ];
        for (i, (f, derivative, points)) in cases.into_iter().enumerate() {
            for &x in points {
                let (found, exact) = (one(f, x), derivative(x));
                let slack = 1e-14 * exact.abs(); // of the exact formula itself
                assert!((found.value - exact).abs() <= found.bar + slack, "case {i} at {x}: {found:?} against {exact}");
                assert!(found.bar <= 1e-4 * exact.abs(), "case {i} at {x}: {found:?}");
                assert!(matches!(agreement(f, x, exact), Agreement::Agrees), "case {i} at {x}");
                let wrong = agreement(f, x, exact * 1.001);
                assert!(matches!(wrong, Agreement::Differs { .. }), "case {i} at {x}: {wrong:?}");
            }
        }
    }

    #[test]
    fn kinks_are_told_from_wrong_slopes() {
        for slope in [0.0, 0.5, 1.0] {
            let found = agreement(|x| x.max(0.0), 0.0, slope);
            let middle = slope == 0.5 && matches!(found, Agreement::Agrees);
            assert!(middle || matches!(found, Agreement::Kink { .. }), "{slope}: {found:?}");
        }
        for (x, slope) in [(0.0, 2.0), (0.0, -0.1), (1e-5, 0.0), (1e-5, 0.5), (-1e-5, 1.0)] {
            let found = agreement(|x| x.max(0.0), x, slope);
            let Agreement::Differs { sides, .. } = found else { panic!("{slope} at {x}: {found:?}") };
            let at_kink = sides.is_some_and(|[left, right]| left.abs() < 1e-9 && (right - 1.0).abs() < 1e-9);
            assert_eq!(at_kink, x == 0.0, "{slope} at {x}: {found:?}");
        }
        assert!(matches!(agreement(|x| x.max(0.0), 1e-5, 1.0), Agreement::Agrees));
    }

    #[test]
    fn jumps_and_ends_of_the_domain_decide_nothing() {
        assert!(matches!(agreement(f64::signum, 0.0, 0.0), Agreement::Undecided));
        assert!(matches!(agreement(f64::floor, 1.0, 0.0), Agreement::Undecided));
        assert!(matches!(agreement(f64::sqrt, 0.0, f64::INFINITY), Agreement::Undecided));
        assert!(matches!(agreement(|x| 1.0 / x, 0.0, f64::NAN), Agreement::Undecided));
    }

    #[test]
    fn noise_is_seen_where_numbers_cancel() {
        let noise = |f: fn(f64) -> f64, x: f64| noise(|t| vec![f(x * (1.0 + t))], &[f(x)], f64::EPSILON)[0];
        let cancelling = noise(|x| (x + 1e6) - 1e6, 0.3);
        assert!((1e-11..1e-9).contains(&cancelling), "{cancelling}");
        assert!(noise(f64::sin, 0.3) < 1e-15);
    }
}
