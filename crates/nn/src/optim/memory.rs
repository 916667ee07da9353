//! What an optimiser remembers of each parameter, and the walk that gives every parameter its step.

use std::collections::{BTreeMap, BTreeSet};

use chainrule_autodiff::{Gradients, Var};
use chainrule_tensor::io::Tensors;
use chainrule_tensor::{DType, Tensor};

use crate::Module;
use crate::state::{Different, Mismatch, StateError, listed};
use crate::walk;

/// What is remembered, by the parameters' paths.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    /// What the tensors of each entry are called.
    names: &'static [&'static str],
    of: BTreeMap<String, Entry>,
}

/// What is remembered of one parameter.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// How many steps it has made, this one included.
    pub(crate) step: i64,
    /// Tensors of its shape and type, zeros at first.
    tensors: Vec<Tensor>,
}

impl Entry {
    /// The tensors, in the order of their names.
    pub(crate) fn tensors<const N: usize>(&mut self) -> [&mut Tensor; N] {
        let tensors: &mut [Tensor; N] = self.tensors.first_chunk_mut().expect("one tensor per name");
        tensors.each_mut()
    }
}

const STEP: &str = "step";

impl Memory {
    /// An empty memory of entries with tensors of these names.
    pub(crate) fn new(names: &'static [&'static str]) -> Memory {
        Memory { names, of: BTreeMap::new() }
    }

    fn entry(&mut self, path: &str, parameter: &Tensor) -> &mut Entry {
        if !self.of.contains_key(path) {
            let tensors = self.names.iter().map(|_| parameter.zeros_like()).collect();
            self.of.insert(path.to_string(), Entry { step: 0, tensors });
        }
        self.of.get_mut(path).expect("just put there")
    }

    /// Gives every trainable parameter its step.
    #[track_caller]
    pub(crate) fn step(
        &mut self,
        model: &mut dyn Module,
        gradients: &Gradients,
        allow_missing: bool,
        update: &mut dyn FnMut(&mut Tensor, &Tensor, &mut Entry),
    ) {
        if let Some(problem) = self.problem(model, gradients, allow_missing) {
            panic!("step: {problem}");
        }
        walk::parameters(&mut |visitor| model.visit_mut(visitor), &mut |path, var| {
            let Some(g) = gradients.get(var) else { return };
            let entry = self.entry(path, var.value());
            entry.step = entry.step.saturating_add(1);
            var.update(|theta| update(theta, g, entry));
            walk::name(path, var);
        });
    }

    /// What keeps a step from being made.
    fn problem(&self, model: &dyn Module, gradients: &Gradients, allow_missing: bool) -> Option<String> {
        let (mut missing, mut reached, mut different) = (Vec::new(), 0, None);
        let parameters = model.parameters();
        for (path, var) in parameters.iter().filter(|(_, var)| var.is_tracked()) {
            if gradients.get(var).is_none() {
                missing.push(path.clone());
                continue;
            }
            reached += 1;
            let before = self.of.get(path).and_then(|entry| entry.tensors.first());
            different = different.or(before.and_then(|before| Different::between(path, var.value(), before)));
        }
        if let Some(different) = different {
            return Some(format!(
                "the parameter changed since the last step: {different}; a new model needs a new optimiser"
            ));
        }
        if reached == 0 && missing.is_empty() {
            let what = if parameters.is_empty() { "the model has no parameters" } else { "every parameter is frozen" };
            return Some(what.into());
        }
        if reached == 0 {
            return Some(format!(
                "none of the {} gradients belongs to a parameter of this model; a step makes new leaves, so that gradients are good \
                 for one step of the model they were computed with",
                gradients.len()
            ));
        }
        (!missing.is_empty() && !allow_missing).then(|| {
            format!(
                "no gradient reached {}; freeze what is not to be learned, use it in the loss (backward_report says what cut \
                 the way), or let it pass with .allow_missing()",
                listed(&missing)
            )
        })
    }

    pub(crate) fn state(&self) -> Tensors {
        let mut state = Tensors::new();
        for (path, entry) in &self.of {
            state.insert(joined(path, STEP), Tensor::from(vec![entry.step]).reshape([]));
            for (name, tensor) in self.names.iter().zip(&entry.tensors) {
                state.insert(joined(path, name), tensor.clone());
            }
        }
        state
    }

    pub(crate) fn load_state(&mut self, state: &Tensors, model: &dyn Module) -> Result<(), StateError> {
        let parameters: BTreeMap<String, &Var> = model.parameters().into_iter().collect();
        let known = |name: &str| name == STEP || self.names.contains(&name);
        let mut mismatch = Mismatch::default();
        let mut paths = BTreeSet::new();
        let counter = Tensor::zeros([], DType::I64);
        for (key, saved) in state {
            let (path, name) = key.rsplit_once('.').unwrap_or(("", key));
            let Some(var) = parameters.get(path).filter(|_| known(name)) else {
                mismatch.unexpected.push(key.clone());
                continue;
            };
            let wanted = if name == STEP { &counter } else { var.value() };
            mismatch.different.extend(Different::between(key, wanted, saved));
            paths.insert(path);
        }
        let keys = |path: &str| self.names.iter().chain([&STEP]).map(|name| joined(path, name)).collect::<Vec<_>>();
        let needed = paths.iter().flat_map(|path| keys(path));
        mismatch.missing = needed.filter(|key| !state.contains_key(key)).collect();
        mismatch.into_result()?;

        let mut of = BTreeMap::new();
        for path in paths {
            let step = state[&joined(path, STEP)].at::<i64>(&[]);
            if step < 1 {
                return Err(StateError::Steps { path: path.to_string(), steps: step });
            }
            let tensors = self.names.iter().map(|name| state[&joined(path, name)].clone()).collect();
            of.insert(path.to_string(), Entry { step, tensors });
        }
        self.of = of;
        Ok(())
    }
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.into() } else { format!("{path}.{name}") }
}
