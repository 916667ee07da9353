//! What a check looks for, and what it finds.

use std::collections::BTreeSet;
use std::fmt;

use chainrule_tensor::Tensor;

use crate::panics::Panic;
use crate::trial::Trial;

/// What must hold of a function and its rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Property {
    /// The function has a value at the inputs.
    Runs,
    /// The rule answers, with a gradient that fits its argument, and reads only what it saved.
    Answers,
    /// Two runs give the same bits.
    Deterministic,
    /// Inputs are not changed.
    InputsKept,
    /// Gradients have the shape and type of what they belong to.
    Form,
    /// First derivatives agree with differences, element by element where there are few.
    Gradient,
    /// The gradient is linear in the gradient of the output.
    LinearInCotangent,
    /// The recorded derivative equals that of the backward pass.
    Recorded,
    /// The Jacobian and its transpose agree: ⟨Jv, u⟩ = ⟨v, Jᵀu⟩. For linear functions, so do the function and its rule.
    Adjoint,
    /// Which inputs are tracked does not matter to the others.
    Subset,
    /// One variable used for two arguments gets the sum of both gradients.
    SameTwice,
    /// How the numbers lie in memory does not matter.
    Layout,
    /// `f32` agrees with `f64` up to rounding.
    SinglePrecision,
    /// Second derivatives agree with differences of first ones.
    SecondOrder,
    /// First derivatives agree also where inputs are 0, 1, −1 or equal.
    SpecialNumbers,
    /// Where the derivative is a convention, it is the one declared.
    Convention,
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Property::Runs => "the function panics",
            Property::Answers => "the rule panics",
            Property::Deterministic => "two runs differ",
            Property::InputsKept => "an input was changed",
            Property::Form => "a gradient has another shape or type than its argument",
            Property::Gradient => "the gradient disagrees with the function",
            Property::LinearInCotangent => "the gradient is not linear in the incoming gradient",
            Property::Recorded => "the recorded gradient differs from that of the backward pass",
            Property::Adjoint => "the rule is not the adjoint of the function",
            Property::Subset => "the result depends on which inputs are tracked",
            Property::SameTwice => "one variable for two arguments does not get the sum of both gradients",
            Property::Layout => "the result depends on how the numbers lie in memory",
            Property::SinglePrecision => "f32 differs from f64 by more than rounding",
            Property::SecondOrder => "the second derivative disagrees with the first",
            Property::SpecialNumbers => "the gradient disagrees with the function at special numbers",
            Property::Convention => "the gradient at a special point is not the one declared",
        })
    }
}

/// Two numbers that should be equal up to the bar.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Mismatch {
    /// What the rule, or the variation under test, gave.
    pub found: f64,
    /// What it should have been.
    pub expected: f64,
    /// By how much the two may differ.
    pub bar: f64,
    /// At a kink, the slopes from the left and from the right.
    pub sides: Option<[f64; 2]>,
    /// What `found` and `expected` are called.
    pub(crate) names: [&'static str; 2],
}

/// A derivative at a kink: the function has one slope to the left and another to the right, and the rule gives one between them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Kink {
    /// The argument.
    pub argument: usize,
    /// The element of the argument that stands at the kink.
    pub element: Vec<usize>,
    /// What the rule says.
    pub slope: f64,
    /// The slopes from the left and from the right.
    pub sides: [f64; 2],
}

impl fmt::Display for Kink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Kink { argument, element, slope, sides: [left, right] } = self;
        let [left, right] = [left, right].map(|side| (side * 1e6).round() / 1e6);
        write!(
            f,
            "x[{argument}], element {element:?}: slope {left} from the left, {right} from the right, {slope} by the rule"
        )
    }
}

/// Where and how a property is broken.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) property: Property,
    /// The argument, and the element of it.
    pub(crate) argument: Option<usize>,
    pub(crate) element: Option<Vec<usize>>,
    /// The element of the output.
    pub(crate) output: Option<Vec<usize>>,
    pub(crate) mismatch: Option<Mismatch>,
    /// What else there is to say.
    pub(crate) detail: String,
}

/// A property holds, or here is why not.
pub(crate) type Outcome = Result<(), Box<Finding>>;

impl Finding {
    pub(crate) fn new(property: Property, detail: impl Into<String>) -> Box<Finding> {
        let detail = detail.into();
        Box::new(Finding { property, argument: None, element: None, output: None, mismatch: None, detail })
    }

    /// A rule, or the function on the way to it, panicked.
    pub(crate) fn panic(panic: Panic) -> Box<Finding> {
        // The engine names the line that applied the op; where that is the checker's, the report has a better one.
        let own = panic.message.find(" (op applied at ").filter(|&at| panic.message[at..].contains("crates/check/src"));
        let text = own.map_or(panic.to_string(), |at| panic.message[..at].to_string());
        Finding::new(Property::Answers, text)
    }

    pub(crate) fn at(mut self: Box<Self>, argument: usize, element: usize, shape: &[usize]) -> Box<Finding> {
        self.argument = Some(argument);
        self.element = Some(unravel(element, shape));
        self
    }

    pub(crate) fn of_output(mut self: Box<Self>, element: usize, shape: &[usize]) -> Box<Finding> {
        self.output = Some(unravel(element, shape));
        self
    }

    pub(crate) fn with(mut self: Box<Self>, mismatch: Mismatch) -> Box<Finding> {
        self.mismatch = Some(mismatch);
        self
    }
}

/// The position of the `i`th element.
pub(crate) fn unravel(mut i: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (at, &n) in index.iter_mut().zip(shape).rev() {
        (*at, i) = (i % n, i / n);
    }
    index
}

/// What was counted along the way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) cases: usize,
    /// Derivatives of order 1 and 2 that were compared.
    pub(crate) compared: [usize; 2],
    pub(crate) kinks: Vec<Kink>,
    pub(crate) undecided: usize,
    pub(crate) ops: BTreeSet<&'static str>,
    pub(crate) notes: BTreeSet<String>,
}

impl Tally {
    pub(crate) fn absorb(&mut self, other: Tally) {
        self.cases += other.cases;
        for (sum, n) in self.compared.iter_mut().zip(other.compared) {
            *sum += n;
        }
        self.kinks.extend(other.kinks);
        self.undecided += other.undecided;
        self.ops.extend(other.ops);
        self.notes.extend(other.notes);
    }
}

/// Whether two lists of numbers are equal up to rounding, which each may err by to the extent of `noise` and of some units of relative size
/// `epsilon`. The first pair that is not, with its position.
pub(crate) fn first_difference(
    names: [&'static str; 2],
    found: &[f64],
    expected: &[f64],
    noise: &[f64],
    epsilon: f64,
) -> Option<(usize, Mismatch)> {
    let largest = expected.iter().filter(|x| x.is_finite()).fold(0f64, |max, x| max.max(x.abs()));
    found.iter().zip(expected).zip(noise).enumerate().find_map(|(i, ((&found, &expected), &noise))| {
        let noise = if noise.is_finite() { noise } else { return None };
        let bar = 2.0 * noise + epsilon * (32.0 * expected.abs() + 8.0 * largest);
        let same = found == expected || found.is_nan() && expected.is_nan() || (found - expected).abs() <= bar;
        (!same).then_some((i, Mismatch { found, expected, bar, sides: None, names }))
    })
}

/// Compares gradients argument by argument with those of the trial's own pass, up to rounding.
pub(crate) fn same_gradients(
    property: Property,
    names: [&'static str; 2],
    trial: &Trial,
    found: &[Vec<f64>],
    detail: impl Fn() -> String,
) -> Outcome {
    let expected = trial.in_line(&trial.pass().map_err(Finding::panic)?.gradients);
    let noise = &trial.noise().gradients;
    for (argument, ((found, expected), noise)) in found.iter().zip(&expected).zip(noise).enumerate() {
        if let Some((i, mismatch)) = first_difference(names, found, expected, noise, trial.dtype().epsilon()) {
            let shape = trial.inputs[argument].shape();
            return Err(Finding::new(property, detail()).at(argument, i, shape).with(mismatch));
        }
    }
    Ok(())
}

/// Compares a value with that of the trial, up to rounding.
pub(crate) fn same_value(
    property: Property,
    names: [&'static str; 2],
    trial: &Trial,
    found: &Tensor,
    detail: impl Fn() -> String,
) -> Outcome {
    if found.shape() != trial.value.shape() || found.dtype() != trial.value.dtype() {
        let (dtype, shape) = (found.dtype(), found.to_shape());
        let wanted = (trial.value.dtype(), trial.value.to_shape());
        let text = format!("{}: the value is {dtype} {shape} instead of {} {}", detail(), wanted.0, wanted.1);
        return Err(Finding::new(property, text));
    }
    let (found, expected, noise) = (found.to_f64_vec(), trial.value.to_f64_vec(), &trial.noise().value);
    match first_difference(names, &found, &expected, noise, trial.dtype().epsilon()) {
        Some((i, mismatch)) => Err(Finding::new(property, detail()).of_output(i, trial.value.shape()).with(mismatch)),
        None => Ok(()),
    }
}
