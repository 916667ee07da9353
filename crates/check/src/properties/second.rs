//! What can be differentiated again.

use chainrule_autodiff::{Var, vjp};
use chainrule_tensor::Tensor;

use crate::finding::{Finding, Mismatch, Outcome, Property, Tally, same_gradients};
use crate::lines::Derivative;
use crate::panics::{Panic, caught};
use crate::properties::{Rows, Variation};
use crate::trial::{Line, Trial};

/// Inputs up to which each element is moved on its own.
const FEW_INPUTS: usize = 6;

/// The recorded gradient equals the backward pass's: a fused rule and the one that it stands for.
pub(super) fn recorded(trial: &Trial, _: Variation, tally: &mut Tally) -> Outcome {
    let recorded = trial.recorded().map_err(Finding::panic)?;
    for gradient in recorded.gradients.iter().flatten() {
        tally.ops.extend(gradient.tape().iter().map(|node| node.op_type()));
    }
    let values: Vec<Option<Tensor>> =
        recorded.gradients.iter().map(|gradient| gradient.as_ref().map(|g| g.value().clone())).collect();
    let names = ["recorded", "by a backward pass"];
    same_gradients(Property::Recorded, names, trial, &trial.in_line(&values), String::new)
}

/// The derivative along a direction, had by differentiating the gradient with respect to the gradient of the output, fits the backward pass:
/// ⟨Jv, u⟩ = ⟨v, Jᵀu⟩. Of a linear function, the direction itself may be put in.
pub(super) fn adjoint(trial: &Trial, _: Variation, _: &mut Tally) -> Outcome {
    let line = Line::Direction(trial.direction(11));
    let forward = pushed(trial, &line).map_err(Finding::panic)?; // Jv
    let rows = Rows::of(trial, 4).map_err(Finding::panic)?;
    let (cotangent, epsilon) = (trial.cotangent.to_f64_vec(), trial.dtype().epsilon());
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let product = dot(&forward, &cotangent);
    let found = rows.outputs.iter().map(|&j| forward[j]).chain([product]);
    for ((value, found), expected) in found.enumerate().zip(rows.along(&line)) {
        let size = line.weigh(&rows.gradients[value]);
        let bar = 64.0 * epsilon * size + line.weigh(&trial.noise().gradients);
        let names = ["⟨Jv, u⟩, by differentiating the gradient", "⟨v, Jᵀu⟩, by the rule"];
        same_product(Mismatch { found, expected, bar, sides: None, names })?;
    }
    if trial.subject.linear {
        let step = trial.first_step(&line) / 256.0; // what is linear on pieces must stay on one
        let ahead = trial.value_at(&trial.moved(&line, step).1);
        let change: Vec<f64> = ahead.iter().zip(trial.value.to_f64_vec()).map(|(a, y)| (a - y) / step).collect();
        let (found, expected) = (rows.along(&line)[rows.outputs.len()], dot(&change, &cotangent));
        let noise: f64 = trial.noise().value.iter().zip(&cotangent).map(|(n, g)| n * g.abs()).sum();
        let bar = 4.0 * noise / step + 64.0 * epsilon * line.weigh(&rows.gradients[rows.outputs.len()]);
        let names = ["⟨v, Aᵀu⟩, by the rule", "⟨Av, u⟩, by the function"];
        same_product(Mismatch { found, expected, bar, sides: None, names })?;
    }
    Ok(())
}

/// Whether two products that should be equal are, where both can be had.
fn same_product(pair: Mismatch) -> Outcome {
    let Mismatch { found, expected, bar, .. } = pair;
    let within = found.is_finite() && (found - expected).abs() <= bar;
    match expected.is_finite() && bar.is_finite() && !within {
        true => Err(Finding::new(Property::Adjoint, "").with(pair)),
        false => Ok(()),
    }
}

/// `Jv`: the derivative of `⟨Jᵀu, v⟩` with respect to u.
fn pushed(trial: &Trial, line: &Line) -> Result<Vec<f64>, Panic> {
    let recorded = trial.recorded()?;
    caught(|| {
        let mut sum = vec![0.0; trial.value.len()];
        for (gradient, v) in recorded.gradients.iter().zip(line.tensors(&trial.inputs)) {
            let (Some(gradient), Some(v)) = (gradient, v) else { continue };
            let part = vjp(gradient, &[&recorded.cotangent], &Var::constant(v)).remove(0);
            add(&mut sum, part);
        }
        sum
    })
}

/// The derivative of all gradients along a line: the Hessian, of the output's product with the cotangent, times the direction.
pub(crate) fn hessian_along(trial: &Trial, line: &Line) -> Result<Vec<f64>, Panic> {
    let recorded = trial.recorded()?;
    caught(|| {
        let mut sums: Vec<Vec<f64>> = trial.numbers.iter().map(|numbers| vec![0.0; numbers.len()]).collect();
        let leaves: Vec<&Var> = recorded.leaves.iter().collect();
        for (gradient, u) in recorded.gradients.iter().zip(line.tensors(&trial.inputs)) {
            let (Some(gradient), Some(u)) = (gradient, u) else { continue };
            for (sum, part) in sums.iter_mut().zip(vjp(gradient, &leaves, &Var::constant(u))) {
                add(sum, part);
            }
        }
        sums.concat()
    })
}

fn add(sum: &mut [f64], part: Option<Var>) {
    if let Some(part) = part {
        sum.iter_mut().zip(part.value().to_f64_vec()).for_each(|(sum, x)| *sum += x);
    }
}

/// Second derivatives agree with differences of first ones.
pub(super) fn second_order(trial: &Trial, _: Variation, tally: &mut Tally) -> Outcome {
    let centre = trial.in_line(&trial.pass().map_err(Finding::panic)?.gradients).concat();
    let values = |inputs: &[Tensor]| trial.gradient_at(inputs, &trial.cotangent);
    let derivative = Derivative {
        order: 2,
        values: &values,
        noise: trial.noise().gradients.concat(),
        along: &|line| hessian_along(trial, line),
        error: &|value, line| second_error(trial, value, line),
        centre,
    };
    let wrong = derivative.first_wrong(trial, FEW_INPUTS, tally).map_err(Finding::panic)?;
    let Some((argument, element, value, mismatch)) = wrong else { return Ok(()) };
    let Line::Element { argument: of, element: at } = trial.elements().nth(value).expect("one value per element")
    else {
        unreachable!("elements() gives elements")
    };
    let of_which = Finding::new(Property::SecondOrder, "").at(of, at, trial.inputs[of].shape());
    let text = format!("of the gradient for x[{of}], element {:?}", of_which.element.unwrap_or_default());
    Err(Finding::new(Property::SecondOrder, text).at(argument, element, trial.inputs[argument].shape()).with(mismatch))
}

/// How far rounding moves a second derivative: what it does when the inputs move by units in the last place.
fn second_error(trial: &Trial, value: usize, line: &Line) -> f64 {
    let Ok(here) = hessian_along(trial, line) else { return 0.0 };
    let away = |seed| {
        let inputs = trial.moved(&Line::Direction(trial.direction(seed)), 2.0 * trial.dtype().epsilon()).1;
        let moved = Trial::new(trial.subject, inputs).ok()?;
        Some((hessian_along(&moved, line).ok()?[value] - here[value]).abs())
    };
    8.0 * (2..5).filter_map(away).fold(0.0, f64::max)
}
