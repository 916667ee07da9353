//! One case: the call, its results, its gradients.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use chainrule::tensor::io::safetensors;
use chainrule::{DType, Tensor, Var};

use crate::call::{Call, Outputs, Unsupported};
use crate::compare::{close, part, same};
use crate::differences::on_purpose;
use crate::manifest::{Case, Input, Output, Post};
use crate::ops;

/// What became of a case.
pub enum Outcome {
    Passed,
    Failed(String),
    Unsupported(String),
}

/// A case that did not pass.
enum Trouble {
    Failed(String),
    Unsupported(String),
}

impl From<Unsupported> for Trouble {
    fn from(Unsupported(why): Unsupported) -> Trouble {
        Trouble::Unsupported(why)
    }
}

impl From<String> for Trouble {
    fn from(why: String) -> Trouble {
        Trouble::Failed(why)
    }
}

/// Runs the cases of one operator.
pub fn group(folder: &Path, cases: &[&Case]) -> Vec<Outcome> {
    let mut files: BTreeMap<&str, Result<BTreeMap<String, Tensor>, String>> = BTreeMap::new();
    let mut outcomes = Vec::new();
    for case in cases {
        let file = files.entry(&case.file).or_insert_with(|| {
            safetensors::load(folder.join(&case.file)).map(|(tensors, _)| tensors).map_err(|e| e.to_string())
        });
        outcomes.push(match file {
            Ok(tensors) => outcome(case, &Stored { tensors, prefix: &case.prefix }),
            Err(why) => Outcome::Failed(why.clone()),
        });
    }
    outcomes
}

fn outcome(case: &Case, stored: &Stored) -> Outcome {
    match catch_unwind(AssertUnwindSafe(|| run(case, stored))) {
        Ok(Ok(())) => Outcome::Passed,
        Ok(Err(Trouble::Failed(why))) => Outcome::Failed(why),
        Ok(Err(Trouble::Unsupported(why))) => Outcome::Unsupported(why),
        Err(panic) => Outcome::Failed(format!("panics: {}", message(panic.as_ref()))),
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

/// The tensors of one case.
struct Stored<'a> {
    tensors: &'a BTreeMap<String, Tensor>,
    prefix: &'a str,
}

impl Stored<'_> {
    fn get(&self, name: &str) -> Result<&Tensor, Trouble> {
        let name = format!("{}{name}", self.prefix);
        self.tensors.get(&name).ok_or_else(|| Trouble::Failed(format!("the file has no tensor {name}")))
    }
}

fn run(case: &Case, stored: &Stored) -> Result<(), Trouble> {
    let mut inputs = BTreeMap::new();
    for input in &case.inputs {
        let value = laid(stored.get(&input.name)?, input);
        let var = if input.requires_grad { Var::leaf(value) } else { Var::constant(value) };
        inputs.insert(input.name.clone(), var);
    }
    let call = Call::new(&case.named, &inputs);
    let mapping = ops::find(&case.op).ok_or_else(|| Unsupported("no such operator".into()))?;
    let outputs = mapping(&call)?;
    if let unasked @ [_, ..] = &call.unasked()[..] {
        return Err(Trouble::Unsupported(format!("the mapping does not read {}", unasked.join(", "))));
    }
    let loss = results(case, stored, &outputs)?;
    mutated(case, stored, &outputs)?;
    gradients(case, stored, &inputs, loss)
}

/// The input in another layout, where PyTorch's was not contiguous.
fn laid(x: &Tensor, input: &Input) -> Tensor {
    if input.contiguous || x.is_empty() {
        return x.clone();
    }
    let repeated = (0..x.rank()).filter(|&axis| input.stride[axis] == 0 && x.shape()[axis] > 1);
    let once = repeated.fold(x.clone(), |x, axis| x.narrow(axis as isize, 0, 1));
    let back: Vec<isize> = (0..x.rank() as isize).rev().collect();
    once.permute(&back).deep_copy().permute(&back).broadcast_to(x.shape())
}

/// Compares the results, and returns what is to be differentiated.
fn results(case: &Case, stored: &Stored, outputs: &Outputs) -> Result<Option<Var>, Trouble> {
    let mut loss: Option<Var> = None;
    for output in &case.outputs {
        let Some(value) = outputs.values.get(output.path.unwrap_or(0)) else {
            return Err(Trouble::Failed(format!(
                "there are {} outputs, too few for {}",
                outputs.values.len(),
                output.name
            )));
        };
        let value = after(value, output);
        if value.shape() != output.shape {
            return Err(Trouble::Failed(format!(
                "{}: the shape is {} instead of {:?}",
                output.name,
                value.to_shape(),
                output.shape
            )));
        }
        same(&output.name, value.value(), stored.get(&output.name)?, case.tolerance.rtol, case.tolerance.atol)?;
        if let Some(cotangent) = &output.cotangent
            && value.is_tracked()
        {
            let part = (&value * &Var::constant(stored.get(cotangent)?)).sum().cast(DType::F64);
            loss = Some(loss.map_or(part.clone(), |loss| loss + part));
        }
    }
    Ok(loss)
}

fn after(value: &Var, output: &Output) -> Var {
    output.post.iter().fold(value.clone(), |value, post| match *post {
        Post::Abs => value.abs(),
        Post::Narrow(axis, len) => value.narrow(axis, 0, len),
    })
}

fn mutated(case: &Case, stored: &Stored, outputs: &Outputs) -> Result<(), Trouble> {
    for change in &case.mutated {
        let argument = |value: &serde_json::Value| value.get("tensor").and_then(|v| v.as_str()) == Some(&change.input);
        let name = case.named.iter().find(|(_, value)| argument(value)).map(|(name, _)| name.as_str());
        let Some((_, got)) = outputs.mutated.iter().find(|(of, _)| Some(*of) == name) else {
            return Err(Trouble::Unsupported(format!(
                "the new value of {} is not returned",
                name.unwrap_or("an input")
            )));
        };
        same(&change.name, got, stored.get(&change.name)?, case.tolerance.rtol, case.tolerance.atol)?;
    }
    Ok(())
}

fn gradients(case: &Case, stored: &Stored, inputs: &BTreeMap<String, Var>, loss: Option<Var>) -> Result<(), Trouble> {
    let found = loss.map(Var::backward);
    let mut missing = Vec::new();
    for gradient in &case.gradients {
        let x = &inputs[&gradient.input];
        let got = found.as_ref().and_then(|found| found.get(x)).cloned();
        let what = format!("the gradient of {}", gradient.input);
        let want = match &gradient.name {
            Some(name) => stored.get(name)?.clone(),
            None => x.value().zeros_like(),
        };
        let got = match got {
            Some(got) => got,
            None if want.to_f64_vec().iter().all(|&g| g == 0.0) => continue,
            None => {
                missing.push(what);
                continue;
            }
        };
        let parts = [&got, &want].map(|g| part(g, x.value(), &gradient.compare));
        let (rtol, atol) = (case.tolerance.grad_rtol, case.tolerance.grad_atol);
        if let Err(why) = same(&what, &parts[0], &parts[1], rtol, atol) {
            let [x, got, want] = [x.value(), &parts[0], &parts[1]].map(Tensor::to_f64_vec);
            let purpose = on_purpose(&case.op, &x, &got, &want, |got, want| close(got, want, rtol, atol));
            return Err(purpose.map_or(Trouble::Failed(why), Trouble::Unsupported));
        }
    }
    match missing.is_empty() {
        true => Ok(()),
        false => Err(Trouble::Unsupported(format!("{} is missing", missing.join(", ")))),
    }
}
