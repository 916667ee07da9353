//! First derivatives.

use chainrule_tensor::{Rng, Tensor};

use crate::finding::{Finding, Mismatch, Outcome, Property, Tally};
use crate::generated::FAR;
use crate::lines::Derivative;
use crate::panics::Panic;
use crate::properties::Variation;
use crate::trial::{Line, Trial};

/// Inputs up to which each element is moved on its own.
const FEW_INPUTS: usize = 16;
/// Outputs up to which each has a backward pass of its own.
const FEW_OUTPUTS: usize = 12;
/// Outputs up to which special numbers are tried; there, all outputs must be seen.
const ALL_OUTPUTS: usize = 36;

/// Rows of the Jacobian, by backward passes: for some elements of the output, and for the trial's cotangent.
pub(crate) struct Rows {
    /// The elements of the output.
    pub(crate) outputs: Vec<usize>,
    /// For each of them, and last for the cotangent, the gradient, argument by argument.
    pub(crate) gradients: Vec<Vec<Vec<f64>>>,
    /// Whether the product with the cotangent counts as a further output.
    with_product: bool,
}

impl Rows {
    /// All rows where there are at most `few`, else some of them.
    pub(crate) fn of(trial: &Trial, few: usize) -> Result<Rows, Panic> {
        let m = trial.value.len();
        let outputs: Vec<usize> = match m <= few {
            true => (0..m).collect(),
            false => {
                let mut rng = Rng::seed(m as u64);
                (0..few / 3).map(|_| rng.below(m)).collect()
            }
        };
        let row = |&j: &usize| Ok(trial.in_line(&trial.pass_at(&trial.inputs, &unit(trial, j))?.gradients));
        let mut gradients = outputs.iter().map(row).collect::<Result<Vec<_>, Panic>>()?;
        gradients.push(trial.in_line(&trial.pass()?.gradients));
        Ok(Rows { outputs, gradients, with_product: true })
    }

    /// The derivatives of the chosen outputs, and of the output's product with the cotangent, along a line.
    pub(crate) fn along(&self, line: &Line) -> Vec<f64> {
        let rows = if self.with_product { &self.gradients[..] } else { &self.gradients[..self.outputs.len()] };
        rows.iter().map(|row| line.of(row)).collect()
    }

    /// The chosen ones of all outputs, and their product with the cotangent.
    fn project(&self, y: &[f64], cotangent: &[f64]) -> Vec<f64> {
        let product = self.with_product.then(|| y.iter().zip(cotangent).map(|(y, g)| y * g).sum());
        self.outputs.iter().map(|&j| y[j]).chain(product).collect()
    }
}

/// The gradient of one element of the output: 1 there and 0 elsewhere.
fn unit(trial: &Trial, element: usize) -> Tensor {
    let mut numbers = vec![0.0; trial.value.len()];
    numbers[element] = 1.0;
    Tensor::from_vec(numbers, trial.value.shape()).cast(trial.value.dtype())
}

/// First derivatives agree with differences.
pub(super) fn gradient(trial: &Trial, _: Variation, tally: &mut Tally) -> Outcome {
    let rows = Rows::of(trial, FEW_OUTPUTS).map_err(Finding::panic)?;
    let find = |derivative: &Derivative, tally: &mut Tally| derivative.first_wrong(trial, FEW_INPUTS, tally);
    let before = tally.kinks.len();
    let Some(wrong) = differing(trial, &rows, find, tally).map_err(Finding::panic)? else {
        return if tally.kinks.len() > before { ties(trial, &rows, Property::Gradient, tally) } else { Ok(()) };
    };
    if wrong.output.is_some() {
        return Err(wrong.finding(trial, Property::Gradient));
    }
    // A sum over outputs is wrong. Which of them is? If none, they have kinks that cancel in the sum.
    let all = Rows::of(trial, usize::MAX).map_err(Finding::panic)?;
    let line = [Line::Element { argument: wrong.argument, element: wrong.element }];
    let mut seen = Tally::default();
    let find = |derivative: &Derivative, tally: &mut Tally| derivative.first_wrong_of(trial, &line, tally);
    match differing(trial, &all, find, &mut seen).map_err(Finding::panic)? {
        Some(single) if single.output.is_some() => Err(single.finding(trial, Property::Gradient)),
        _ if !seen.kinks.is_empty() => Ok(()),
        _ => Err(wrong.finding(trial, Property::Gradient)),
    }
}

/// First derivatives agree with differences at inputs of which some, the `places`, are special numbers.
pub(crate) fn special_numbers(trial: &Trial, places: &[Line], tally: &mut Tally) -> Outcome {
    trial.pass().map_err(Finding::panic)?;
    if trial.value.len() > ALL_OUTPUTS || !trial.value.dtype().is_float() {
        return Ok(());
    }
    let mut rows = Rows::of(trial, ALL_OUTPUTS).map_err(Finding::panic)?;
    rows.with_product = false; // Kinks of several outputs may cancel in a sum.
    let find = |derivative: &Derivative, tally: &mut Tally| derivative.first_wrong_of(trial, places, tally);
    if let Some(wrong) = differing(trial, &rows, find, tally).map_err(Finding::panic)? {
        return Err(wrong.finding(trial, Property::SpecialNumbers));
    }
    if !tally.kinks.is_empty() {
        ties(trial, &rows, Property::SpecialNumbers, tally)?;
    }
    super::second::recorded(trial, Variation::default(), tally).map_err(|mut finding| {
        finding.property = Property::SpecialNumbers;
        finding
    })
}

/// Where elements are equal, each may take any share of the derivative, but together they have all of it: what moves them alike shows that.
fn ties(trial: &Trial, rows: &Rows, property: Property, tally: &mut Tally) -> Outcome {
    const MEANING: [f64; 5] = [0.0, 1.0, -1.0, FAR, -FAR]; // At which functions have other kinks, or overflow.
    for (argument, numbers) in trial.numbers.iter().enumerate() {
        let count = |x: f64| numbers.iter().filter(|&&other| other == x).count();
        let often = numbers.iter().copied().filter(|x| !MEANING.contains(x)).max_by_key(|&x| count(x));
        let Some(tied) = often.filter(|&x| count(x) > 1) else { continue };
        let alike = |x: &f64| f64::from(u8::from(*x == tied));
        let mut direction: Vec<Vec<f64>> = trial.numbers.iter().map(|x| vec![0.0; x.len()]).collect();
        direction[argument] = numbers.iter().map(alike).collect();
        let mut found = None;
        let find = |derivative: &Derivative, tally: &mut Tally| {
            found = derivative.wrong_along(trial, &Line::Direction(direction.clone()), tally)?;
            Ok(None)
        };
        differing_up_to(trial, rows, Error::Rounding, find, tally).map_err(Finding::panic)?;
        if let Some((value, mismatch)) = found {
            let text = format!("along the direction in which all elements that are {tied} move alike");
            let mut finding = Finding::new(property, text).with(mismatch);
            finding.argument = Some(argument);
            return Err(match rows.outputs.get(value) {
                Some(&output) => finding.of_output(output, trial.value.shape()),
                None => finding,
            });
        }
    }
    Ok(())
}

/// First derivatives of a whole agree with differences: along a direction that moves one argument, for each of them, and along one that moves
/// all. Where one does not, a single element is looked for that shows it.
pub(crate) fn along_parts(trial: &Trial, tally: &mut Tally) -> Outcome {
    let rows = Rows::of(trial, 0).map_err(Finding::panic)?;
    let all: Vec<Line> = trial.elements().collect();
    let of = |k: usize| -> Vec<Line> {
        let own = |line: &&Line| matches!(line, Line::Element { argument, .. } if *argument == k);
        all.iter().filter(own).cloned().collect()
    };
    for k in 0..=trial.inputs.len() {
        let part = if k < trial.inputs.len() { of(k) } else { all.clone() };
        let line = Line::Direction(trial.direction_of(&part, 5));
        let (mut along, mut seen) = (None, Tally::default());
        let find = |derivative: &Derivative, tally: &mut Tally| {
            let Some((_, mismatch)) = derivative.wrong_along(trial, &line, tally)? else { return Ok(None) };
            along = Some(mismatch);
            derivative.narrow(trial, &part, &mut seen)
        };
        let single = differing(trial, &rows, find, tally).map_err(Finding::panic)?;
        if let Some(single) = single {
            return Err(single.finding(trial, Property::Gradient));
        }
        // Several kinks at once may mislead; single elements do not.
        if let Some(mismatch) = along.filter(|_| seen.kinks.is_empty()) {
            return Err(crate::model::of_part(Some(k).filter(|&k| k < trial.inputs.len()), mismatch));
        }
    }
    Ok(())
}

/// A first derivative that is wrong.
struct Wrong {
    argument: usize,
    element: usize,
    /// The element of the output; none for the sum of all, with the cotangent as weights.
    output: Option<usize>,
    mismatch: Mismatch,
}

impl Wrong {
    fn finding(self, trial: &Trial, property: Property) -> Box<Finding> {
        let finding = match self.output {
            Some(j) => Finding::new(property, "").of_output(j, trial.value.shape()),
            None => Finding::new(property, "summed over the output with uneven weights"),
        };
        finding.at(self.argument, self.element, trial.inputs[self.argument].shape()).with(self.mismatch)
    }
}

type Found = Result<Option<(usize, usize, usize, Mismatch)>, Panic>;

/// What a rule's derivative may err by.
#[derive(Clone, Copy)]
enum Error {
    /// What it does when its inputs move by rounding.
    Noise,
    /// Some units in the last place: where inputs must not move, lest they leave a kink.
    Rounding,
}

fn differing(
    trial: &Trial,
    rows: &Rows,
    find: impl FnMut(&Derivative, &mut Tally) -> Found,
    tally: &mut Tally,
) -> Result<Option<Wrong>, Panic> {
    differing_up_to(trial, rows, Error::Noise, find, tally)
}

fn differing_up_to(
    trial: &Trial,
    rows: &Rows,
    up_to: Error,
    mut find: impl FnMut(&Derivative, &mut Tally) -> Found,
    tally: &mut Tally,
) -> Result<Option<Wrong>, Panic> {
    let cotangent = trial.cotangent.to_f64_vec();
    let weights: Vec<f64> = cotangent.iter().map(|g| g.abs()).collect();
    let error = |value: usize, line: &Line| {
        if let Error::Rounding = up_to {
            return trial.dtype().epsilon().sqrt() * line.weigh(&rows.gradients[value]);
        }
        let seed = rows.outputs.get(value).map_or(trial.cotangent.clone(), |&j| unit(trial, j));
        line.weigh(&trial.noise_from(&seed).gradients)
    };
    let derivative = Derivative {
        order: 1,
        values: &|inputs| rows.project(&trial.value_at(inputs), &cotangent),
        centre: rows.project(&trial.value.to_f64_vec(), &cotangent),
        noise: rows.project(&trial.noise().value, &weights),
        along: &|line| Ok(rows.along(line)),
        error: &error,
    };
    let wrong = |(argument, element, value, mismatch): (usize, usize, usize, Mismatch)| {
        let output = rows.outputs.get(value).copied();
        Wrong { argument, element, output, mismatch }
    };
    Ok(find(&derivative, tally)?.map(wrong))
}
