//! From wrong numbers to the likely mistake: hypotheses, each of which must explain every number of every failing sample at hand.

mod factor;
mod partial;
mod place;
mod scale;
mod words;

pub use partial::Place;

use crate::evidence::{Evidence, Pair};
use crate::finding::{Finding, Property};

/// The mistake that explains the numbers.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Diagnosis {
    /// The gradient has the opposite sign.
    SignFlipped,
    /// The gradient is too large by a constant factor.
    Factor(f64),
    /// The gradient is too large, or too small, by a number of elements: a sum where a mean belongs, or the other way round.
    MeanForSum {
        /// Whether the gradient is too large by the count, rather than too small.
        too_large: bool,
    },
    /// The gradient is divided by n where n − 1 belongs, or the other way round.
    CountOffByOne,
    /// The slope is this, which is not the true one: the function's own value, say.
    WrongSlope(String),
    /// A gradient flows where there is none.
    NotZero,
    /// The gradient flows exactly where it should not.
    InvertedMask,
    /// The true gradient lacks this factor, which the rule multiplies by: a power off by one, say.
    ExtraFactor(String),
    /// The true gradient has this factor, which the rule lacks: an inner derivative, say.
    MissingFactor(String),
    /// The gradient is too large by this term.
    ExtraTerm(String),
    /// The rule multiplies by the slope twice.
    SlopeTwice,
    /// The rule divides by the slope instead of multiplying by it.
    Reciprocal,
    /// The slope is that at another point: at the output, say, instead of the input.
    ElsewhereSlope(String),
    /// The gradient does not change with the input, though the true one does.
    IgnoresInput,
    /// The gradient is that of the true one with two axes exchanged.
    Transposed,
    /// The gradient would be right if this argument were transposed: the rule takes it the wrong way round.
    TransposedArgument(usize),
    /// The rule applies the Jacobian itself where its transpose belongs.
    NotAdjoint,
    /// The rule sums over the wrong axis.
    WrongAxis,
    /// The gradient runs backwards along this axis of the argument.
    Reversed {
        /// The axis of the argument; negative ones count from the end.
        axis: isize,
    },
    /// The gradient stands this many places further along an axis.
    Shifted {
        /// The axis of the argument; negative ones count from the end.
        axis: isize,
        /// By how many places.
        by: isize,
    },
    /// The numbers are right and stand in the wrong places.
    Misplaced,
    /// A sum is missing over what the outputs share.
    MissingSum,
    /// Where an element is used more than once, one gradient stands for all.
    Overwritten,
    /// The effect of an element on outputs other than its own is missing: a mean, norm or maximum is treated as a constant.
    MissingCoupling,
    /// The rule is wrong in some places only.
    Only {
        /// Where it is wrong.
        place: Place,
        /// What is wrong there, if that is known.
        mistake: Option<Box<Diagnosis>>,
    },
    /// The rule's gradient is zero.
    Zero,
    /// No gradient arrives at all.
    NotReached,
    /// The rule does not use the gradient of the output.
    IgnoresCotangent,
    /// A term is added that is not multiplied by the gradient of the output.
    TermWithoutCotangent,
    /// The gradient of the output is clipped, squared or the like, instead of multiplied by.
    NotLinear,
    /// The gradient is that of another argument.
    OtherArgument(usize),
    /// The rule gives a gradient of the right value that forgets how it depends on the inputs.
    NotRecorded,
    /// The rule reads a value that it did not save.
    ReadsUnsaved,
    /// The op does not give the same result twice.
    NotDeterministic,
    /// The op, or its rule, reads memory without regard to strides.
    IgnoresStrides,
    /// The op or its rule works in one element type alone.
    OneType,
    /// The result loses more digits than its type has to lose.
    Rounding,
    /// What one argument gets depends on whether another wants a gradient.
    DependsOnTracking,
    /// The rule is wrong when one variable is used for two arguments.
    SameVariable,
    /// The fused rule and the recorded one are two different rules.
    TwoRules,
    /// The op writes to its inputs.
    ChangesInput,
    /// Every op on the tape has the right rule: the value depends on the argument in a way that no tape has seen.
    OffTape,
}

/// One argument of one sample, whose gradient is wrong.
pub(super) struct Case<'e, 's> {
    pub(super) e: &'e Evidence<'s>,
    pub(super) k: usize,
}

impl Case<'_, '_> {
    pub(super) fn pair(&self) -> &Pair {
        &self.e.pairs[self.k]
    }

    /// The shape of the argument.
    pub(super) fn shape(&self) -> &[usize] {
        &self.e.shapes[self.k]
    }

    /// An axis of the argument, counted from either end; none if there is no such axis.
    pub(super) fn axis(&self, axis: isize) -> Option<usize> {
        let rank = self.shape().len() as isize;
        (-rank..rank).contains(&axis).then(|| axis.rem_euclid(rank) as usize)
    }

    pub(super) fn inputs(&self) -> usize {
        self.e.x[self.k].len()
    }

    pub(super) fn outputs(&self) -> usize {
        self.e.y.len()
    }
}

/// The mistake that explains a finding, given Jacobians of samples that fail.
pub(crate) fn diagnose(finding: &Finding, shapes: &[Vec<usize>], evidence: &[Evidence]) -> Option<Diagnosis> {
    if let Some(k) = finding.argument.filter(|_| finding.detail.contains("move alike")) {
        return Some(Diagnosis::Only { place: Place::Ties(k), mistake: None });
    }
    let one_type = finding.detail.contains("types differ") || finding.detail.contains("cast");
    match finding.property {
        _ if finding.detail.contains("were not saved") => return Some(Diagnosis::ReadsUnsaved),
        Property::Deterministic => return Some(Diagnosis::NotDeterministic),
        Property::Layout => return Some(Diagnosis::IgnoresStrides),
        Property::SinglePrecision if finding.detail.contains("it panics") => return Some(Diagnosis::OneType),
        Property::SinglePrecision => return Some(Diagnosis::Rounding),
        Property::Subset => return Some(Diagnosis::DependsOnTracking),
        Property::SameTwice => return Some(Diagnosis::SameVariable),
        Property::Recorded => return Some(Diagnosis::TwoRules),
        Property::InputsKept => return Some(Diagnosis::ChangesInput),
        Property::Adjoint if finding.mismatch.is_some_and(|m| m.found == 0.0) => return Some(Diagnosis::NotRecorded),
        Property::LinearInCotangent if finding.mismatch.is_none() => return Some(Diagnosis::TermWithoutCotangent),
        Property::LinearInCotangent => return Some(Diagnosis::NotLinear),
        Property::Answers | Property::Runs if one_type => return Some(Diagnosis::OneType),
        _ => {}
    }
    if finding.property == Property::Answers
        && let Some(found) = place::from_shapes(&finding.detail, shapes)
    {
        return Some(found);
    }
    let all = || evidence.iter().flat_map(|e| e.wrong().map(move |k| Case { e, k }));
    // Samples of one element fit every hypothesis; let larger ones speak, if there are any.
    let large = |case: &Case| case.inputs() > 1;
    let cases: Vec<Case> = if all().any(|case| large(&case)) { all().filter(large).collect() } else { all().collect() };
    if cases.is_empty() {
        return None;
    }
    if finding.property == Property::SecondOrder {
        // First derivatives are right, and so is the value of the recorded ones: what is wrong is where those are said to come from.
        let sign = scale::scaled(&cases).filter(|found| *found == Diagnosis::SignFlipped);
        return Some(sign.unwrap_or(Diagnosis::NotRecorded));
    }
    hypotheses(&cases).or_else(|| {
        // Each argument may have a mistake of its own.
        let k = finding.argument.filter(|k| cases.iter().any(|case| case.k != *k))?;
        hypotheses(&cases.into_iter().filter(|case| case.k == k).collect::<Vec<_>>())
    })
}

type Hypothesis = fn(&[Case]) -> Option<Diagnosis>;

/// The simplest first: the first that explains all cases is the answer.
const HYPOTHESES: &[Hypothesis] = &[
    |cases| cases.iter().all(|c| c.e.ignores_cotangent[c.k]).then_some(Diagnosis::IgnoresCotangent),
    |cases| cases.iter().any(|c| c.e.adds_without_cotangent(c.k)).then_some(Diagnosis::TermWithoutCotangent),
    |cases| cases.iter().any(|c| c.e.not_linear[c.k]).then_some(Diagnosis::NotLinear),
    |cases| cases.iter().all(|c| !c.e.reached[c.k]).then_some(Diagnosis::NotReached),
    |cases| cases.iter().all(|c| c.pair().is_zero()).then_some(Diagnosis::Zero),
    scale::scaled,
    place::other_argument,
    place::not_adjoint,
    place::transposed,
    place::reversed,
    place::shifted,
    place::right_or_zero,
    factor::ignores_input,
    place::inverted,
    partial::partial,
    factor::elsewhere,
    factor::of_slope,
    factor::factor,
    place::left_out,
    factor::term,
    factor::slope,
    place::misplaced,
    place::uncoupled,
    partial::place_alone,
];

fn hypotheses(cases: &[Case]) -> Option<Diagnosis> {
    if cases.is_empty() {
        return None;
    }
    HYPOTHESES.iter().find_map(|hypothesis| hypothesis(cases))
}
