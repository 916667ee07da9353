//! Single precision against double.

use chainrule_tensor::{DType, Tensor};

use crate::finding::{Finding, Outcome, Property, Tally, first_difference};
use crate::properties::Variation;
use crate::trial::Trial;

/// Value and gradients in `f32` are those in `f64` up to rounding.
pub(super) fn single_precision(trial: &Trial, _: Variation, tally: &mut Tally) -> Outcome {
    if trial.dtype() != DType::F64 {
        return Ok(());
    }
    let inputs: Vec<Tensor> = trial.inputs.iter().map(|x| x.cast(DType::F32)).collect();
    let rounded = inputs.iter().map(|x| x.cast(DType::F64)).collect();
    let Ok(double) = Trial::new(trial.subject, rounded) else { return Ok(()) }; // rounding left the domain
    let single = Trial::new(trial.subject, inputs).and_then(|single| single.pass().map(|_| ()).map(|()| single));
    let single = match single {
        Ok(single) => single,
        Err(panic) if trial.subject.every_dtype => {
            return Err(Finding::new(Property::SinglePrecision, format!("it panics in f32: {panic}")));
        }
        Err(panic) => {
            tally.notes.insert(format!("f32 was not checked: {}", panic.message));
            return Ok(());
        }
    };
    let Ok(exact) = double.pass() else { return Ok(()) };
    tally.ops.extend(&single.ops);
    // What rounding may do: what moving the inputs by that much does to the exact result, and to the rounded one.
    let epsilon = DType::F32.epsilon();
    let mut noise = double.conditioning(&double.cotangent, epsilon);
    noise.add(single.noise());
    let names = ["in f32", "in f64"];
    let wide = |numbers: Vec<f64>| -> Vec<f64> {
        numbers.into_iter().map(|x| if x.abs() > f64::from(f32::MAX) { f64::INFINITY.copysign(x) } else { x }).collect()
    };
    let (found, expected) = (single.value.to_f64_vec(), wide(double.value.to_f64_vec()));
    if let Some((i, mismatch)) = first_difference(names, &found, &expected, &noise.value, epsilon) {
        let finding = Finding::new(Property::SinglePrecision, "the value");
        return Err(finding.of_output(i, trial.value.shape()).with(mismatch));
    }
    let found = single.in_line(&single.pass().map_err(Finding::panic)?.gradients);
    let expected = double.in_line(&exact.gradients);
    for (argument, ((found, expected), noise)) in found.iter().zip(expected).zip(&noise.gradients).enumerate() {
        if let Some((i, mismatch)) = first_difference(names, found, &wide(expected), noise, epsilon) {
            let finding = Finding::new(Property::SinglePrecision, "the gradient");
            return Err(finding.at(argument, i, trial.inputs[argument].shape()).with(mismatch));
        }
    }
    Ok(())
}
