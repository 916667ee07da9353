//! From wrong numbers to the likely mistake: hypotheses, each of which must explain every number of every failing sample at hand.

use std::fmt;

use crate::difference::Estimate;
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
    /// The gradient is that of the true one with two axes exchanged.
    Transposed,
    /// The gradient would be right if this argument were transposed: the rule takes it the wrong way round.
    TransposedArgument(usize),
    /// A sum is missing over what the outputs share.
    MissingSum,
    /// The rule's gradient is zero.
    Zero,
    /// No gradient arrives at all.
    NotReached,
    /// The rule does not use the gradient of the output.
    IgnoresCotangent,
    /// The gradient is that of another argument.
    OtherArgument(usize),
    /// The gradient stands this many places further along an axis.
    Shifted {
        /// The axis of the argument.
        axis: usize,
        /// By how many places.
        by: isize,
    },
    /// The rule gives a gradient of the right value that forgets how it depends on the inputs.
    NotRecorded,
    /// The rule reads a value that it did not save.
    ReadsUnsaved,
    /// The op does not give the same result twice.
    NotDeterministic,
    /// The op, or its rule, reads memory without regard to strides.
    IgnoresStrides,
}

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
            Diagnosis::Transposed => write!(f, "the gradient is transposed"),
            Diagnosis::TransposedArgument(k) => {
                write!(f, "x[{k}] is transposed in the rule where it should not be, or the other way round")
            }
            Diagnosis::MissingSum => write!(
                f,
                "a sum is missing: one input reaches several outputs, and the rule does not add up what comes back"
            ),
            Diagnosis::Zero => write!(f, "the rule gives zero: the term for this argument is missing"),
            Diagnosis::NotReached => {
                write!(f, "no gradient arrives: the way is cut (detach, or a constant made from .value())")
            }
            Diagnosis::IgnoresCotangent => write!(f, "the rule ignores its incoming gradient g"),
            Diagnosis::OtherArgument(k) => write!(f, "this is the gradient for x[{k}]"),
            Diagnosis::Shifted { axis, by } => write!(f, "the gradient is shifted by {by} along axis {axis}"),
            Diagnosis::NotRecorded => write!(
                f,
                "the rule's gradient does not know that it depends on the inputs: it was computed from .value() or after .detach()"
            ),
            Diagnosis::ReadsUnsaved => write!(f, "the rule reads an input or output that its saves() leaves out"),
            Diagnosis::NotDeterministic => {
                write!(f, "the op is not deterministic: fix its seed inside the function under check")
            }
            Diagnosis::IgnoresStrides => write!(f, "memory is read as if it were contiguous"),
        }
    }
}

/// The simple fraction next to a factor, as numerator and denominator.
fn fraction(c: f64) -> Option<(f64, f64)> {
    let near = |q: &f64| ((c * q).round() - c * q).abs() < 1e-6 * c.abs().max(1.0);
    (1..=12).map(f64::from).find(near).map(|q| ((c * q).round(), q))
}

/// A factor as one would say it.
fn pretty(c: f64) -> String {
    match fraction(c) {
        Some((p, 1.0)) => format!("{p}"),
        Some((p, q)) => format!("{p}/{q}"),
        None => format!("{c:.6}"),
    }
}

/// The mistake that explains a finding, given Jacobians of samples that fail.
pub(crate) fn diagnose(finding: &Finding, evidence: &[Evidence]) -> Option<Diagnosis> {
    match finding.property {
        _ if finding.detail.contains("were not saved") => return Some(Diagnosis::ReadsUnsaved),
        Property::Deterministic => return Some(Diagnosis::NotDeterministic),
        Property::Layout => return Some(Diagnosis::IgnoresStrides),
        _ => {}
    }
    // Samples of one element fit every hypothesis; let larger ones speak, if there are any.
    let large: Vec<&Evidence> = evidence.iter().filter(|e| e.wrong().any(|k| e.pairs[k].rule[0].len() > 1)).collect();
    let samples = if large.is_empty() { evidence.iter().collect() } else { large };
    if samples.is_empty() {
        return from_shapes(&finding.detail);
    }
    if finding.property == Property::SecondOrder {
        // First derivatives are right, and so is the value of the recorded ones: what is wrong is where those are said to come from.
        let sign = scaled(&samples).filter(|found| *found == Diagnosis::SignFlipped);
        return Some(sign.unwrap_or(Diagnosis::NotRecorded));
    }
    hypotheses(&samples)
}

/// Whether a hypothesis explains each wrong argument of each sample.
fn explains(samples: &[&Evidence], hypothesis: impl Fn(&Evidence, usize) -> bool) -> bool {
    samples.iter().all(|e| e.wrong().all(|k| hypothesis(e, k)))
}

fn hypotheses(samples: &[&Evidence]) -> Option<Diagnosis> {
    if samples.iter().all(|e| e.ignores_cotangent) {
        return Some(Diagnosis::IgnoresCotangent);
    }
    if explains(samples, |e, k| !e.reached[k]) {
        return Some(Diagnosis::NotReached);
    }
    if explains(samples, |e, k| e.pairs[k].is_zero()) {
        return Some(Diagnosis::Zero);
    }
    if let Some(found) = scaled(samples) {
        return Some(found);
    }
    let arguments = samples.iter().map(|e| e.shapes.len()).min().unwrap_or(0);
    let of_other = |l: usize| explains(samples, |e, k| k != l && is_other(e, k, l));
    // The gradients of two arguments may also be exchanged.
    let exchanged = || explains(samples, |e, k| (0..e.pairs.len()).any(|l| l != k && is_other(e, k, l)));
    if let Some(l) = (0..arguments).find(|&l| of_other(l)) {
        return Some(Diagnosis::OtherArgument(l));
    }
    if exchanged() {
        let (e, k) = (samples[0], samples[0].wrong().next()?);
        return (0..arguments).find(|&l| l != k && is_other(e, k, l)).map(Diagnosis::OtherArgument);
    }
    if explains(samples, is_transposed) {
        return Some(Diagnosis::Transposed);
    }
    if let Some(l) = (0..arguments).find(|&l| explains(samples, |e, k| takes_transposed(e, k, l))) {
        return Some(Diagnosis::TransposedArgument(l));
    }
    if let Some((axis, by)) = shift(samples) {
        return Some(Diagnosis::Shifted { axis, by });
    }
    explains(samples, lacks_sum).then_some(Diagnosis::MissingSum)
}

/// A sign or a factor that is the same everywhere, or one that is a number of elements.
fn scaled(samples: &[&Evidence]) -> Option<Diagnosis> {
    let mut factors = Vec::new();
    for e in samples {
        for k in e.wrong() {
            factors.push((factor(&e.pairs[k])?, *e, k));
        }
    }
    let first = factors.first()?.0;
    if factors.iter().all(|(c, ..)| (c - first).abs() <= 1e-5 * first.abs()) {
        let many = factors.iter().any(|(_, e, k)| e.pairs[*k].rule[0].len() > 1);
        let sign = (first + 1.0).abs() < 1e-5;
        // From samples of one element, a factor that is not simple may be anything.
        let plausible = many || [2.0, 0.5, -2.0, -0.5].iter().any(|c| (first - c).abs() < 1e-5);
        return match sign {
            true => Some(Diagnosis::SignFlipped),
            false => plausible.then_some(Diagnosis::Factor(fraction(first).map_or(first, |(p, q)| p / q))),
        };
    }
    let is_count = |c: f64, e: &Evidence, k: usize| {
        let lengths = e.shapes[k].iter().chain(&e.output).copied();
        let products = [e.shapes[k].iter().product::<usize>(), e.output.iter().product()];
        lengths.chain(products).any(|n| (c - n as f64).abs() < 1e-5 * c.abs())
    };
    let [large, small] =
        [false, true].map(|inverse| factors.iter().all(|&(c, e, k)| is_count(if inverse { 1.0 / c } else { c }, e, k)));
    (large || small).then_some(Diagnosis::MeanForSum { too_large: large })
}

/// The factor between a rule and the truth, if it is one.
fn factor(pair: &Pair) -> Option<f64> {
    let numbers = || pair.truth.iter().flatten().zip(pair.rule.iter().flatten());
    let (top, bottom) =
        numbers().fold((0.0, 0.0), |(top, bottom), (t, r)| (top + r * t.value, bottom + t.value * t.value));
    let c = top / bottom;
    let scaled = |e: Estimate| Estimate { value: c * e.value, bar: c.abs() * e.bar };
    (c.is_finite() && c != 0.0 && pair.explained(|j, i| Some(scaled(pair.truth[j][i])))).then_some(c)
}

fn is_other(e: &Evidence, k: usize, l: usize) -> bool {
    let (pair, other) = (&e.pairs[k], &e.pairs[l]);
    !pair.rule.is_empty()
        && pair.rule[0].len() == other.truth[0].len()
        && pair.explained(|j, i| Some(other.truth[j][i]))
}

/// The position of element `i` of `shape` after two axes are exchanged, read as a position of the same shape.
fn exchange(i: usize, shape: &[usize], a: usize, b: usize) -> usize {
    let mut index = vec![0; shape.len()];
    let mut rest = i;
    for (at, &n) in index.iter_mut().zip(shape).rev() {
        (*at, rest) = (rest % n, rest / n);
    }
    let mut exchanged = shape.to_vec();
    exchanged.swap(a, b);
    index.swap(a, b);
    index.iter().zip(&exchanged).fold(0, |at, (i, n)| at * n + i)
}

fn is_transposed(e: &Evidence, k: usize) -> bool {
    let axes = |shape: &[usize]| -> Vec<(usize, usize)> {
        (0..shape.len()).flat_map(|a| (a + 1..shape.len()).map(move |b| (a, b))).collect()
    };
    let pair = &e.pairs[k];
    let of_input = axes(&e.shapes[k])
        .iter()
        .any(|&(a, b)| pair.explained(|j, i| pair.truth[j].get(exchange(i, &e.shapes[k], a, b)).copied()));
    let of_output = axes(&e.output)
        .iter()
        .any(|&(a, b)| pair.explained(|j, i| Some(pair.truth.get(exchange(j, &e.output, a, b))?[i])));
    of_input || of_output
}

fn takes_transposed(e: &Evidence, k: usize, l: usize) -> bool {
    let there = e.transposed.get(l).and_then(Option::as_ref);
    there.is_some_and(|there| e.pairs[k].explained(|j, i| Some(there[k].truth[j][i])))
}

/// The axis and distance by which all wrong gradients are shifted. What is shifted in from the edge may be zero or come round.
fn shift(samples: &[&Evidence]) -> Option<(usize, isize)> {
    let rank = samples.iter().flat_map(|e| &e.shapes).map(Vec::len).max()?;
    let all = (0..rank).flat_map(|axis| [1, -1, 2, -2].map(|by| (axis, by)));
    all.into_iter().find(|&(axis, by)| explains(samples, |e, k| is_shifted(e, k, axis, by)))
}

fn is_shifted(e: &Evidence, k: usize, axis: usize, by: isize) -> bool {
    let (shape, pair) = (&e.shapes[k], &e.pairs[k]);
    let Some(&n) = shape.get(axis) else { return false };
    if n < 2 {
        return false;
    }
    let inner: usize = shape[axis + 1..].iter().product();
    let from = |i: usize, round: bool| -> Option<usize> {
        let at = (i / inner % n) as isize;
        let source = at - by;
        let inside = (0..n as isize).contains(&source);
        let source = source.rem_euclid(n as isize);
        (inside || round).then(|| (i as isize + (source - at) * inner as isize) as usize)
    };
    let zero = Estimate { value: 0.0, bar: 0.0 };
    [true, false]
        .iter()
        .any(|&round| pair.explained(|j, i| Some(from(i, round).map_or(zero, |source| pair.truth[j][source]))))
}

/// The rule gives each input the gradient of one output alone, or of those at one place of an axis, where several depend on it.
fn lacks_sum(e: &Evidence, k: usize) -> bool {
    let (pair, tiny) = (&e.pairs[k], 1e-9);
    let reached = |numbers: &mut dyn Iterator<Item = f64>| numbers.filter(|x| x.abs() > tiny).count();
    let columns = 0..pair.rule[0].len();
    let by_rule = columns.clone().map(|i| reached(&mut pair.rule.iter().map(|row| row[i]))).max().unwrap_or(0);
    let in_truth = columns.map(|i| reached(&mut pair.truth.iter().map(|row| row[i].value))).max().unwrap_or(0);
    let one_output_each = by_rule <= 1 && in_truth > 1;
    let parts = e.output.iter().enumerate().any(|(axis, &n)| {
        let inner: usize = e.output[axis + 1..].iter().product();
        let zero = Estimate { value: 0.0, bar: 0.0 };
        n > 1 && (0..n).any(|at| pair.explained(|j, i| Some(if j / inner % n == at { pair.truth[j][i] } else { zero })))
    });
    one_output_each || parts
}

/// What the engine says of a gradient that does not fit its argument.
fn from_shapes(message: &str) -> Option<Diagnosis> {
    let after = |text: &str| -> Option<Vec<usize>> {
        let rest = &message[message.find(text)? + text.len()..];
        let list = &rest[rest.find('[')? + 1..rest.find(']')?];
        list.split(',').filter(|n| !n.trim().is_empty()).map(|n| n.trim().parse().ok()).collect()
    };
    let (answer, argument) = (after("answered with ")?, after("but the argument is ")?);
    let sorted = |mut shape: Vec<usize>| {
        shape.sort_unstable();
        shape
    };
    if answer.len() == argument.len() && sorted(answer.clone()) == sorted(argument.clone()) {
        return Some(Diagnosis::Transposed);
    }
    let mut left = answer.iter();
    let reduced = argument.iter().all(|n| left.any(|m| m == n || *n == 1));
    (reduced && answer.len() >= argument.len()).then_some(Diagnosis::MissingSum)
}
