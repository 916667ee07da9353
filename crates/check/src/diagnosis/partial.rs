//! A rule that is wrong in some places only.

use std::fmt;

use super::factor::factor_of;
use super::scale::{pretty, simple};
use super::{Case, Diagnosis};
use crate::finding::unravel;

/// Where a rule is wrong.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Place {
    /// Where an argument is less than a number.
    Below(usize, f64),
    /// Where an argument is greater than a number.
    Above(usize, f64),
    /// Where the size of an argument is greater than a number.
    Beyond(usize, f64),
    /// Where the size of an argument is less than a number.
    Within(usize, f64),
    /// Where an argument is this number.
    At(usize, f64),
    /// Where one argument is less than another.
    Less(usize, usize),
    /// Where an argument holds the same number more than once.
    Ties(usize),
    /// For some elements.
    Somewhere,
    /// At the first place of an axis.
    First(usize),
    /// At the last place of an axis.
    Last(usize),
    /// At both ends of an axis.
    Ends(usize),
    /// Everywhere but at the first place of an axis.
    AfterFirst(usize),
    /// Everywhere but at the last place of an axis.
    BeforeLast(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Place::Below(k, b) => write!(f, "x[{k}] < {}", pretty(b)),
            Place::Above(k, b) => write!(f, "x[{k}] > {}", pretty(b)),
            Place::Beyond(k, b) => write!(f, "|x[{k}]| > {}", pretty(b)),
            Place::Within(k, b) => write!(f, "|x[{k}]| < {}", pretty(b)),
            Place::At(k, b) => write!(f, "x[{k}] = {}", pretty(b)),
            Place::Less(k, l) => write!(f, "x[{k}] < x[{l}]"),
            Place::Ties(k) => write!(f, "x[{k}] holds the same number more than once"),
            Place::Somewhere => write!(f, "an element is one of some"),
            Place::First(axis) => write!(f, "the index along axis {axis} is 0: at its first edge"),
            Place::Last(axis) => write!(f, "the index along axis {axis} is the last: at its far edge"),
            Place::Ends(axis) => write!(f, "the index along axis {axis} is the first or the last: at the edges"),
            Place::AfterFirst(axis) => write!(f, "the index along axis {axis} is not 0: all but the first"),
            Place::BeforeLast(axis) => write!(f, "the index along axis {axis} is not the last: all but the last"),
        }
    }
}

/// Elements of arguments, by case and position, that have a right gradient or a wrong one. Those that have none, rightly, are left
/// out.
struct Split {
    wrong: Vec<(usize, usize)>,
    right: Vec<(usize, usize)>,
}

impl Split {
    fn of(cases: &[Case]) -> Split {
        let mut split = Split { wrong: vec![], right: vec![] };
        for (at, c) in cases.iter().enumerate() {
            let (pair, nothing) = (c.pair(), 1e-9 * c.pair().scale());
            for i in 0..c.inputs() {
                let column = || (0..c.outputs()).map(|j| (pair.rule[j][i], pair.truth[j][i]));
                if column().any(|(r, t)| !pair.fits(r, t)) {
                    split.wrong.push((at, i));
                } else if column().any(|(_, t)| t.value.abs() > nothing) {
                    split.right.push((at, i));
                }
            }
        }
        split
    }

    /// A bound that all wrong numbers exceed and no right one does.
    fn bound(&self, number: impl Fn(usize, usize) -> f64) -> Option<f64> {
        let right = self.right.iter().map(|&(c, i)| number(c, i)).fold(f64::NEG_INFINITY, f64::max);
        let wrong = self.wrong.iter().map(|&(c, i)| number(c, i)).fold(f64::INFINITY, f64::min);
        if right >= wrong || !right.is_finite() {
            return None;
        }
        let round = ROUND.into_iter().find(|b| right <= *b && *b <= wrong);
        round.or(Some(((right + wrong) * 8.0).round() / 16.0).filter(|b| right <= *b && *b <= wrong)).or(Some(wrong))
    }

    fn separates(&self, holds: impl Fn(usize, usize) -> bool) -> bool {
        self.wrong.iter().all(|&(c, i)| holds(c, i)) && !self.right.iter().any(|&(c, i)| holds(c, i))
    }
}

/// Bounds that numbers are compared with most often.
const ROUND: [f64; 9] = [0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 3.0, 6.0, -3.0];

impl Place {
    fn is_round(&self) -> bool {
        let (Place::Below(_, b) | Place::Above(_, b) | Place::Beyond(_, b) | Place::Within(_, b)) = self else {
            return false;
        };
        ROUND.contains(b)
    }
}

/// An interval of an argument's values, if the wrong elements lie in one and the right ones outside.
fn interval(split: &Split, x: &dyn Fn(usize, usize) -> f64, k: usize) -> Option<Place> {
    let above = || split.bound(x).map(|b| Place::Above(k, b));
    let below = || split.bound(|c, i| -x(c, i)).map(|b| Place::Below(k, 0.0 - b));
    let beyond = || split.bound(|c, i| x(c, i).abs()).map(|b| Place::Beyond(k, b));
    let within = || split.bound(|c, i| -x(c, i).abs()).map(|b| Place::Within(k, 0.0 - b));
    above().or_else(below).or_else(beyond).or_else(within)
}

/// Whether something holds of a sample's element.
type Holds<'a> = &'a dyn Fn(usize, usize) -> bool;

/// A position along an axis.
fn edges(cases: &[Case], split: &Split) -> Option<Place> {
    let n = |c: usize, axis: usize| cases[c].shape().get(axis).copied().unwrap_or(1);
    let at = |c: usize, i: usize, axis: usize| unravel(i, cases[c].shape()).get(axis).copied().unwrap_or(0);
    let rank = cases.iter().map(|c| c.shape().len()).max()?;
    (0..rank).filter(|&axis| (0..cases.len()).any(|c| n(c, axis) > 1)).find_map(|axis| {
        let (first, last) = (|c, i| at(c, i, axis) == 0, |c, i| at(c, i, axis) + 1 == n(c, axis));
        let all: [(Place, Holds); 5] = [
            (Place::First(axis), &first),
            (Place::Last(axis), &last),
            (Place::Ends(axis), &|c, i| first(c, i) || last(c, i)),
            (Place::AfterFirst(axis), &|c, i| !first(c, i)),
            (Place::BeforeLast(axis), &|c, i| !last(c, i)),
        ];
        all.into_iter().find(|(_, holds)| split.separates(holds)).map(|(place, _)| place)
    })
}

/// How an argument's elements compare with other arguments' or with each other.
fn compared(cases: &[Case], split: &Split, k: usize) -> Option<Place> {
    let x = |l: usize| move |c: usize, i: usize| cases[c].e.x[l][i];
    let same = |l: usize| l != k && cases.iter().all(|c| c.e.shapes.get(l).is_some_and(|shape| shape == c.shape()));
    let (own, tied) = (x(k), |c: usize, i: usize| cases[c].e.x[k].iter().filter(|&&y| y == x(k)(c, i)).count() > 1);
    let of_two = (0..cases[0].e.shapes.len()).filter(|&l| same(l)).find_map(|l| {
        let less = split.separates(|c, i| own(c, i) < x(l)(c, i)).then_some(Place::Less(k, l));
        less.or_else(|| split.separates(|c, i| own(c, i) > x(l)(c, i)).then_some(Place::Less(l, k)))
    });
    of_two.or_else(|| split.separates(tied).then_some(Place::Ties(k)))
}

/// Whether the wrong elements and the right ones differ in something simple.
fn places(cases: &[Case], split: &Split) -> Option<Place> {
    if split.right.is_empty() || split.wrong.is_empty() || cases.iter().any(|c| c.k != cases[0].k) {
        return None;
    }
    let k = cases[0].k;
    let x = |c: usize, i: usize| cases[c].e.x[k][i];
    let first = x(split.wrong[0].0, split.wrong[0].1);
    if split.separates(|c, i| x(c, i) == first) {
        return Some(Place::At(k, first));
    }
    let interval = interval(split, &x, k);
    match interval {
        Some(place) if place.is_round() => Some(place),
        other => edges(cases, split).or_else(|| compared(cases, split, k)).or(other),
    }
}
/// What is wrong at the wrong places, and nowhere else.
pub(super) fn partial(cases: &[Case]) -> Option<Diagnosis> {
    let split = Split::of(cases);
    let place = places(cases, &split)?;
    let numbers = || {
        split.wrong.iter().flat_map(|&(c, i)| {
            let pair = cases[c].pair();
            (0..cases[c].outputs()).map(move |j| (pair.rule[j][i], pair.truth[j][i], pair.scale()))
        })
    };
    let of =
        |c: f64| numbers().all(|(r, t, scale)| (r - c * t.value).abs() <= 4.0 * t.bar * (1.0 + c.abs()) + 1e-6 * scale);
    let largest = numbers().max_by(|a, b| a.1.value.abs().total_cmp(&b.1.value.abs()))?;
    let c = largest.0 / largest.1.value;
    let mistake = match c {
        _ if numbers().all(|(_, t, scale)| t.value.abs() <= 1e-9 * scale) => Diagnosis::NotZero,
        _ if of(0.0) => Diagnosis::Zero,
        _ if !c.is_finite() || !of(c) => factor_of(cases, &|c, i| split.wrong.contains(&(c, i)))?,
        _ if (c + 1.0).abs() < 1e-5 => Diagnosis::SignFlipped,
        _ => Diagnosis::Factor(simple(c)),
    };
    Some(Diagnosis::Only { place, mistake: Some(Box::new(mistake)) })
}

/// Where it is wrong, if it is not known what.
pub(super) fn place_alone(cases: &[Case]) -> Option<Diagnosis> {
    let place = places(cases, &Split::of(cases))?;
    Some(Diagnosis::Only { place, mistake: None })
}
