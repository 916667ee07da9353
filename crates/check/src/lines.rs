//! Derivatives along lines: a rule's against differences.

use chainrule_tensor::{DType, Rng, Tensor};

use crate::difference::{Agreement, compare};
use crate::finding::{Kink, Mismatch, Tally, unravel};
use crate::panics::Panic;
use crate::trial::{Line, Trial};

/// Some numbers that depend on the inputs, and what a rule says of their derivatives.
pub(crate) struct Derivative<'a> {
    /// 1 or 2, for counting.
    pub(crate) order: usize,
    pub(crate) values: &'a dyn Fn(&[Tensor]) -> Vec<f64>,
    /// The values at the inputs, and how far rounding moves them.
    pub(crate) centre: Vec<f64>,
    pub(crate) noise: Vec<f64>,
    /// The rule's derivative of each value along a line.
    pub(crate) along: &'a dyn Fn(&Line) -> Result<Vec<f64>, Panic>,
    /// How far rounding moves the rule's derivative of one value with respect to one element.
    pub(crate) error: &'a dyn Fn(usize, &Line) -> f64,
}

pub(crate) const NAMES: [&str; 2] = ["by the rule", "by differences"];

impl Derivative<'_> {
    /// The first value whose derivative along the line is wrong.
    pub(crate) fn wrong_along(
        &self,
        trial: &Trial,
        line: &Line,
        tally: &mut Tally,
    ) -> Result<Option<(usize, Mismatch)>, Panic> {
        let analytic = (self.along)(line)?;
        let largest = analytic.iter().filter(|a| a.is_finite()).fold(0f64, |max, a| max.max(a.abs()));
        // Noise says how large the numbers were that cancelled, where little or nothing is left of them.
        let around = trial.numbers.iter().flatten().chain(&self.centre).filter(|x| x.is_finite());
        let around = around.fold(largest, |max, x| max.max(x.abs()));
        let size = |(y, noise): (&f64, &f64)| (noise / trial.dtype().epsilon()).min(around).max(y.abs()).max(largest);
        let scale: Vec<f64> = self.centre.iter().zip(&self.noise).map(size).collect();
        let curve = |t: f64| {
            let (t, inputs) = trial.moved(line, t);
            (t, (self.values)(&inputs))
        };
        let first = trial.first_step(line);
        let epsilon = trial.dtype().epsilon();
        // Numbers close to the smallest there is have few digits, or none.
        let smallest = if trial.dtype() == DType::F64 { f64::MIN_POSITIVE } else { f64::from(f32::MIN_POSITIVE) };
        let underflow = smallest / epsilon;
        let found = compare(&curve, &self.centre, &self.noise, epsilon, first, &analytic, &scale);
        // Next to a number that is not finite, 0 times infinity is NaN, and nobody's fault.
        let singular = found.iter().any(|agreement| matches!(agreement, Agreement::Undecided));
        let mut wrong = None;
        for (i, (agreement, &a)) in found.into_iter().zip(&analytic).enumerate() {
            match agreement {
                Agreement::Agrees => tally.compared[self.order - 1] += 1,
                Agreement::Kink { sides } => {
                    if let Line::Element { argument, element } = *line {
                        let element = unravel(element, trial.inputs[argument].shape());
                        tally.kinks.push(Kink { argument, element, slope: a, sides });
                    }
                }
                Agreement::Undecided => tally.undecided += 1,
                Agreement::Differs { .. } if a.is_nan() && singular => tally.undecided += 1,
                Agreement::Differs { numeric, sides } => {
                    let within = (a - numeric.value).abs() <= numeric.bar + underflow + (self.error)(i, line);
                    let (expected, bar) = (numeric.value, numeric.bar);
                    if !within && wrong.is_none() {
                        wrong = Some((i, Mismatch { found: a, expected, bar, sides, names: NAMES }));
                    }
                }
            }
        }
        Ok(wrong)
    }

    /// Goes through all elements where there are at most `few`, else through some of them and a direction that moves all; if that shows a
    /// fault, through ever smaller parts of it. The argument and element, the value and the numbers of what is wrong.
    pub(crate) fn first_wrong(
        &self,
        trial: &Trial,
        few: usize,
        tally: &mut Tally,
    ) -> Result<Option<(usize, usize, usize, Mismatch)>, Panic> {
        let all: Vec<Line> = trial.elements().collect();
        if all.len() <= few {
            return self.first_wrong_of(trial, &all, tally);
        }
        let mut rng = Rng::seed(all.len() as u64);
        let some: Vec<Line> = (0..few / 3).map(|_| all[rng.below(all.len())].clone()).collect();
        if let Some(wrong) = self.first_wrong_of(trial, &some, tally)? {
            return Ok(Some(wrong));
        }
        let before = tally.clone();
        if self.wrong_along(trial, &Line::Direction(trial.direction(5)), tally)?.is_none() {
            return Ok(None);
        }
        // Where several elements stand at kinks, a direction that moves them all may mislead. Single elements do not.
        *tally = before;
        self.narrow(trial, &all, tally)
    }

    /// Halves a direction that shows a fault until one element is left that does.
    pub(crate) fn narrow(
        &self,
        trial: &Trial,
        part: &[Line],
        tally: &mut Tally,
    ) -> Result<Option<(usize, usize, usize, Mismatch)>, Panic> {
        if part.len() <= 4 {
            return self.first_wrong_of(trial, part, tally);
        }
        let (left, right) = part.split_at(part.len() / 2);
        for half in [left, right] {
            let line = Line::Direction(trial.direction_of(half, 5));
            if self.wrong_along(trial, &line, &mut Tally::default())?.is_some()
                && let Some(wrong) = self.narrow(trial, half, tally)?
            {
                return Ok(Some(wrong));
            }
        }
        Ok(None)
    }

    pub(crate) fn first_wrong_of(
        &self,
        trial: &Trial,
        lines: &[Line],
        tally: &mut Tally,
    ) -> Result<Option<(usize, usize, usize, Mismatch)>, Panic> {
        for line in lines {
            let Line::Element { argument, element } = *line else { continue };
            if let Some((value, mismatch)) = self.wrong_along(trial, line, tally)? {
                return Ok(Some((argument, element, value, mismatch)));
            }
        }
        Ok(None)
    }
}
