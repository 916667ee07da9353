//! What every rule owes its callers, whatever it computes.

use chainrule_autodiff::Var;
use chainrule_tensor::Tensor;

use crate::finding::{Finding, Outcome, Property, Tally, first_difference, same_gradients, same_value};
use crate::properties::Variation;
use crate::trial::{Trial, leaves, uneven};

/// Two runs give the same bits.
pub(super) fn deterministic(trial: &Trial, _: Variation, tally: &mut Tally) -> Outcome {
    tally.ops.extend(&trial.ops);
    let (first, second) = (
        trial.pass().map_err(Finding::panic)?,
        trial.pass_at(&trial.inputs, &trial.cotangent).map_err(Finding::panic)?,
    );
    if !second.value.same_bits(&first.value) {
        return Err(Finding::new(Property::Deterministic, "values of the same inputs differ"));
    }
    for (argument, pair) in first.gradients.iter().zip(&second.gradients).enumerate() {
        let same = match pair {
            (Some(a), Some(b)) => a.same_bits(b),
            (a, b) => a.is_none() == b.is_none(),
        };
        if !same {
            return Err(Finding::new(Property::Deterministic, format!("gradients for x[{argument}] differ")));
        }
    }
    Ok(())
}

/// The inputs hold the bits that they held before.
pub(super) fn inputs_kept(trial: &Trial) -> Outcome {
    for (argument, (input, numbers)) in trial.inputs.iter().zip(&trial.numbers).enumerate() {
        let same = input.to_f64_vec().iter().zip(numbers).all(|(a, b)| a.to_bits() == b.to_bits());
        if !same {
            return Err(Finding::new(Property::InputsKept, format!("x[{argument}] holds other numbers than before")));
        }
    }
    Ok(())
}

/// Gradients have the shape and type of what they belong to.
pub(super) fn form(trial: &Trial, _: Variation, _: &mut Tally) -> Outcome {
    let pass = trial.pass().map_err(Finding::panic)?;
    for (argument, (gradient, x)) in pass.gradients.iter().zip(&trial.inputs).enumerate() {
        let Some(gradient) = gradient else { continue };
        if gradient.shape() != x.shape() || gradient.dtype() != x.dtype() {
            let (dtype, shape) = (gradient.dtype(), gradient.to_shape());
            let text = format!("x[{argument}] is {} {}, its gradient {dtype} {shape}", x.dtype(), x.to_shape());
            return Err(Finding::new(Property::Form, text));
        }
    }
    Ok(())
}

/// backward(2u + w) = 2 backward(u) + backward(w), and backward(0) = 0.
pub(super) fn linear_in_cotangent(trial: &Trial, _: Variation, _: &mut Tally) -> Outcome {
    let u = &trial.cotangent;
    let flat = u.reshape([u.len()]).flip(&[0]).reshape(u.shape());
    let w = flat * 0.5 + uneven(&[], u.dtype());
    let gradients = |g: &Tensor| -> Result<Vec<Vec<f64>>, Box<Finding>> {
        Ok(trial.in_line(&trial.pass_at(&trial.inputs, g).map_err(Finding::panic)?.gradients))
    };
    let names = ["from 2u + w", "2 · from u + from w"];
    let (of_u, of_w, of_sum) = (gradients(u)?, gradients(&w)?, gradients(&(u * 2.0 + w))?);
    let finite = |all: &[Vec<f64>]| all.iter().flatten().all(|x| x.is_finite());
    if !finite(&of_u) || !finite(&of_w) {
        return Ok(());
    }
    let epsilon = trial.dtype().epsilon();
    for (argument, ((u, w), sum)) in of_u.iter().zip(&of_w).zip(&of_sum).enumerate() {
        let expected: Vec<f64> = u.iter().zip(w).map(|(u, w)| 2.0 * u + w).collect();
        let size = u.iter().chain(w).fold(0f64, |max, x| max.max(x.abs()));
        let noise: Vec<f64> =
            trial.noise().gradients[argument].iter().map(|noise| 4.0 * noise + 8.0 * epsilon * size).collect();
        if let Some((i, mismatch)) = first_difference(names, sum, &expected, &noise, epsilon) {
            let shape = trial.inputs[argument].shape();
            return Err(Finding::new(Property::LinearInCotangent, "").at(argument, i, shape).with(mismatch));
        }
    }
    let of_zero = gradients(&u.zeros_like())?;
    match of_zero.iter().flatten().all(|&x| x == 0.0) {
        true => Ok(()),
        false => Err(Finding::new(Property::LinearInCotangent, "an incoming gradient of 0 gives one that is not 0")),
    }
}

/// Tracking fewer inputs changes neither the value nor the gradients of those that are tracked, and nothing is recorded when none is.
pub(super) fn subset(trial: &Trial, _: Variation, _: &mut Tally) -> Outcome {
    if trial.needs_leaves() {
        return Ok(()); // it differentiates with respect to its own arguments
    }
    let n = trial.inputs.len();
    let full = trial.pass().map_err(Finding::panic)?;
    for tracked in subsets(n) {
        let detail = || match tracked.is_empty() {
            true => "no input tracked".to_string(),
            false => format!("only {} tracked", list(&tracked)),
        };
        let var = |(i, x): (usize, &Tensor)| if tracked.contains(&i) { Var::leaf(x) } else { Var::constant(x) };
        let x: Vec<Var> = trial.inputs.iter().enumerate().map(var).collect();
        let pass = trial.pass_from(&x, &trial.cotangent).map_err(Finding::panic)?;
        same_value(Property::Subset, ["the value", "with all tracked"], trial, &pass.value, detail)?;
        let merged: Vec<Option<Tensor>> = (0..n)
            .map(|i| if tracked.contains(&i) { pass.gradients[i].clone() } else { full.gradients[i].clone() })
            .collect();
        let names = ["the gradient", "with all tracked"];
        same_gradients(Property::Subset, names, trial, &trial.in_line(&merged), detail)?;
    }
    Ok(())
}

/// None, each alone, and all but one.
fn subsets(n: usize) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    if n > 1 {
        all.extend((0..n).map(|i| vec![i]));
    }
    if n > 2 {
        all.extend((0..n).map(|without| (0..n).filter(|&i| i != without).collect()));
    }
    all
}

fn list(arguments: &[usize]) -> String {
    arguments.iter().map(|i| format!("x[{i}]")).collect::<Vec<_>>().join(", ")
}

/// One variable used for two arguments of the same shape gets the sum of the gradients that two would get.
pub(super) fn same_twice(trial: &Trial, _: Variation, _: &mut Tally) -> Outcome {
    for i in 0..trial.inputs.len() {
        for j in i + 1..trial.inputs.len() {
            if trial.inputs[i].shape() == trial.inputs[j].shape() {
                twice(trial, i, j)?;
            }
        }
    }
    Ok(())
}

fn twice(trial: &Trial, i: usize, j: usize) -> Outcome {
    let mut inputs = trial.inputs.clone();
    inputs[j] = inputs[i].deep_copy();
    let Ok(apart) = Trial::new(trial.subject, inputs) else { return Ok(()) }; // the second argument has another domain
    let mut x = leaves(&apart.inputs);
    x[j] = x[i].clone();
    let pass = apart.pass_from(&x, &apart.cotangent).map_err(Finding::panic)?;
    let detail = || format!("the same variable for x[{i}] and x[{j}]");
    same_value(Property::SameTwice, ["the value", "from two variables"], &apart, &pass.value, detail)?;

    let of_two = apart.in_line(&apart.pass().map_err(Finding::panic)?.gradients);
    let of_one = apart.in_line(&pass.gradients);
    let expected: Vec<f64> = of_two[i].iter().zip(&of_two[j]).map(|(a, b)| a + b).collect();
    let size = of_two[i].iter().chain(&of_two[j]).fold(0f64, |max, x| max.max(x.abs()));
    let (noise, epsilon) = (&apart.noise().gradients, apart.dtype().epsilon());
    let noise: Vec<f64> = noise[i].iter().zip(&noise[j]).map(|(a, b)| a + b + epsilon * size).collect();
    let names = ["the gradient", "the sum of two gradients"];
    match first_difference(names, &of_one[i], &expected, &noise, epsilon) {
        Some((at, mismatch)) => {
            Err(Finding::new(Property::SameTwice, detail()).at(i, at, apart.inputs[i].shape()).with(mismatch))
        }
        None => Ok(()),
    }
}
