//! The backward pass: from the youngest entry to the oldest, ask each one's rule where its gradient goes.

use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use chainrule_tensor::Tensor;

use crate::gradients::{Gradients, why_not};
use crate::report::Report;
use crate::tape::{ByAge, Node};
use crate::var::{History, Var};

impl Var {
    /// The gradients of this number with respect to every leaf of its history.
    ///
    /// Takes the variable: what the tape saved is freed entry by entry as the pass runs. For gradients that can be
    /// differentiated again, or of intermediates, see [`grad`].
    ///
    /// # Panics
    /// When this is not one number, or no leaf is in its history.
    ///
    /// ```
    /// use chainrule_autodiff::Var;
    /// use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![1., 2., 3.]);
    /// let gradients = (&x * &x).sum().backward();
    /// assert_eq!(gradients[&x].to_vec::<f32>(), [2., 4., 6.]);
    /// ```
    #[track_caller]
    pub fn backward(self) -> Gradients {
        let seed = seed("backward", &self);
        self.backward_from(seed.value)
    }

    /// As [`backward`](Var::backward), for a variable of any shape, given the gradient `g` of something with respect to it.
    ///
    /// # Panics
    /// When the shape or type of `g` differs, or no leaf is in the history.
    #[track_caller]
    pub fn backward_from(self, g: impl Into<Tensor>) -> Gradients {
        let g = Var::constant(g);
        expect_like("backward_from", &self, &g);
        let Some(node) = self.node().cloned() else { panic!("backward: {}", self.no_history()) };
        drop(self);
        let sums = run(node, g, false, 0, &[]);
        Gradients::new(sums.into_iter().map(|(id, g)| (id, g.value)))
    }

    /// As [`backward`](Var::backward), and reports for each named parameter whether a gradient reached it and, if not, what cut the way.
    ///
    /// # Panics
    /// As `backward`.
    ///
    /// ```
    /// use chainrule_autodiff::{Reach, Var};
    /// use chainrule_tensor::tensor;
    /// let (a, b) = (Var::leaf(1.0), Var::leaf(2.0));
    /// let loss = &a * &(&b * 3.0).detach();
    /// let (_, report) = loss.backward_report([("a", &a), ("b", &b)]);
    /// assert!(matches!(report.of("a"), Some(Reach::Reached)));
    /// assert!(matches!(report.of("b"), Some(Reach::Unreachable(_))));
    /// ```
    #[track_caller]
    pub fn backward_report<'a, S: Into<String>>(
        self,
        parameters: impl IntoIterator<Item = (S, &'a Var)>,
    ) -> (Gradients, Report) {
        let cuts = Report::cuts(&self.tape());
        let gradients = self.backward();
        let report = Report::new(&gradients, &cuts, parameters);
        (gradients, report)
    }
}

impl Var {
    /// Why this variable, which is not tracked, has no gradients.
    fn no_history(&self) -> String {
        match &self.history {
            History::Cut(cuts) => format!(
                "this is a constant: detach() at {} cut off the leaves that it was computed from",
                cuts.iter().map(|cut| cut.at().to_string()).collect::<Vec<_>>().join(" and ")
            ),
            _ => "this is a constant: nothing that it was computed from is a leaf (Var::leaf)".into(),
        }
    }
}

#[track_caller]
fn seed(op: &str, y: &Var) -> Var {
    assert!(
        y.len() == 1,
        "{op}: needs one number, got shape {}; reduce it with .sum() or .mean(), or say how each element counts \
         (backward_from, vjp)",
        y.to_shape()
    );
    Var::constant(y.value().ones_like())
}

#[track_caller]
pub(crate) fn expect_like(op: &str, y: &Var, g: &Var) {
    assert!(
        y.shape() == g.shape() && y.dtype() == g.dtype(),
        "{op}: the gradient is {} {}, the variable {} {}",
        g.dtype(),
        g.to_shape(),
        y.dtype(),
        y.to_shape()
    );
}

/// The whole engine: the gradients of the leaves and of the `wanted` entries, given that of `node`. Entries older than `oldest` are of no
/// interest.
fn run(node: Arc<Node>, g: Var, recorded: bool, oldest: u64, wanted: &[u64]) -> Sums {
    let mut way = Way::default();
    way.add(node, g);
    while let Some(ByAge(mut node)) = way.waiting.pop() {
        let g = way.take(&node, wanted);
        if !recorded && let Some(node) = Arc::get_mut(&mut node) {
            node.pull_back_last(&g, |input, g| way.add(input, g));
            continue;
        }
        for (wrt, input) in node.tracked_inputs() {
            if let Some(input) = input.node().filter(|input| input.id() >= oldest) {
                way.add(input.clone(), node.pull_back(wrt, &g, recorded));
            }
        }
    }
    way.sums
}

/// Hashes the ids of entries, which one counter hands out: multiplication spreads them.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, _: &[u8]) {
        unreachable!("ids are u64")
    }
    #[inline]
    fn write_u64(&mut self, id: u64) {
        self.0 = id.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

/// Gradients by entry.
type Sums = HashMap<u64, Var, BuildHasherDefault<IdHasher>>;

/// What is under way. An entry depends on older ones alone, so the youngest that waits has its gradient complete.
#[derive(Default)]
struct Way {
    sums: Sums,
    /// The entries that `sums` tells of, without leaves.
    waiting: BinaryHeap<ByAge>,
}

impl Way {
    #[inline]
    fn take(&mut self, node: &Node, wanted: &[u64]) -> Var {
        let id = &node.id();
        let g = if wanted.contains(id) { self.sums.get(id).cloned() } else { self.sums.remove(id) };
        g.expect("an entry waits because a gradient came")
    }

    /// The first gradient is moved in; numbers are added in place, recorded gradients as an op.
    #[inline]
    fn add(&mut self, node: Arc<Node>, g: Var) {
        match self.sums.entry(node.id()) {
            Entry::Vacant(slot) => {
                slot.insert(g);
                if !node.is_leaf() {
                    self.waiting.push(ByAge(node));
                }
            }
            Entry::Occupied(mut slot) => {
                let sum = slot.get_mut();
                if sum.is_tracked() || g.is_tracked() {
                    *sum = &*sum + &g;
                } else {
                    sum.value.accumulate(g.value());
                }
            }
        }
    }
}

/// The gradients of one number with respect to `x`, each of `x`'s shape. They have a history of their own, so that they can be differentiated
/// again. `x` may be leaves or intermediates.
///
/// # Panics
/// When `y` is not one number, or no gradient reaches one of `x`; [`try_grad`] returns `None` there.
///
/// ```
/// use chainrule_autodiff::{grad, Var};
/// use chainrule_tensor::tensor;
/// let x = Var::leaf(2.0);
/// let y = &x * &x * &x;
/// let dy = &grad(&y, &[&x])[0]; // 3x²
/// let ddy = &grad(dy, &[&x])[0]; // 6x
/// assert_eq!((dy.item(), ddy.item()), (12.0, 12.0));
/// ```
#[track_caller]
pub fn grad(y: &Var, x: &[&Var]) -> Vec<Var> {
    let seed = seed("grad", y);
    let gradients = vjp(y, x, &seed);
    let reached = |(gradient, x): (Option<Var>, &&Var)| match gradient {
        Some(gradient) => gradient,
        None => panic!("grad: no gradient reaches {}: {}", x.describe(), why_not(x)),
    };
    let mut out = Vec::with_capacity(x.len());
    for pair in gradients.into_iter().zip(x) {
        out.push(reached(pair));
    }
    out
}

/// As [`grad`], with `None` for each of `x` that the number does not depend on.
///
/// # Panics
/// When `y` is not one number.
#[track_caller]
pub fn try_grad(y: &Var, x: &[&Var]) -> Vec<Option<Var>> {
    vjp(y, x, &seed("try_grad", y))
}

/// The product of `g`, of `y`'s shape, with the Jacobian of `y` with respect to each of `x`: `gᵀ·∂y/∂x`, of `x`'s shape. `None` where `y` does not depend
/// on `x`. If `g` has a history, the result depends on it, too.
///
/// # Panics
/// When the shape or type of `g` differs from that of `y`.
///
/// ```
/// use chainrule_autodiff::{vjp, Var};
/// use chainrule_tensor::tensor;
/// let x = Var::leaf(tensor![1., 2.]);
/// let y = &x * &x;
/// let g = Var::constant(tensor![1., 10.]);
/// assert_eq!(vjp(&y, &[&x], &g)[0].as_ref().unwrap().value().to_vec::<f32>(), [2., 40.]);
/// ```
#[track_caller]
pub fn vjp(y: &Var, x: &[&Var], g: &Var) -> Vec<Option<Var>> {
    expect_like("vjp", y, g);
    let wanted: Vec<u64> = x.iter().filter_map(|x| x.id()).collect();
    let sums = match (y.node(), wanted.iter().min()) {
        (Some(node), Some(&oldest)) => run(node.clone(), g.clone(), true, oldest, &wanted),
        _ => Sums::default(),
    };
    x.iter().map(|x| x.id().and_then(|id| sums.get(&id).cloned())).collect()
}
