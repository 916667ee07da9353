//! One function per property. Each looks at a trial and says what is wrong with it, if anything.

mod contract;
mod convention;
mod first;
mod layout;
mod precision;
mod second;

pub(crate) use convention::conventions;
pub(crate) use first::{Rows, along_parts, special_numbers};
pub(crate) use second::hessian_along;

use crate::finding::{Finding, Outcome, Property, Tally};
use crate::trial::Trial;

/// What varies from case to case besides the inputs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Variation {
    /// How the inputs lie in memory; see [`layout`].
    pub(crate) layout: u64,
    /// Which special number is put into the inputs (0: none), and where: bit i stands for element i.
    pub(crate) special: u64,
    pub(crate) places: u64,
}

type Check = fn(&Trial, Variation, &mut Tally) -> Outcome;

/// All properties of a function at a point, the most basic first.
const ALL: [(Property, Check); 11] = [
    (Property::Deterministic, contract::deterministic),
    (Property::Form, contract::form),
    (Property::Gradient, first::gradient),
    (Property::LinearInCotangent, contract::linear_in_cotangent),
    (Property::Recorded, second::recorded),
    (Property::Adjoint, second::adjoint),
    (Property::SecondOrder, second::second_order),
    (Property::Subset, contract::subset),
    (Property::SameTwice, contract::same_twice),
    (Property::Layout, layout::layout),
    (Property::SinglePrecision, precision::single_precision),
];

/// Those that a result of integers or truth values has, through which no derivative flows.
const OF_INTEGERS: [Property; 3] = [Property::Deterministic, Property::Form, Property::Layout];

/// Runs all properties up to `order`, or those that can show the one that is wanted.
pub(crate) fn check(
    trial: &Trial,
    variation: Variation,
    order: usize,
    only: Option<Property>,
    tally: &mut Tally,
) -> Outcome {
    trial.pass().map_err(Finding::panic)?;
    for (property, check) in ALL {
        // A rule can panic anywhere; what panics is told apart from what is wrong by the finding itself.
        let wanted = only.is_none_or(|only| only == property || only == Property::Answers);
        let applies = trial.value.dtype().is_float() || OF_INTEGERS.contains(&property);
        if wanted && applies && (order > 1 || property != Property::SecondOrder) {
            check(trial, variation, tally)?;
        }
    }
    contract::inputs_kept(trial)
}
