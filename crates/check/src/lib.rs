//! Does the derivative agree with the function?
//!
//! ```
//! use chainrule_autodiff::{Op, Var};
//! use chainrule_check::{check, check_op_drawn};
//! use chainrule_tensor::{tensor, Tensor};
//!
//! // A closure at given inputs:
//! check(|x| (&x[0] * &x[1]).sin().sum(), &[tensor![1., 2.], tensor![3., 4.]]).assert();
//!
//! // An op of your own, at generated inputs:
//! struct Cube;
//! impl Op<1> for Cube {
//!     fn name(&self) -> &'static str { "cube" }
//!     fn forward(&self, [x]: [&Tensor; 1]) -> Tensor { &(x * x) * x }
//!     fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var { g * (3.0 * x * x) }
//! }
//! check_op_drawn(|draw| {
//!     let shape = draw.shape();
//!     (Cube, [draw.reals(&shape)])
//! })
//! .assert();
//! ```
//!
//! A check compares the rule's derivatives, first and second, with differences of the function, taken in `f64` and extrapolated to step 0. Each
//! difference comes with an error bar, which decides; there is no tolerance to set. A kink is recognised by its two slopes, and any
//! derivative between them is accepted. Besides the numbers, a check looks at all that a rule owes its callers; see
//! [`Property`].
//!
//! Generated inputs are the same in every run. When a check fails, they shrink: to the smallest shapes and the simplest numbers that still
//! fail. The report names the property, the argument and element, both numbers, the source line, the input as Rust source, and the
//! mistake that explains the numbers, if a [`Diagnosis`] does.

mod check;
mod choices;
mod diagnosis;
mod difference;
mod evidence;
mod failure;
mod finding;
mod generated;
mod lines;
mod model;
mod noise;
mod panics;
mod properties;
mod regressions;
mod source;
mod trial;

pub use chainrule_autodiff::declare::{Declaration, Draw, Sample};
pub use check::Check;
pub use diagnosis::{Diagnosis, Place};
pub use failure::{Answer, Failure, Verdict};
pub use finding::{Kink, Mismatch, Property};

use chainrule_autodiff::{Op, Var};
use chainrule_tensor::Tensor;

/// Checks any function of variables at the given inputs.
///
/// The inputs are converted to `f64`; constants inside the function should be of the inputs' type. If they are `f32` throughout, the
/// check takes its differences in `f32`, with bars to match, and the verdict says so.
///
/// # Panics
/// When an input holds integers or truth values.
///
/// ```
/// use chainrule_check::{check, Property};
/// use chainrule_tensor::tensor;
/// check(|x| x[0].softmax(0), &[tensor![1., 2., 3.]]).assert();
///
/// let cut = check(|x| &x[0] * &x[0].detach(), &[tensor![1., 2.]]);
/// assert_eq!(cut.failure().unwrap().property(), Property::Gradient);
/// ```
#[track_caller]
pub fn check(f: impl Fn(&[Var]) -> Var, inputs: &[Tensor]) -> Verdict {
    Check::new().at(f, inputs)
}

/// Checks an op at the given inputs. [`check_op_drawn`] does so at many generated ones, and finds more.
///
/// # Panics
/// When an input holds integers or truth values.
///
/// ```
/// # use chainrule_autodiff::{Op, Var};
/// # use chainrule_check::{check_op, Diagnosis};
/// # use chainrule_tensor::{tensor, Tensor};
/// struct Square;
/// impl Op<1> for Square {
///     fn name(&self) -> &'static str { "square" }
///     fn forward(&self, [x]: [&Tensor; 1]) -> Tensor { x * x }
///     fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var { g * x } // and the 2?
/// }
/// let verdict = check_op(Square, [tensor![1., -3.]]);
/// assert_eq!(verdict.failure().unwrap().diagnosis(), Some(&Diagnosis::Factor(0.5)));
/// println!("{verdict}");
/// ```
#[track_caller]
pub fn check_op<const N: usize>(op: impl Op<N>, inputs: [Tensor; N]) -> Verdict {
    Check::new().op(op, inputs)
}

/// Checks a function at generated samples. The name stands in reports, and each has samples of its own.
///
/// ```
/// use chainrule_check::{check_drawn, Sample};
/// check_drawn("mean of some axes", |draw| {
///     let shape = draw.positive_shape();
///     let axes = draw.axes(shape.len());
///     let source = format!("x[0].mean_axes(&{axes:?}, true)");
///     Sample::new([draw.reals(&shape)], source, move |x| x[0].mean_axes(&axes, true))
/// })
/// .assert();
/// ```
pub fn check_drawn(name: &str, sample: impl Fn(&mut Draw) -> Sample) -> Verdict {
    Check::new().drawn(name, sample)
}

/// Checks an op, drawn with its fields, at generated inputs.
///
/// ```
/// # use chainrule_autodiff::{Op, Saves, Var};
/// # use chainrule_check::check_op_drawn;
/// # use chainrule_tensor::Tensor;
/// struct Scale(f64);
/// impl Op<1> for Scale {
///     fn name(&self) -> &'static str { "scale" }
///     fn saves(&self) -> Saves { Saves::Nothing }
///     fn forward(&self, [x]: [&Tensor; 1]) -> Tensor { x * self.0 }
///     fn backward(&self, _: usize, g: &Var, _: [&Var; 1], _: &Var) -> Var { g * self.0 }
/// }
/// check_op_drawn(|draw| {
///     let shape = draw.shape();
///     (Scale(draw.value(-2.0, 2.0)), [draw.reals(&shape)])
/// })
/// .assert();
/// ```
#[track_caller]
pub fn check_op_drawn<O: Op<N>, const N: usize>(sample: impl Fn(&mut Draw) -> (O, [Tensor; N])) -> Verdict {
    Check::new().op_drawn(sample)
}

/// Checks an op that has a [`Declaration`], at the samples that it draws and the special points that it names.
///
/// ```
/// let ops = chainrule_autodiff::ops::declarations();
/// let tanh = ops.iter().find(|op| op.name == "tanh").unwrap();
/// chainrule_check::check_declared(tanh).assert();
/// ```
pub fn check_declared(op: &Declaration) -> Verdict {
    Check::new().declared(op)
}

/// Checks a model: a loss as a function of its parameters, which are given by name and arrive in the same order.
///
/// Each parameter is moved in a random direction, and all together; what the gradient says of the loss is compared with what the loss
/// does. Besides, every op on the tape is compared with its own function, at the numbers that it met. So a failure names the first op whose rule
/// is wrong, its source line and the mistake; if there is none, the loss depends on the parameter where no tape has seen it.
///
/// Parameters are converted to `f64` if the loss takes that; make its data of the parameters' type. Randomness, such as dropout, must be
/// fixed.
///
/// ```
/// use chainrule_autodiff::Var;
/// use chainrule_check::check_model;
/// use chainrule_tensor::tensor;
/// let (w, b) = (Var::leaf(tensor![[0.5, -1.], [2., 0.3]]), Var::leaf(tensor![0.1, 0.2]));
/// let x = tensor![[1., 2.], [3., 4.], [5., 6.]];
/// check_model([("w", &w), ("b", &b)], |p| {
///     let x = Var::constant(x.cast(p[0].dtype()));
///     (x.matmul(&p[0]) + &p[1]).tanh().square().sum()
/// })
/// .assert();
/// ```
///
/// A `Module` of `chainrule-nn` takes the parameters in with `with_parameters`:
/// `check_model(model.parameters(), |p| model.with_parameters(p).loss(&x))`.
///
/// # Panics
/// When a parameter holds integers or truth values.
#[track_caller]
pub fn check_model<'a, S: Into<String>>(
    parameters: impl IntoIterator<Item = (S, &'a Var)>,
    loss: impl Fn(&[Var]) -> Var,
) -> Verdict {
    Check::new().model(parameters, loss)
}
