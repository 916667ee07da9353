//! Memory for time: a segment of which only the inputs are kept, and which runs once more in the backward pass.

use chainrule_tensor::Tensor;

use crate::answers::Answers;
use crate::backward::vjp;
use crate::op::{ListOp, Saves};
use crate::var::Var;

/// Runs `f` and keeps nothing of what it computes on the way; the backward pass runs it again for its gradients. They are the same, bit for
/// bit; the peak of memory is lower, and the time one more run of `f`.
///
/// `f` must give the same result each time: what is random inside it starts from a seed of its own.
///
/// Source: T. Chen et al., Training deep nets with sublinear memory cost, 2016.
///
/// # Panics
/// When `f` uses a variable that wants a gradient and is not among the inputs: its gradient would be lost.
///
/// ```
/// use chainrule_autodiff::{checkpoint, Var};
/// use chainrule_tensor::tensor;
/// let (x, w) = (Var::leaf(tensor![1., 2.]), Var::leaf(tensor![3., 4.]));
/// let y = checkpoint(|x| (&x[0] * &x[1]).tanh().sum(), &[&x, &w]);
/// let direct = (&x * &w).tanh().sum();
/// assert!(y.backward()[&w].same_bits(&direct.backward()[&w]));
/// ```
#[track_caller]
pub fn checkpoint(f: impl Fn(&[Var]) -> Var + Send + Sync + 'static, inputs: &[&Var]) -> Var {
    let tracked = inputs.iter().map(|x| x.is_tracked()).collect();
    Segment { f, tracked, answers: Answers::default() }.apply(inputs)
}

struct Segment<F> {
    f: F,
    tracked: Vec<bool>,
    answers: Answers,
}

impl<F: Fn(&[Var]) -> Var + Send + Sync + 'static> Segment<F> {
    /// All gradients, by running the segment again.
    fn again(&self, g: &Var, x: &[Var]) -> Vec<Option<Tensor>> {
        let fresh = |(x, &tracked): (&Var, &bool)| if tracked { Var::leaf(x.value()) } else { x.clone() };
        let inputs: Vec<Var> = x.iter().zip(&self.tracked).map(fresh).collect();
        let y = (self.f)(&inputs);
        let found = y.is_tracked().then(|| y.backward_from(g.value()));
        let of = |x: &Var| found.as_ref().and_then(|found| found.get(x).cloned());
        inputs.iter().map(of).collect()
    }
}

impl<F: Fn(&[Var]) -> Var + Send + Sync + 'static> ListOp for Segment<F> {
    fn name(&self) -> &'static str {
        "checkpoint"
    }

    fn saves(&self) -> Saves {
        Saves::Inputs
    }

    fn forward(&self, x: &[&Tensor]) -> Tensor {
        let y = (self.f)(&x.iter().map(|&x| Var::constant(x)).collect::<Vec<_>>());
        if y.is_tracked() {
            let leaf = y.tape().iter().next().map(|leaf| leaf.at().to_string()).unwrap_or_default();
            panic!(
                "checkpoint: the function uses a variable made at {leaf} that wants a gradient; pass it as an input"
            );
        }
        y.value().clone()
    }

    fn backward(&self, wrt: usize, g: &Var, x: &[Var], _: &Var) -> Var {
        let none = || Var::constant(x[wrt].value().zeros_like());
        if g.is_tracked() || x.iter().any(Var::is_tracked) {
            return vjp(&(self.f)(x), &[&x[wrt]], g).remove(0).unwrap_or_else(none);
        }
        self.answers.take(wrt, g.value(), || self.again(g, x)).map_or_else(none, Var::constant)
    }
}
