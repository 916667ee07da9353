//! A function of tensors, and the rule that sends a gradient back through it.

use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;

use chainrule_tensor::Tensor;
use smallvec::SmallVec;

use crate::report::Cut;
use crate::tape::Node;
use crate::var::{History, Var};

/// What a rule reads besides the gradient, and the tape therefore keeps.
///
/// Whatever is left out reaches the rule without its numbers: it has a shape and a type, and reading it panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saves {
    /// Shapes alone.
    Nothing,
    /// For the gradient of an input, the other inputs alone, as in a product. An input among nothing but constants is not kept.
    Others,
    /// The inputs.
    Inputs,
    /// The output.
    Output,
    /// Inputs and output.
    Both,
}

impl Saves {
    /// Whether input `i` of `x` is read.
    fn input(self, i: usize, x: &[&Var]) -> bool {
        match self {
            Saves::Nothing | Saves::Output => false,
            Saves::Others => x.iter().enumerate().any(|(j, other)| j != i && other.is_tracked()),
            Saves::Inputs | Saves::Both => true,
        }
    }

    fn output(self) -> bool {
        matches!(self, Saves::Output | Saves::Both)
    }
}

/// A differentiable function of `N` tensors. Built-in ops and yours use this same door.
///
/// What a derivative flows through is an argument; all else (axes, exponents, masks) is a field of the implementing type.
///
/// ```
/// use chainrule_autodiff::{Op, Saves, Var};
/// use chainrule_tensor::{tensor, Tensor};
///
/// /// y = x³
/// struct Cube;
///
/// impl Op<1> for Cube {
///     fn name(&self) -> &'static str { "cube" }
///     fn saves(&self) -> Saves { Saves::Inputs }
///     fn forward(&self, [x]: [&Tensor; 1]) -> Tensor { &(x * x) * x }
///     fn backward(&self, _wrt: usize, g: &Var, [x]: [&Var; 1], _y: &Var) -> Var { g * (3.0 * x * x) }
/// }
///
/// let x = Var::leaf(2.0);
/// assert_eq!(Cube.apply([&x]).backward()[&x].item(), 12.0);
/// ```
pub trait Op<const N: usize>: Send + Sync + 'static {
    /// The name that tapes and messages show.
    fn name(&self) -> &'static str;

    /// What [`backward`](Op::backward) reads.
    fn saves(&self) -> Saves {
        Saves::Both
    }

    /// The value at `x`. What panics in here names the line that applied the op.
    #[track_caller]
    fn forward(&self, x: [&Tensor; N]) -> Tensor;

    /// The gradient for input `wrt`, given the gradient `g` of the output `y`.
    ///
    /// Written in `Var` ops, so that it can itself be differentiated. Asked only for inputs that want a gradient. Where the input
    /// was broadcast, the gradient may keep the larger shape: the engine sums it.
    fn backward(&self, wrt: usize, g: &Var, x: [&Var; N], y: &Var) -> Var;

    /// Computes the value and, if an input wants a gradient, records the step with the caller's source line.
    #[track_caller]
    fn apply(self, x: [&Var; N]) -> Var
    where
        Self: Sized,
    {
        let value = self.forward(values(x));
        if are_constant(&x) {
            return constant(&x, value);
        }
        record_tracked(SharedRule::new(Fixed(self)), &x, value, Location::caller())
    }
}

/// A differentiable function of a list of tensors whose length is known only at run time, such as `cat`.
///
/// Everything else is as for [`Op`].
pub trait ListOp: Send + Sync + 'static {
    /// The name that tapes and messages show.
    fn name(&self) -> &'static str;

    /// What [`backward`](ListOp::backward) reads.
    fn saves(&self) -> Saves {
        Saves::Both
    }

    /// The value at `x`. What panics in here names the line that applied the op.
    #[track_caller]
    fn forward(&self, x: &[&Tensor]) -> Tensor;

    /// The gradient for input `wrt`, given the gradient `g` of the output `y`.
    fn backward(&self, wrt: usize, g: &Var, x: &[Var], y: &Var) -> Var;

    /// Computes the value and, if an input wants a gradient, records the step with the caller's source line.
    #[track_caller]
    fn apply(self, x: &[&Var]) -> Var
    where
        Self: Sized,
    {
        let values: SmallVec<[&Tensor; 4]> = x.iter().map(|x| x.value()).collect();
        let value = self.forward(&values);
        record(SharedRule::new(Listed(self)), x, value, Location::caller())
    }
}

/// What a tape entry knows of its op.
pub(crate) trait Rule: Send + Sync {
    fn name(&self) -> &'static str;
    fn type_name(&self) -> &'static str;
    fn saves(&self) -> Saves;
    fn forward(&self, x: &[&Tensor]) -> Tensor;
    fn backward(&self, wrt: usize, g: &Var, x: &[Var], y: &Var) -> Var;
}

/// The rule of an entry, which other entries may have, too. One without fields takes no memory and need not be counted.
#[derive(Clone)]
pub(crate) enum SharedRule {
    Fieldless(&'static dyn Rule),
    Counted(Arc<dyn Rule>),
}

impl SharedRule {
    pub(crate) fn new<R: Rule + 'static>(rule: R) -> SharedRule {
        match size_of::<R>() == 0 && !std::mem::needs_drop::<R>() {
            true => SharedRule::Fieldless(Box::leak(Box::new(rule))), // nothing is allocated for nothing
            false => SharedRule::Counted(Arc::new(rule)),
        }
    }
}

impl Deref for SharedRule {
    type Target = dyn Rule;
    #[inline]
    fn deref(&self) -> &(dyn Rule + 'static) {
        match self {
            SharedRule::Fieldless(rule) => *rule,
            SharedRule::Counted(rule) => &**rule,
        }
    }
}

struct Fixed<O, const N: usize>(O);

impl<O: Op<N>, const N: usize> Rule for Fixed<O, N> {
    fn name(&self) -> &'static str {
        self.0.name()
    }
    fn type_name(&self) -> &'static str {
        std::any::type_name::<O>()
    }
    fn saves(&self) -> Saves {
        self.0.saves()
    }
    fn forward(&self, x: &[&Tensor]) -> Tensor {
        self.0.forward(*all(x))
    }
    fn backward(&self, wrt: usize, g: &Var, x: &[Var], y: &Var) -> Var {
        self.0.backward(wrt, g, all(x).each_ref(), y)
    }
}

/// The inputs of an op of `N`.
fn all<T, const N: usize>(x: &[T]) -> &[T; N] {
    x.try_into().expect("an entry has as many inputs as its op")
}

struct Listed<O>(O);

impl<O: ListOp> Rule for Listed<O> {
    fn name(&self) -> &'static str {
        self.0.name()
    }
    fn type_name(&self) -> &'static str {
        std::any::type_name::<O>()
    }
    fn saves(&self) -> Saves {
        self.0.saves()
    }
    fn forward(&self, x: &[&Tensor]) -> Tensor {
        self.0.forward(x)
    }
    fn backward(&self, wrt: usize, g: &Var, x: &[Var], y: &Var) -> Var {
        self.0.backward(wrt, g, x, y)
    }
}

/// Where every history begins.
pub(crate) struct Leaf;

impl Rule for Leaf {
    fn name(&self) -> &'static str {
        "leaf"
    }
    fn type_name(&self) -> &'static str {
        "leaf"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, _: &[&Tensor]) -> Tensor {
        unreachable!("a leaf is not computed")
    }
    fn backward(&self, _: usize, _: &Var, _: &[Var], _: &Var) -> Var {
        unreachable!("a leaf has no inputs")
    }
}

/// As `x.map(Var::value)`, which would be a function by itself, and called for every op.
#[inline(always)]
fn values<const N: usize>(x: [&Var; N]) -> [&Tensor; N] {
    let Some(first) = x.first() else { return x.map(Var::value) };
    let mut values = [first.value(); N];
    (1..N).for_each(|i| values[i] = x[i].value());
    values
}

#[inline]
fn constant(x: &[&Var], value: Tensor) -> Var {
    Var { value, history: Cut::inherited(x) }
}

#[inline]
fn are_constant(x: &[&Var]) -> bool {
    !x.iter().any(|x| x.is_tracked())
}

/// [`Op::apply`] of an op whose value at `x` is known already.
#[track_caller]
pub(crate) fn apply_known<const N: usize>(op: impl Op<N>, x: [&Var; N], value: Tensor) -> Var {
    record(SharedRule::new(Fixed(op)), &x, value, Location::caller())
}

/// The result of an op as a variable, with an entry where an input wants a gradient.
#[track_caller]
pub(crate) fn record(rule: SharedRule, x: &[&Var], value: Tensor, at: &'static Location<'static>) -> Var {
    if are_constant(x) { constant(x, value) } else { record_tracked(rule, x, value, at) }
}

/// [`record`] where an input is known to want a gradient.
#[track_caller]
fn record_tracked(rule: SharedRule, x: &[&Var], value: Tensor, at: &'static Location<'static>) -> Var {
    assert!(
        value.dtype().is_float(),
        "{}: the result holds {}, through which no derivative flows; use the inputs' .value(), or .detach() them first",
        rule.name(),
        value.dtype()
    );
    let saves = rule.saves();
    // Pushed, which costs a few instructions each; collecting costs some hundred.
    let mut inputs = SmallVec::new();
    for (i, &input) in x.iter().enumerate() {
        inputs.push(if saves.input(i, x) { input.clone() } else { input.ghost() });
    }
    let output = if saves.output() { value.clone() } else { value.ghost() };
    Var { value, history: History::Tracked(Arc::new(Node::new(rule, inputs, output, at))) }
}
