//! Which parameters a gradient reached, and what cut the way to the others.

use std::collections::BTreeSet;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::gradients::Gradients;
use crate::tape::Tape;
use crate::var::{History, Var};

/// A place where a gradient was cut, and the leaves that lie behind it.
pub(crate) struct Cut {
    at: &'static Location<'static>,
    leaves: BTreeSet<u64>,
}

impl Cut {
    /// The line of source that cut.
    pub(crate) fn at(&self) -> &'static Location<'static> {
        self.at
    }

    /// The cut that `detach` at this place makes.
    pub(crate) fn here(var: &Var, at: &'static Location<'static>) -> Cut {
        let tape = var.tape();
        let mut leaves: BTreeSet<u64> = tape.iter().filter(|node| node.is_leaf()).map(|node| node.id()).collect();
        for cut in Report::cuts(&tape) {
            leaves.extend(&cut.leaves);
        }
        Cut { at, leaves }
    }

    /// What a result of untracked values inherits: all their cuts.
    pub(crate) fn inherited(x: &[&Var]) -> History {
        let mut found: Option<Arc<Vec<Arc<Cut>>>> = None;
        for var in x {
            let History::Cut(cuts) = &var.history else { continue };
            found = Some(match found {
                None => cuts.clone(),
                Some(before) if Arc::ptr_eq(&before, cuts) => before,
                Some(before) => {
                    let new = cuts.iter().filter(|cut| !before.iter().any(|b| Arc::ptr_eq(b, cut)));
                    Arc::new(before.iter().chain(new).cloned().collect())
                }
            });
        }
        found.map_or(History::Constant, History::Cut)
    }
}

/// What became of one parameter in a backward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// A gradient arrived that is not zero throughout.
    Reached,
    /// A gradient arrived, all of whose elements are zero: a dead unit, or a saturated function.
    Zero,
    /// No path leads there. The source line where `detach` cut the last one, if it was a cut; `None` if the loss does not
    /// use the parameter at all.
    Unreachable(Option<&'static Location<'static>>),
    /// A constant: frozen.
    Constant,
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reach::Reached => write!(f, "reached"),
            Reach::Zero => write!(f, "zero"),
            Reach::Unreachable(Some(at)) => write!(f, "unreachable: cut by detach at {at}"),
            Reach::Unreachable(None) => write!(f, "unreachable: the loss does not use it"),
            Reach::Constant => write!(f, "constant"),
        }
    }
}

/// For each named parameter, what became of it in a backward pass. Printing it gives one line per parameter.
#[derive(Clone, Debug)]
pub struct Report {
    entries: Vec<(String, Reach)>,
}

impl Report {
    /// All cuts that a tape's entries have among their inputs.
    pub(crate) fn cuts(tape: &Tape) -> Vec<Arc<Cut>> {
        let mut cuts: Vec<Arc<Cut>> = Vec::new();
        for input in tape.iter().flat_map(|node| node.inputs()) {
            if let History::Cut(found) = &input.history {
                cuts.extend(found.iter().cloned());
            }
        }
        cuts
    }

    pub(crate) fn new<'a, S: Into<String>>(
        gradients: &Gradients,
        cuts: &[Arc<Cut>],
        parameters: impl IntoIterator<Item = (S, &'a Var)>,
    ) -> Report {
        let reach = |var: &Var| match (var.id(), gradients.get(var)) {
            (None, _) => Reach::Constant,
            (_, Some(gradient)) if gradient.to_f64_vec().iter().all(|&x| x == 0.0) => Reach::Zero,
            (_, Some(_)) => Reach::Reached,
            (Some(id), None) => {
                Reach::Unreachable(cuts.iter().rev().find(|cut| cut.leaves.contains(&id)).map(|cut| cut.at))
            }
        };
        Report { entries: parameters.into_iter().map(|(name, var)| (name.into(), reach(var))).collect() }
    }

    /// The entries in the order in which the parameters were given.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Reach)> {
        self.entries.iter().map(|(name, reach)| (name.as_str(), *reach))
    }

    /// What became of one parameter.
    pub fn of(&self, name: &str) -> Option<Reach> {
        self.iter().find(|(n, _)| *n == name).map(|(_, reach)| reach)
    }

    /// Whether every parameter that is not a constant got a gradient, be it zero.
    pub fn is_complete(&self) -> bool {
        !self.entries.iter().any(|(_, reach)| matches!(reach, Reach::Unreachable(_)))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.entries.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, reach) in &self.entries {
            writeln!(f, "{name:<width$}  {reach}")?;
        }
        Ok(())
    }
}
