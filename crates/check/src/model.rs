//! Whole models: the loss against differences along random directions, and every op on its tape against its own function.

use std::collections::HashMap;
use std::sync::Arc;

use chainrule_autodiff::{Node, Reach, Var};
use chainrule_tensor::{DType, Rng, Tensor};

use crate::check::{Check, failure, gather, widest};
use crate::diagnosis::Diagnosis;
use crate::evidence::Evidence;
use crate::failure::{Failure, Verdict};
use crate::finding::{Finding, Mismatch, Property, Tally};
use crate::panics::{Panic, caught};
use crate::properties::{self, Variation, along_parts};
use crate::trial::{Subject, Trial, leaves};

/// Samples that a diagnosis is made from.
const EVIDENCE: usize = 4;
/// Entries of one kind (same op, same shapes) that are looked at while the loss shows no fault.
const ALIKE: usize = 4;

impl Check {
    /// As [`check_model`](crate::check_model).
    ///
    /// # Panics
    /// When a parameter holds integers or truth values.
    #[track_caller]
    pub fn model<'a, S: Into<String>>(
        &self,
        parameters: impl IntoIterator<Item = (S, &'a Var)>,
        loss: impl Fn(&[Var]) -> Var,
    ) -> Verdict {
        let (names, given): (Vec<String>, Vec<Tensor>) =
            parameters.into_iter().map(|(name, var)| (name.into(), var.value().clone())).unzip();
        crate::check::expect_floats(&given);
        let subject = Subject { call: &loss, at: None, linear: false, every_dtype: false };
        let mut tally = Tally { cases: 1, ..Tally::default() };
        let verdict = |tally, failure| Verdict { subject: "model".into(), tally, failure };
        let (inputs, trial) = widest(&subject, &given, &mut tally);
        let report =
            |finding: Box<Finding>| failure("model", &subject, *finding, inputs.clone(), "", &[], String::new());
        let trial = match trial {
            Ok(trial) => trial,
            Err(panic) => {
                return verdict(tally, Some(Box::new(report(Finding::new(Property::Runs, panic.to_string())))));
            }
        };
        let only = [Property::Deterministic, Property::Form];
        let contract = only
            .iter()
            .try_for_each(|&property| properties::check(&trial, Variation::default(), 1, Some(property), &mut tally));
        let slopes = contract.and_then(|()| along_parts(&trial, &mut tally));
        let unlike = if slopes.is_ok() { ALIKE } else { usize::MAX };
        let local = first_wrong_entry(&trial, unlike, &mut tally);
        let failed = match (slopes, local) {
            (Ok(()), None) => return verdict(tally, None),
            (Ok(()), Some(cause)) => {
                let text = "the loss does not show it here, but a rule on its tape is wrong";
                Failure { cause: Some(Box::new(cause)), ..report(Finding::new(Property::Gradient, text)) }
            }
            (Err(finding), cause) => blame(&trial, &names, report(finding), cause),
        };
        verdict(tally, Some(Box::new(failed)))
    }
}

/// The report on a loss whose gradient is wrong, with what is known of the cause.
fn blame(trial: &Trial, names: &[String], mut failed: Failure, cause: Option<Failure>) -> Failure {
    if let Some(argument) = failed.finding.argument {
        let detail = std::mem::take(&mut failed.finding.detail);
        let more = if detail.starts_with("along") { format!(", {detail}") } else { String::new() };
        failed.finding.detail = format!("parameter {:?}{more}", names[argument]);
        if failed.finding.property == Property::Gradient && cause.is_none() {
            let reached = trial.pass().is_ok_and(|pass| pass.gradients[argument].is_some());
            failed.diagnosis = Some(if reached { Diagnosis::OffTape } else { Diagnosis::NotReached });
            if let Some(at) = cut(trial, argument).filter(|_| !reached) {
                failed.finding.detail += &format!(", cut off by detach at {at}");
            }
        }
    }
    failed.cause = cause.map(Box::new);
    failed
}

/// Where the way to a parameter was cut, if the tape knows.
fn cut(trial: &Trial, argument: usize) -> Option<String> {
    let x = leaves(&trial.inputs);
    let (_, report) = caught(|| (trial.subject.call)(&x).backward_report([("", &x[argument])])).ok()?;
    match report.of("") {
        Some(Reach::Unreachable(Some(at))) => Some(at.to_string()),
        _ => None,
    }
}

/// The first entry on the tape whose own rule is wrong.
fn first_wrong_entry(trial: &Trial, alike: usize, tally: &mut Tally) -> Option<Failure> {
    let x = leaves(&trial.inputs);
    let tape = caught(|| (trial.subject.call)(&x)).ok()?.tape();
    let mut known: HashMap<u64, Tensor> =
        x.iter().filter_map(|leaf| leaf.id().map(|id| (id, leaf.value().clone()))).collect();
    let (mut rng, mut seen) = (Rng::seed(3), HashMap::<String, usize>::new());
    for node in tape.iter().filter(|node| !node.is_leaf()) {
        let inputs: Vec<Tensor> = inputs(node, &known, &mut rng);
        let again = |x: &[Var]| node.reapply(&x.iter().collect::<Vec<_>>());
        let constants: Vec<Var> = inputs.iter().map(Var::constant).collect();
        let Ok(value) = caught(|| again(&constants)) else { continue };
        let saved = Some(node.output()).filter(|output| !output.is_ghost());
        known.insert(node.id(), saved.unwrap_or(value.value()).clone());
        let shapes: Vec<&[usize]> = inputs.iter().map(Tensor::shape).collect();
        let count = seen.entry(format!("{} {shapes:?}", node.op_type())).or_default();
        *count += 1;
        if *count <= alike
            && inputs.iter().all(|x| x.dtype().is_float())
            && let Some(failure) = wrong_here(node, &inputs, tally)
        {
            return Some(failure);
        }
    }
    None
}

/// What an entry was applied to: as the tape kept it, or computed again, or, where neither is possible, some numbers of that shape. An op that
/// keeps nothing has a rule that depends on no numbers.
fn inputs(node: &Node, known: &HashMap<u64, Tensor>, rng: &mut Rng) -> Vec<Tensor> {
    let of = |x: &Var| {
        let kept = Some(x.value()).filter(|value| !value.is_ghost()).cloned();
        kept.or_else(|| x.id().and_then(|id| known.get(&id).cloned()))
    };
    let found: Vec<Option<Tensor>> = node.inputs().iter().map(of).collect();
    let mut filled = |low: f64, high: f64| -> Vec<Tensor> {
        let mut drawn = |x: &Var| Tensor::uniform(rng, x.shape(), low, high, DType::F64).cast(x.dtype());
        found.iter().zip(node.inputs()).map(|(found, x)| found.clone().unwrap_or_else(|| drawn(x))).collect()
    };
    let tried = [(0.25, 0.75), (1.25, 2.0), (-1.0, 1.0)].map(|(low, high)| filled(low, high));
    let works = |inputs: &&Vec<Tensor>| {
        let constants: Vec<Var> = inputs.iter().map(Var::constant).collect();
        caught(|| node.reapply(&constants.iter().collect::<Vec<_>>())).is_ok_and(|y| y.value().all_finite())
    };
    let chosen = tried.iter().find(works).unwrap_or(&tried[0]);
    chosen.clone()
}

/// Whether the rule of an entry is wrong at these inputs; the report is made at smaller ones, where they show it.
fn wrong_here(node: &Arc<Node>, inputs: &[Tensor], tally: &mut Tally) -> Option<Failure> {
    let call = |x: &[Var]| node.reapply(&x.iter().collect::<Vec<_>>());
    let subject = Subject { call: &call, at: Some(node.at()), linear: false, every_dtype: false };
    let (inputs, trial) = widest(&subject, inputs, &mut Tally::default());
    let wrong = |trial: Result<Trial, Panic>, tally: &mut Tally| {
        properties::check(&trial.ok()?, Variation::default(), 1, Some(Property::Gradient), tally).err()
    };
    let mut counted = Tally::default();
    let found = wrong(trial, &mut counted);
    tally.absorb(Tally { cases: 0, ..counted });
    let (mut finding, mut failing) = (found?, vec![inputs]);
    let at = |inputs: &[Tensor]| wrong(Trial::new(&subject, inputs.to_vec()), &mut Tally::default());
    while let Some((smaller, again)) = smaller(failing.last()?).into_iter().find_map(|x| at(&x).map(|again| (x, again)))
    {
        failing.push(smaller);
        finding = again;
    }
    let gathered = |inputs: &Vec<Tensor>| gather(&Trial::new(&subject, inputs.clone()).ok()?, finding.property);
    let evidence: Vec<Evidence> = failing.iter().rev().filter_map(gathered).take(EVIDENCE).collect();
    let source = format!("apply(&x); // {}, as at {}", node.op(), node.at());
    let found = "at numbers that it met in the model".to_string();
    Some(failure(node.op(), &subject, *finding, failing.last()?.clone(), &source, &evidence, found))
}

/// The same inputs with an axis cut short, the shortest first; axes of the same length are cut together or one by one.
fn smaller(inputs: &[Tensor]) -> Vec<Vec<Tensor>> {
    let mut lengths: Vec<usize> = inputs.iter().flat_map(|x| x.shape().to_vec()).filter(|&n| n > 1).collect();
    lengths.sort_unstable_by(|a, b| b.cmp(a));
    lengths.dedup();
    let cut = |x: &Tensor, axis: usize, to: usize| x.narrow(axis as isize, 0, to).contiguous();
    let mut all = Vec::new();
    for &n in &lengths {
        for to in [1, 2, 3, n / 2].into_iter().filter(|&to| 0 < to && to < n) {
            let together = |x: &Tensor| {
                (0..x.rank()).filter(|&axis| x.shape()[axis] == n).fold(x.clone(), |x, axis| cut(&x, axis, to))
            };
            all.push(inputs.iter().map(together).collect());
            for (i, x) in inputs.iter().enumerate() {
                for axis in (0..x.rank()).filter(|&axis| x.shape()[axis] == n) {
                    let mut one = inputs.to_vec();
                    one[i] = cut(x, axis, to);
                    all.push(one);
                }
            }
        }
    }
    all
}

/// A mismatch along a direction, as a finding about the parameter that moves.
pub(crate) fn of_part(argument: Option<usize>, mismatch: Mismatch) -> Box<Finding> {
    let mut finding = Finding::new(Property::Gradient, "along a direction that moves all elements").with(mismatch);
    finding.argument = argument;
    finding
}
