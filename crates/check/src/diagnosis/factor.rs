//! A gradient that is wrong by a factor or a term that depends on the numbers, or that is the gradient at another point.

use super::scale::pretty;
use super::{Case, Diagnosis};
use crate::difference::Estimate;
use crate::finding::unravel;

/// A number that is known where an element of the argument meets one of the output.
#[derive(Clone, Copy, PartialEq)]
enum Quantity {
    /// The element itself.
    Own,
    /// The output's element.
    Output,
    /// What another argument has there, if shapes allow.
    Argument(usize),
}

/// A function of such a number, and how it is written.
type Form = (&'static str, fn(f64) -> f64);

const FORMS: &[Form] = &[
    ("{}", |v| v),
    ("{}²", |v| v * v),
    ("{}³", |v| v * v * v),
    ("√{}", f64::sqrt),
    ("|{}|", f64::abs),
    ("(1 - {})", |v| 1.0 - v),
    ("(1 + {})", |v| 1.0 + v),
    ("(1 - {}²)", |v| 1.0 - v * v),
    ("(1 + {}²)", |v| 1.0 + v * v),
    ("{} (1 - {})", |v| v * (1.0 - v)),
    ("exp({})", f64::exp),
    ("exp(-{})", |v| (-v).exp()),
    ("exp(-{}²)", |v| (-v * v).exp()),
    ("exp(-{}²/2)", |v| (-v * v / 2.0).exp()),
    ("{} exp(-{}²/2)", |v| v * (-v * v / 2.0).exp()),
    ("ln {}", f64::ln),
    ("tan {}", f64::tan),
    ("sin {}", f64::sin),
    ("cos {}", f64::cos),
    ("tanh {}", f64::tanh),
    ("sigmoid({})", |v| 1.0 / (1.0 + (-v).exp())),
];

/// Other inputs for a sample, at which the slope may have been taken.
type Inputs<'a> = Box<dyn Fn(&Case) -> Option<Vec<chainrule_tensor::Tensor>> + 'a>;

impl Quantity {
    fn name(self, k: usize) -> String {
        match self {
            Quantity::Own => format!("x[{k}]"),
            Quantity::Output => "y".into(),
            Quantity::Argument(l) => format!("x[{l}]"),
        }
    }

    fn at(self, c: &Case, j: usize, i: usize) -> Option<f64> {
        match self {
            Quantity::Own => Some(c.e.x[c.k][i]),
            Quantity::Output => Some(c.e.y[j]),
            Quantity::Argument(l) if l == c.k => None,
            Quantity::Argument(l) => {
                let (shape, numbers) = (c.e.shapes.get(l)?, &c.e.x[l]);
                if shape == c.shape() {
                    return numbers.get(i).copied();
                }
                let index = unravel(j, &c.e.output);
                let index = &index[index.len().checked_sub(shape.len())?..];
                let inside = |(&n, &at): (&usize, &usize)| if n == 1 { Some(0) } else { (at < n).then_some(at) };
                let index: Vec<usize> = shape.iter().zip(index).map(inside).collect::<Option<_>>()?;
                numbers.get(index.iter().zip(shape).fold(0, |at, (i, n)| at * n + i)).copied()
            }
        }
    }
}

/// Which elements, by case and position, are looked at.
type Keep<'k> = &'k dyn Fn(usize, usize) -> bool;

const ALL: Keep = &|_, _| true;

/// Where the rule's Jacobian or the true one is not zero: both numbers, and the function's value of the quantity.
fn entries(cases: &[Case], quantity: Quantity, form: fn(f64) -> f64, keep: Keep) -> Option<Vec<(f64, Estimate, f64)>> {
    let mut all = Vec::new();
    for (at, c) in cases.iter().enumerate() {
        let (pair, nothing) = (c.pair(), 1e-9 * c.pair().scale());
        for j in 0..c.outputs() {
            for i in (0..c.inputs()).filter(|&i| keep(at, i)) {
                let (r, t) = (pair.rule[j][i], pair.truth[j][i]);
                if r.abs() > nothing || t.value.abs() > nothing {
                    all.push((r, t, form(quantity.at(c, j, i)?)));
                }
            }
        }
    }
    let finite = all.iter().all(|(.., h)| h.is_finite());
    let [low, high] = [f64::min, f64::max].map(|pick| all.iter().map(|(.., h)| *h).reduce(pick).unwrap_or(0.0));
    // A number that is everywhere the same explains nothing.
    (finite && all.len() > 2 && high - low > 1e-3 * high.abs().max(low.abs())).then_some(all)
}

/// The constant c for which each pair of numbers (a, b), the latter with a bar, has a = c·b.
fn constant(pairs: impl Iterator<Item = (f64, f64, f64)> + Clone) -> Option<f64> {
    let (top, bottom) = pairs.clone().fold((0.0, 0.0), |(top, bottom), (a, b, _)| (top + a * b, bottom + b * b));
    let c = top / bottom;
    let largest = pairs.clone().fold(0f64, |max, (a, ..)| max.max(a.abs()));
    let near =
        |(a, b, bar): (f64, f64, f64)| (a - c * b).abs() <= 4.0 * c.abs() * bar + 1e-6 * a.abs() + 1e-8 * largest;
    (c.is_finite() && c != 0.0 && pairs.clone().all(near)).then_some(c)
}

/// A constant times a function, in words.
fn product(c: f64, form: &str, name: &str) -> String {
    let h = form.replace("{}", name);
    if (c - 1.0).abs() < 1e-5 { h } else { format!("{} · {h}", pretty(c)) }
}

fn quantities(cases: &[Case]) -> Vec<Quantity> {
    let arguments = cases.iter().map(|c| c.e.shapes.len()).max().unwrap_or(0);
    let one = cases.iter().all(|c| c.k == cases[0].k);
    let others = (0..arguments).map(Quantity::Argument).filter(|_| one);
    [Quantity::Own, Quantity::Output].into_iter().chain(others).collect()
}

/// Goes through functions of all numbers at hand, the simplest first.
fn search(
    cases: &[Case],
    keep: Keep,
    find: impl Fn(&[(f64, Estimate, f64)], &dyn Fn(f64) -> String) -> Option<Diagnosis>,
) -> Option<Diagnosis> {
    let quantities = quantities(cases);
    FORMS.iter().find_map(|&(form, function)| {
        quantities.iter().find_map(|&quantity| {
            let name = quantity.name(cases[0].k);
            find(&entries(cases, quantity, function, keep)?, &|c| product(c, form, &name))
        })
    })
}

/// A factor that is too much, or that is missing.
pub(super) fn factor(cases: &[Case]) -> Option<Diagnosis> {
    factor_of(cases, ALL)
}

/// The same, of some elements.
pub(super) fn factor_of(cases: &[Case], keep: Keep) -> Option<Diagnosis> {
    search(cases, keep, |entries, say| {
        let extra = constant(entries.iter().map(|&(r, t, h)| (r, t.value * h, t.bar * h.abs())));
        if let Some(c) = extra {
            return Some(Diagnosis::ExtraFactor(say(c)));
        }
        let missing = constant(entries.iter().map(|&(r, t, h)| (r * h, t.value, t.bar)));
        missing.map(|c| Diagnosis::MissingFactor(say(1.0 / c)))
    })
}

/// A term that is too much; missing ones have a minus.
pub(super) fn term(cases: &[Case]) -> Option<Diagnosis> {
    let all = entries(cases, Quantity::Own, |v| v, ALL)?;
    let largest = all.iter().fold(0f64, |max, (r, t, _)| max.max(r.abs()).max(t.value.abs()));
    search(cases, ALL, |entries, say| {
        let (top, bottom) = entries.iter().fold((0.0, 0.0), |(top, bottom), &(r, t, h)| {
            let apart = r - t.value;
            (top + apart * h, bottom + h * h)
        });
        let c = top / bottom;
        let near = |&(r, t, h): &(f64, Estimate, f64)| (r - t.value - c * h).abs() <= 4.0 * t.bar + 1e-6 * largest;
        (c.is_finite() && c.abs() > 1e-4 && entries.len() > 3 && entries.iter().all(near))
            .then(|| Diagnosis::ExtraTerm(say(c)))
    })
}

/// A slope that is another function of the numbers.
pub(super) fn slope(cases: &[Case]) -> Option<Diagnosis> {
    search(cases, ALL, |entries, say| {
        let c = constant(entries.iter().map(|&(r, _, h)| (r, h, 0.0)))?;
        (entries.len() > 3).then(|| Diagnosis::WrongSlope(say(c)))
    })
}

/// The slope squared, or its reciprocal.
pub(super) fn of_slope(cases: &[Case]) -> Option<Diagnosis> {
    let entries = entries(cases, Quantity::Own, |v| v, ALL)?;
    if entries.iter().any(|(r, t, _)| *r == 0.0 || t.value.abs() <= 1e-6 * r.abs()) {
        return None;
    }
    let one = |c: Option<f64>| c.is_some_and(|c| (c - 1.0).abs() < 1e-5);
    let squares = entries.iter().map(|(r, t, _)| (*r, t.value * t.value, 2.0 * t.value.abs() * t.bar));
    let reciprocals = entries.iter().map(|(r, t, _)| (*r, 1.0 / t.value, t.bar / (t.value * t.value)));
    match (one(constant(squares)), one(constant(reciprocals))) {
        (true, _) => Some(Diagnosis::SlopeTwice),
        (_, true) => Some(Diagnosis::Reciprocal),
        _ => None,
    }
}

/// The true gradient at inputs that were mistaken for the others: the output for an input, an argument for another.
pub(super) fn elsewhere(cases: &[Case]) -> Option<Diagnosis> {
    let arguments = cases.iter().map(|c| c.e.shapes.len()).min()?;
    let k = cases[0].k;
    let others = (0..arguments).flat_map(|a| (a + 1..arguments).map(move |b| (a, b)));
    let exchanged = others.map(|(a, b)| {
        let at = move |c: &Case| {
            let mut x = c.e.inputs.clone();
            (x[a].shape() == x[b].shape()).then(|| x.swap(a, b))?;
            Some(x)
        };
        let words = format!("with x[{a}] and x[{b}] exchanged");
        (Box::new(at) as Box<dyn Fn(&Case) -> Option<Vec<chainrule_tensor::Tensor>>>, Diagnosis::ElsewhereSlope(words))
    });
    let turned = (0..arguments).map(|l| {
        let at = move |c: &Case| {
            let mut x = c.e.inputs.clone();
            let square = x[l].rank() > 1 && x[l].size(-1) == x[l].size(-2) && x[l].size(-1) > 1;
            square.then(|| x[l] = x[l].t().contiguous())?;
            Some(x)
        };
        (Box::new(at) as Box<dyn Fn(&Case) -> Option<Vec<chainrule_tensor::Tensor>>>, Diagnosis::TransposedArgument(l))
    });
    let with = |change: fn(&Case) -> Option<chainrule_tensor::Tensor>| {
        move |c: &Case| {
            let mut x = c.e.inputs.clone();
            x[c.k] = change(c)?;
            Some(x)
        }
    };
    let one = cases.iter().all(|c| c.k == k);
    let output = with(|c| (c.e.value.shape() == c.shape()).then(|| c.e.value.clone()));
    let negative = with(|c| Some(-&c.e.inputs[c.k]));
    let more: [(Inputs, Diagnosis); 2] = [
        (Box::new(output), Diagnosis::ElsewhereSlope(format!("at the output y instead of the input x[{k}]"))),
        (Box::new(negative), Diagnosis::ElsewhereSlope(format!("at -x[{k}] instead of x[{k}]"))),
    ];
    let more = more.into_iter().filter(|_| one);
    turned.chain(more).chain(exchanged).find_map(|(at, found)| {
        let fits = |c: &Case| {
            let there = at(c).and_then(|x| (c.e.elsewhere)(&x));
            there.is_some_and(|there| {
                let fits = there[c.k].truth.len() == c.outputs() && there[c.k].truth[0].len() == c.inputs();
                fits && c.pair().explained(|j, i| Some(there[c.k].truth[j][i]))
            })
        };
        // A larger sample tells more, but not all of them can be changed so.
        let (able, fitting) = cases.iter().fold((0, 0), |(able, fitting), c| {
            let can = at(c).is_some();
            (able + usize::from(can), fitting + usize::from(can && fits(c)))
        });
        (able > 0 && able == fitting && 2 * able >= cases.len().min(2)).then_some(found)
    })
}

/// The rule's Jacobian stays the same when the inputs move, and the true one does not.
pub(super) fn ignores_input(cases: &[Case]) -> Option<Diagnosis> {
    let fits = |c: &Case| {
        let mut x = c.e.inputs.clone();
        x[c.k] = &x[c.k] * 1.0625 + 0.015625;
        (c.e.elsewhere)(&x).is_some_and(|there| there[c.k].rule == c.pair().rule && !c.pair().truth_is(&there[c.k]))
    };
    cases.iter().all(fits).then_some(Diagnosis::IgnoresInput)
}
