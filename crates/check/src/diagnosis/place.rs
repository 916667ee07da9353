//! Right numbers in wrong places, or in too few of them.

use super::{Case, Diagnosis, Place};
use crate::difference::Estimate;
use crate::finding::unravel;

const ZERO: Estimate = Estimate { value: 0.0, bar: 0.0 };
/// What is smaller, relative to the largest, is no effect.
const TINY: f64 = 1e-9;

pub(super) fn other_argument(cases: &[Case]) -> Option<Diagnosis> {
    let is_other = |c: &Case, l: usize| {
        let other = c.e.pairs.get(l).filter(|_| l != c.k && c.e.x[l].len() == c.inputs());
        other.is_some_and(|other| c.pair().explained(|j, i| Some(other.truth[j][i])))
    };
    let arguments = cases.iter().map(|c| c.e.shapes.len()).min()?;
    let of_all = (0..arguments).find(|&l| cases.iter().all(|c| is_other(c, l)));
    // The gradients of two arguments may also be exchanged.
    let exchanged = || {
        let some = |c: &Case| (0..arguments).find(|&l| is_other(c, l));
        if cases.iter().all(|c| some(c).is_some()) { some(&cases[0]) } else { None }
    };
    of_all.or_else(exchanged).map(Diagnosis::OtherArgument)
}

/// The rule's Jacobian is the function's, transposed.
pub(super) fn not_adjoint(cases: &[Case]) -> Option<Diagnosis> {
    let fits = |c: &Case| c.inputs() == c.outputs() && c.pair().explained(|j, i| Some(c.pair().truth[i][j]));
    cases.iter().all(fits).then_some(Diagnosis::NotAdjoint)
}

/// The position of element `i` of `shape` after its axes are put in another order, read as a position of the same shape.
fn permuted(i: usize, shape: &[usize], axes: &[usize]) -> usize {
    let index = unravel(i, shape);
    axes.iter().fold(0, |at, &axis| at * shape[axis] + index[axis])
}

/// All orders of a few axes but the one they have.
fn orders(rank: usize) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = vec![vec![]];
    for _ in 0..rank.min(4) {
        let longer = |order: Vec<usize>| {
            (0..rank)
                .filter(|axis| !order.contains(axis))
                .map(|axis| [&order[..], &[axis]].concat())
                .collect::<Vec<_>>()
        };
        all = all.into_iter().flat_map(longer).collect();
    }
    all.retain(|order| order.len() == rank && !order.is_sorted());
    all
}

pub(super) fn transposed(cases: &[Case]) -> Option<Diagnosis> {
    let of_input = |c: &Case| {
        let (pair, shape) = (c.pair(), c.shape());
        orders(shape.len())
            .iter()
            .any(|axes| pair.explained(|j, i| pair.truth[j].get(permuted(i, shape, axes)).copied()))
    };
    let of_output = |c: &Case| {
        let (pair, shape) = (c.pair(), &c.e.output);
        orders(shape.len()).iter().any(|axes| pair.explained(|j, i| Some(pair.truth[permuted(j, shape, axes)][i])))
    };
    if cases.iter().all(of_input) {
        return Some(Diagnosis::Transposed);
    }
    if cases.iter().all(of_output) {
        let broadcast = cases.iter().all(|c| c.shape().len() < c.e.output.len());
        return Some(if broadcast { Diagnosis::WrongAxis } else { Diagnosis::Transposed });
    }
    cases.iter().all(|c| of_input(c) || of_output(c)).then_some(Diagnosis::Transposed)
}

/// The axes that arguments may have, counted from the front, then from the back.
fn axes(cases: &[Case]) -> impl Iterator<Item = isize> {
    let rank = cases.iter().map(|c| c.shape().len()).max().unwrap_or(0) as isize;
    (0..rank).chain((1..=rank).map(|axis| -axis))
}

/// Element `i` of the case's argument moved to another place along an axis; none if that is outside.
fn along(c: &Case, axis: isize, i: usize, to: impl Fn(isize, isize) -> Option<isize>) -> Option<usize> {
    let axis = c.axis(axis)?;
    let inner: usize = c.shape()[axis + 1..].iter().product();
    let (at, n) = ((i / inner % c.shape()[axis]) as isize, c.shape()[axis] as isize);
    to(at, n).map(|to| (i as isize + (to - at) * inner as isize) as usize)
}

pub(super) fn reversed(cases: &[Case]) -> Option<Diagnosis> {
    let fits = |c: &Case, axis: isize| {
        let from = |i: usize| along(c, axis, i, |at, n| Some(n - 1 - at));
        c.pair().explained(|j, i| from(i).map(|from| c.pair().truth[j][from]))
    };
    let long = |axis: isize| cases.iter().any(|c| c.axis(axis).is_some_and(|axis| c.shape()[axis] > 2));
    let axis = axes(cases).find(|&axis| long(axis) && cases.iter().all(|c| fits(c, axis)))?;
    Some(Diagnosis::Reversed { axis })
}

/// The axis and distance by which all wrong gradients are shifted. What is shifted in from the edge may be zero or come round.
pub(super) fn shifted(cases: &[Case]) -> Option<Diagnosis> {
    let all = axes(cases).flat_map(|axis| [1, -1, 2, -2].map(|by| (axis, by)));
    let fits = |&(axis, by): &(isize, isize)| cases.iter().all(|c| is_shifted(c, axis, by));
    all.into_iter().find(fits).map(|(axis, by)| Diagnosis::Shifted { axis, by })
}

fn is_shifted(c: &Case, axis: isize, by: isize) -> bool {
    let pair = c.pair();
    if c.axis(axis).is_none_or(|axis| c.shape()[axis] < 2) {
        return false;
    }
    let from = |i: usize, round: bool| {
        along(c, axis, i, |at, n| {
            let from = at - by;
            if round { Some(from.rem_euclid(n)) } else { (0..n).contains(&from).then_some(from) }
        })
    };
    let fits = |round: bool| pair.explained(|j, i| Some(from(i, round).map_or(ZERO, |from| pair.truth[j][from])));
    // What is shifted in may also be the gradient of what only the rule has there: padding, say.
    let inside = || {
        let acts = |i: usize| from(i, false).is_some_and(|from| c.uses(from) > 0);
        let any = |j: usize, i: usize| Estimate { value: pair.rule[j][i], bar: 0.0 };
        (0..c.inputs()).filter(|&i| acts(i)).count() > 1
            && pair.explained(|j, i| Some(from(i, false).map_or(any(j, i), |from| pair.truth[j][from])))
    };
    fits(true) || fits(false) || inside()
}

/// Each number of the rule's Jacobian is right or zero: which are left out?
pub(super) fn right_or_zero(cases: &[Case]) -> Option<Diagnosis> {
    let all = |fits: fn(&Case) -> bool| cases.iter().all(fits);
    if all(|c| c.right_or_zero()) {
        if all(|c| c.same_shape() && c.is_diagonal() && c.shares()) {
            return Some(Diagnosis::MissingCoupling);
        }
        if all(|c| !c.zero_columns()) {
            let repeated = all(|c| c.one_output_each()) && cases.iter().any(|c| c.uneven_use());
            return Some(if repeated { Diagnosis::Overwritten } else { Diagnosis::MissingSum });
        }
        if all(|c| c.whole_rows()) && cases.iter().any(Case::shares) {
            return Some(Diagnosis::MissingSum);
        }
    }
    let missing = all(|c| c.one_output_each() && c.shares()).then_some(Diagnosis::MissingSum);
    uncoupled(cases).or(missing)
}

/// The rule is zero where the truth is not, and the other way round.
pub(super) fn inverted(cases: &[Case]) -> Option<Diagnosis> {
    let numbers = || cases.iter().flat_map(|c| c.pair().rule.iter().flatten().zip(c.pair().truth.iter().flatten()));
    let apart = numbers().all(|(r, t)| r.abs() <= TINY || t.value.abs() <= TINY);
    let both = numbers().any(|(r, _)| r.abs() > TINY) && numbers().any(|(_, t)| t.value.abs() > TINY);
    let diagonal = cases.iter().all(|c| c.is_diagonal() && !c.shares());
    (apart && both && diagonal).then_some(Diagnosis::InvertedMask)
}

/// The rule is right, but for elements that get nothing.
pub(super) fn left_out(cases: &[Case]) -> Option<Diagnosis> {
    let mistake = Some(Box::new(Diagnosis::Zero));
    let fits = cases.iter().all(|c| c.right_or_zero());
    fits.then_some(Diagnosis::Only { place: Place::Somewhere, mistake })
}

/// What elements do to outputs that are not their own is missing, whatever else may be wrong.
pub(super) fn uncoupled(cases: &[Case]) -> Option<Diagnosis> {
    let fits = |c: &Case| c.same_shape() && c.inputs() > 1 && c.is_diagonal() && c.shares();
    cases.iter().all(fits).then_some(Diagnosis::MissingCoupling)
}

impl Case<'_, '_> {
    fn right_or_zero(&self) -> bool {
        let pair = self.pair();
        pair.explained(|j, i| Some(if pair.rule[j][i] == 0.0 { ZERO } else { pair.truth[j][i] }))
    }

    /// Whether the rule is right or zero for whole outputs.
    fn whole_rows(&self) -> bool {
        let pair = self.pair();
        (0..self.outputs()).all(|j| {
            let (rule, truth) = (&pair.rule[j], &pair.truth[j]);
            rule.iter().all(|&r| r == 0.0) || rule.iter().zip(truth).all(|(&r, &t)| pair.fits(r, t))
        })
    }

    fn same_shape(&self) -> bool {
        self.shape() == self.e.output
    }

    /// Whether the rule lets each element act on its own output alone.
    fn is_diagonal(&self) -> bool {
        self.pair().rule.iter().enumerate().all(|(j, row)| row.iter().enumerate().all(|(i, &r)| i == j || r == 0.0))
    }

    fn acts(&self, j: usize, i: usize) -> bool {
        self.pair().truth[j][i].value.abs() > TINY
    }

    /// How many outputs depend on element `i`.
    fn uses(&self, i: usize) -> usize {
        (0..self.outputs()).filter(|&j| self.acts(j, i)).count()
    }

    /// Whether some element acts on several outputs.
    fn shares(&self) -> bool {
        (0..self.inputs()).any(|i| self.uses(i) > 1)
    }

    /// Whether some elements act on more outputs than others.
    fn uneven_use(&self) -> bool {
        (1..self.inputs()).any(|i| self.uses(i) != self.uses(0))
    }

    /// Whether the rule gives nothing to an element that acts.
    fn zero_columns(&self) -> bool {
        (0..self.inputs()).any(|i| self.uses(i) > 0 && self.pair().rule.iter().all(|row| row[i] == 0.0))
    }

    fn one_output_each(&self) -> bool {
        (0..self.inputs()).all(|i| self.pair().rule.iter().filter(|row| row[i].abs() > TINY).count() <= 1)
    }
}

/// Columns, or rows, of the Jacobian are exchanged.
pub(super) fn misplaced(cases: &[Case]) -> Option<Diagnosis> {
    let columns = |c: &Case| {
        let pair = c.pair();
        let same = |i: usize, from: usize| (0..c.outputs()).all(|j| pair.fits(pair.rule[j][i], pair.truth[j][from]));
        (0..c.inputs()).all(|i| (0..c.inputs()).any(|from| same(i, from)))
    };
    let rows = |c: &Case| {
        let pair = c.pair();
        let same = |j: usize, from: usize| (0..c.inputs()).all(|i| pair.fits(pair.rule[j][i], pair.truth[from][i]));
        c.outputs() > 1 && (0..c.outputs()).all(|j| (0..c.outputs()).any(|from| same(j, from)))
    };
    cases.iter().all(|c| columns(c) || rows(c)).then_some(Diagnosis::Misplaced)
}

/// What the engine says of a gradient that does not fit its argument.
pub(super) fn from_shapes(message: &str, shapes: &[Vec<usize>]) -> Option<Diagnosis> {
    let after = |text: &str| -> Option<Vec<usize>> {
        let rest = &message[message.find(text)? + text.len()..];
        let list = &rest[rest.find('[')? + 1..rest.find(']')?];
        list.split(',').filter(|n| !n.trim().is_empty()).map(|n| n.trim().parse().ok()).collect()
    };
    let (answer, argument) = (after("answered with ")?, after("but the argument is ")?);
    if answer == argument {
        return Some(Diagnosis::OneType);
    }
    let sorted = |mut shape: Vec<usize>| {
        shape.sort_unstable();
        shape
    };
    if answer.len() == argument.len() && sorted(answer.clone()) == sorted(argument.clone()) {
        return Some(Diagnosis::Transposed);
    }
    if let Some(other) = shapes.iter().position(|shape| *shape == answer) {
        return Some(Diagnosis::OtherArgument(other));
    }
    let mut left = answer.iter();
    let reduced = argument.iter().all(|n| left.any(|m| m == n || *n == 1));
    if reduced && answer.len() >= argument.len() {
        return Some(Diagnosis::MissingSum);
    }
    (answer.len() == argument.len()).then_some(Diagnosis::WrongAxis)
}
