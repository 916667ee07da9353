//! Diagnoses in words.

use std::fmt;

use super::scale::pretty;
use super::{Diagnosis, Place};

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Diagnosis::SignFlipped => write!(f, "the sign is flipped"),
            Diagnosis::Factor(c) => write!(f, "a constant factor: the gradient is {} times the true one", pretty(*c)),
            Diagnosis::MeanForSum { too_large: true } => {
                write!(f, "the gradient is too large by the number of elements: a division by their count is missing")
            }
            Diagnosis::MeanForSum { too_large: false } => {
                write!(f, "the gradient is too small by the number of elements: a mean where a sum belongs")
            }
            Diagnosis::CountOffByOne => {
                write!(
                    f,
                    "the count is off by one: the gradient is divided by n where n - 1 belongs, or the other way round"
                )
            }
            Diagnosis::WrongSlope(h) => write!(f, "the rule multiplies g by {h}, which is not the slope"),
            Diagnosis::NotZero => write!(f, "a gradient flows where there is none"),
            Diagnosis::InvertedMask => {
                write!(f, "the mask is inverted: the gradient flows exactly where it should not, and nowhere else")
            }
            Diagnosis::ExtraFactor(h) => {
                write!(
                    f,
                    "an extra factor: the gradient is the true one times {h} (a power off by one, or a division left out?)"
                )
            }
            Diagnosis::MissingFactor(h) => write!(
                f,
                "a missing factor: the true gradient is this one times {h} (an inner derivative, or an argument left out?)"
            ),
            Diagnosis::ExtraTerm(h) => write!(f, "a wrong term: the gradient is the true one plus {h}, times g"),
            Diagnosis::SlopeTwice => write!(f, "the slope is multiplied by twice: the gradient is g times its square"),
            Diagnosis::Reciprocal => {
                write!(f, "the slope's reciprocal: the rule divides where it should multiply, or the other way round")
            }
            Diagnosis::ElsewhereSlope(at) => write!(f, "the slope is taken at another point: {at}"),
            Diagnosis::IgnoresInput => write!(
                f,
                "the gradient does not change with the input: a slope taken as constant, or remembered from an earlier call"
            ),
            Diagnosis::Transposed => write!(f, "the gradient is transposed"),
            Diagnosis::TransposedArgument(k) => {
                write!(f, "x[{k}] is transposed in the rule where it should not be, or the other way round")
            }
            Diagnosis::NotAdjoint => write!(
                f,
                "the rule does the same as the function where its adjoint belongs: it must run the other way (Jᵀg, not Jg)"
            ),
            Diagnosis::WrongAxis => write!(f, "the rule sums over the wrong axis"),
            Diagnosis::Reversed { axis } => write!(f, "the gradient is reversed along axis {axis}"),
            Diagnosis::Shifted { axis, by } => write!(f, "the gradient is shifted by {by} along axis {axis}"),
            Diagnosis::Misplaced => {
                write!(f, "the numbers are right and in the wrong places: elements get what belongs to others")
            }
            Diagnosis::MissingSum => write!(
                f,
                "a sum is missing: one input reaches several outputs, and the rule does not add up what comes back"
            ),
            Diagnosis::Overwritten => write!(
                f,
                "where an element is used more than once, one gradient overwrites the others: the rule must add up (scatter_add, index_add)"
            ),
            Diagnosis::MissingCoupling => write!(
                f,
                "the effect of an element on other outputs than its own is missing: what they share (a sum, mean, norm or maximum) is treated as a constant"
            ),
            Diagnosis::Only { place: Place::Somewhere, mistake: Some(mistake) } => {
                write!(f, "for some elements: {mistake}")
            }
            Diagnosis::Only { place, mistake: Some(mistake) } => write!(f, "only where {place}: {mistake}"),
            Diagnosis::Only { place, mistake: None } => write!(f, "wrong only where {place}"),
            Diagnosis::Zero => write!(f, "the rule gives zero: the term for this argument is missing"),
            Diagnosis::NotReached => {
                write!(f, "no gradient arrives: the way is cut (detach, or a constant made from .value())")
            }
            Diagnosis::IgnoresCotangent => write!(f, "the rule ignores its incoming gradient g"),
            Diagnosis::TermWithoutCotangent => {
                write!(f, "the rule adds a term without multiplying it by its incoming gradient g")
            }
            Diagnosis::NotLinear => write!(
                f,
                "the rule is not linear in its incoming gradient g: it clips, squares or rounds it where it may only multiply"
            ),
            Diagnosis::OtherArgument(k) => write!(f, "this is the gradient for x[{k}]"),
            Diagnosis::NotRecorded => write!(
                f,
                "the rule's gradient does not know that it depends on the inputs: it was computed from .value() or after .detach()"
            ),
            Diagnosis::ReadsUnsaved => write!(f, "the rule reads an input or output that its saves() leaves out"),
            Diagnosis::NotDeterministic => {
                write!(f, "the op is not deterministic: fix its seed inside the function under check")
            }
            Diagnosis::IgnoresStrides => write!(f, "memory is read as if it were contiguous"),
            Diagnosis::OneType => write!(
                f,
                "the op or its rule is made for one element type: it works in f64 or f32, not in both; make its constants of x.dtype()"
            ),
            Diagnosis::Rounding => {
                write!(
                    f,
                    "rounding: in f32 more digits are lost than the type has to lose, as when near-equal numbers cancel"
                )
            }
            Diagnosis::DependsOnTracking => {
                write!(f, "the rule does something else when only some of the arguments want a gradient")
            }
            Diagnosis::SameVariable => {
                write!(f, "the op takes its arguments for different ones; given one variable twice, it loses a part")
            }
            Diagnosis::TwoRules => write!(
                f,
                "the rule answers with other numbers when it is recorded: its branches for tracked and untracked variables differ"
            ),
            Diagnosis::ChangesInput => write!(f, "the op writes to its inputs"),
            Diagnosis::OffTape => write!(
                f,
                "every op on the tape has the right rule: the loss depends on the parameter in a way that no tape has seen (detach, or .value())"
            ),
        }
    }
}
