//! A gradient that is wrong by a factor which is the same everywhere.

use super::{Case, Diagnosis};
use crate::difference::Estimate;
use crate::evidence::Pair;

/// The simple fraction next to a factor, as numerator and denominator.
fn fraction(c: f64) -> Option<(f64, f64)> {
    let near = |q: &f64| ((c * q).round() - c * q).abs() < 1e-6 * c.abs().max(1.0);
    (1..=12).map(f64::from).find(near).map(|q| ((c * q).round(), q))
}

/// The simple fraction next to a factor, if there is one.
pub(super) fn simple(c: f64) -> f64 {
    fraction(c).filter(|(p, _)| *p != 0.0).map_or(c, |(p, q)| p / q)
}

/// A factor as one would say it.
pub(super) fn pretty(c: f64) -> String {
    match fraction(c) {
        Some((p, 1.0)) => format!("{p}"),
        Some((p, q)) if p != 0.0 => format!("{p}/{q}"),
        _ => format!("{c:.6}"),
    }
}

/// A sign or a factor that is the same everywhere, or one that is a number of elements.
pub(super) fn scaled(cases: &[Case]) -> Option<Diagnosis> {
    let factors: Vec<(f64, &Case)> = cases.iter().map(|c| Some((factor(c.pair())?, c))).collect::<Option<_>>()?;
    let first = factors.first()?.0;
    if factors.iter().all(|(c, _)| (c - first).abs() <= 1e-5 * first.abs()) {
        let many = factors.iter().any(|(_, c)| c.inputs() > 1);
        // From samples of one element, a factor that is not simple may be anything.
        let plausible = many || [2.0, 0.5, -2.0, -0.5].iter().any(|c| (first - c).abs() < 1e-5);
        return match (first + 1.0).abs() < 1e-5 {
            true => Some(Diagnosis::SignFlipped),
            false => plausible.then_some(Diagnosis::Factor(simple(first))),
        };
    }
    let one_off = |&(c, case): &(f64, &Case)| {
        let near = |n: f64| (c - n / (n - 1.0)).abs() < 1e-5 || (c - (n - 1.0) / n).abs() < 1e-5;
        counts(case.shape()).chain(counts(&case.e.output)).any(|n| n > 1 && near(n as f64))
    };
    if factors.iter().all(one_off) {
        return Some(Diagnosis::CountOffByOne);
    }
    let [large, small] =
        [false, true].map(|inverse| factors.iter().all(|&(c, case)| is_count(if inverse { 1.0 / c } else { c }, case)));
    (large || small).then_some(Diagnosis::MeanForSum { too_large: large })
}

/// The numbers of elements along some axes.
fn counts(shape: &[usize]) -> impl Iterator<Item = usize> + '_ {
    let product = |set: u32| (0..shape.len()).filter(|i| set >> i & 1 == 1).map(|i| shape[i]).product();
    (0..1u32 << shape.len().min(6)).map(product)
}

/// Whether a factor is the number of elements along some axes of the argument or the output.
fn is_count(c: f64, case: &Case) -> bool {
    counts(case.shape()).chain(counts(&case.e.output)).any(|n| (c - n as f64).abs() < 1e-5 * c.abs())
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
