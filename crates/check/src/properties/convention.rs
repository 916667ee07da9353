//! Points at which the derivative is a convention.

use chainrule_autodiff::declare::Special;
use chainrule_tensor::Tensor;

use crate::finding::{Finding, Mismatch, Outcome, Property, Tally};
use crate::trial::{Subject, Trial};

/// The slope at each declared point is the declared one, by a backward pass and recorded, alone and among other numbers.
pub(crate) fn conventions<'a>(
    subject: &'a Subject<'a>,
    ordinary: f64,
    points: &[Special],
    tally: &mut Tally,
) -> Result<(), (Box<Finding>, Vec<Tensor>)> {
    for point in points {
        for numbers in [vec![point.x], vec![ordinary, point.x, ordinary]] {
            let inputs = vec![Tensor::from_vec(numbers.clone(), [numbers.len()])];
            at(subject, inputs.clone(), point).map_err(|finding| (finding, inputs))?;
            tally.compared[0] += 1;
        }
    }
    Ok(())
}

fn at<'a>(subject: &'a Subject<'a>, inputs: Vec<Tensor>, point: &Special) -> Outcome {
    let runs = |panic: crate::panics::Panic| Finding::new(Property::Runs, panic.to_string());
    let mut trial = Trial::new(subject, inputs).map_err(runs)?;
    trial.cotangent = trial.value.ones_like();
    let element = trial.len() / 2;
    let by_pass = trial.in_line(&trial.pass().map_err(Finding::panic)?.gradients)[0][element];
    let recorded = &trial.recorded().map_err(Finding::panic)?.gradients[0];
    let recorded = recorded.as_ref().map_or(0.0, |gradient| gradient.value().to_f64_vec()[element]);
    let bar = 4.0 * f64::EPSILON * point.slope.abs();
    for (found, names) in [(by_pass, ["by a backward pass", "declared"]), (recorded, ["recorded", "declared"])] {
        let as_declared = found == point.slope || (found - point.slope).abs() <= bar;
        if !as_declared {
            let mismatch = Mismatch { found, expected: point.slope, bar, sides: None, names };
            let finding = Finding::new(Property::Convention, format!("at x = {:?}", point.x));
            return Err(finding.at(0, element, trial.inputs[0].shape()).with(mismatch));
        }
    }
    Ok(())
}
