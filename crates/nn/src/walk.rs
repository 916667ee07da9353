//! Ways through a model that several of [`Module`](crate::Module)'s methods and the optimisers share.

use std::collections::HashMap;

use chainrule_autodiff::Var;
use chainrule_tensor::{DType, Layout, Tensor};

use crate::part::Mode;
use crate::visit::{PartMut, VisitorMut};

/// The `visit_mut` of some module.
pub(crate) type VisitMut<'m> = dyn FnMut(&mut VisitorMut<'_>) + 'm;

/// Which parameter this is, for finding tied ones: a leaf is itself, and a constant the numbers that it shows.
#[derive(PartialEq, Eq, Hash)]
enum Identity {
    Leaf(u64),
    Numbers { memory: usize, offset: usize, shape: Vec<usize>, strides: Vec<isize> },
}

impl Identity {
    /// `None` for constants without elements, which share no memory with anything.
    fn of(var: &Var) -> Option<Identity> {
        if let Some(id) = var.id() {
            return Some(Identity::Leaf(id));
        }
        let (value, layout): (&Tensor, &Layout) = (var.value(), var.value().layout());
        (!value.is_empty()).then(|| Identity::Numbers {
            memory: value.memory_id(),
            offset: layout.offset(),
            shape: layout.shape().to_vec(),
            strides: layout.strides().to_vec(),
        })
    }
}

/// The parameters that were met on the way, and where.
#[derive(Default)]
pub(crate) struct Seen(HashMap<Identity, String>);

impl Seen {
    /// The path under which this parameter was met before; `None` if this is the first time, which is noted.
    pub(crate) fn first(&mut self, path: &str, var: &Var) -> Option<&str> {
        use std::collections::hash_map::Entry;
        match self.0.entry(Identity::of(var)?) {
            Entry::Occupied(before) => Some(before.into_mut()),
            Entry::Vacant(slot) => {
                slot.insert(path.to_string());
                None
            }
        }
    }
}

/// Changes every parameter once, and puts the result in all places where it is tied.
pub(crate) fn parameters(visit: &mut VisitMut<'_>, change: &mut dyn FnMut(&str, &mut Var)) {
    let mut changed: HashMap<Identity, Var> = HashMap::new();
    visit(&mut VisitorMut::new(&mut |path, part| {
        let PartMut::Parameter(var) = part else { return };
        let identity = Identity::of(var);
        if let Some(already) = identity.as_ref().and_then(|id| changed.get(id)) {
            *var = already.clone();
            return;
        }
        change(path, var);
        changed.extend(identity.map(|id| (id, var.clone())));
    }));
}

/// Changes the numbers of every parameter, once where it is tied, and of every buffer. Leaves become new leaves named by their paths.
pub(crate) fn update(visit: &mut VisitMut<'_>, change: &mut dyn FnMut(&str, &mut Tensor)) {
    parameters(visit, &mut |path, var| {
        var.update(|value| change(path, value));
        name(path, var);
    });
    visit(&mut VisitorMut::new(&mut |path, part| {
        if let PartMut::Buffer(buffer) = part {
            let mut value = buffer.get();
            change(path, &mut value);
            buffer.set(value);
        }
    }));
}

/// Names a leaf by its path, unless it already has a name that ends in it: one given by a larger model, seen from a part of it.
pub(crate) fn name(path: &str, var: &mut Var) {
    let known = |name: &str| name.strip_suffix(path).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if path.is_empty() || !var.is_tracked() || var.name().is_some_and(known) {
        return;
    }
    var.update(|_| {}); // a leaf of its own, which nobody else holds
    let leaf = std::mem::replace(var, Var::constant(var.value()));
    *var = leaf.named(path);
}

pub(crate) fn freeze(part: PartMut<'_>) {
    match part {
        PartMut::Parameter(var) => *var = Var::constant(var.value()),
        PartMut::Mode(mode) => *mode = Mode::Inference,
        PartMut::Buffer(_) => {}
    }
}

/// Makes leaves of constants.
pub(crate) struct Thaw {
    /// A leaf made on the user's line, which the new ones are made from.
    leaf: Var,
    tied: HashMap<Identity, Var>,
}

impl Thaw {
    #[track_caller]
    pub(crate) fn here() -> Thaw {
        Thaw { leaf: Var::leaf(Tensor::zeros([], DType::F32)), tied: HashMap::new() }
    }

    pub(crate) fn part(&mut self, path: &str, part: PartMut<'_>) {
        match part {
            PartMut::Mode(mode) => *mode = Mode::Training,
            PartMut::Parameter(var) if !var.is_tracked() => {
                let identity = Identity::of(var);
                if let Some(already) = identity.as_ref().and_then(|id| self.tied.get(id)) {
                    *var = already.clone();
                    return;
                }
                let mut leaf = self.leaf.clone();
                leaf.update(|value| *value = var.value().clone());
                name(path, &mut leaf);
                *var = leaf;
                self.tied.extend(identity.map(|id| (id, var.clone())));
            }
            _ => {}
        }
    }
}

/// The paths of a model, and whether a pattern fitted one.
#[derive(Default)]
pub(crate) struct Paths {
    all: Vec<String>,
    matched: bool,
}

impl Paths {
    /// Notes a path, and passes on whether it fitted.
    pub(crate) fn note(&mut self, path: &str, fits: bool) -> bool {
        self.all.push(path.to_string());
        self.matched |= fits;
        fits
    }

    #[track_caller]
    pub(crate) fn expect_a_match(&self, op: &str, pattern: &str) {
        if self.matched {
            return;
        }
        let inside = format!("{pattern}.");
        if self.all.iter().any(|path| path.starts_with(&inside)) {
            panic!("{op}: {pattern:?} is the path of no parameter; for all that is in it, write {:?}", inside + "*");
        }
        panic!("{op}: no path fits {pattern:?}; the model has {}", crate::state::listed(&self.all));
    }
}

/// Whether a pattern, in which `*` stands for any text, fits a whole path.
pub(crate) fn matches(pattern: &str, path: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == path };
    let Some(mut left) = path.strip_prefix(start) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let end = pieces.pop().unwrap_or("");
    for piece in pieces {
        let Some(at) = left.find(piece) else { return false };
        left = &left[at + piece.len()..];
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, path) in [
            ("a.b", "a.b"),
            ("*", ""),
            ("*", "a.b"),
            ("a.*", "a.b.c"),
            ("*.bias", "a.0.bias"),
            ("a.*.bias", "a.0.1.bias"),
            ("*a*b*", "xaxxb"),
            ("a*a", "aa"),
            ("*ab*b", "abb"),
        ] {
            assert!(matches(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in
            [("a", "a.b"), ("a.*", "a"), ("*.bias", "bias"), ("a*a", "a"), ("*ab*b", "ab"), ("", "a"), ("a*", "ba")]
        {
            assert!(!matches(pattern, path), "{pattern} {path}");
        }
    }
}
