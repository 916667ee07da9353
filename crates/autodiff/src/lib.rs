//! Histories and rules: reverse-mode automatic differentiation.
//!
//! Read the engine in this order, in one sitting:
//!
//! 1. [`var`]: a [`Var`] is a tensor with a history.
//! 2. [`op`]: an [`Op`] is a function of tensors and the rule that sends a gradient back through it.
//! 3. [`tape`]: a [`Tape`] is a history written in a line, oldest entry first.
//! 4. [`backward`]: pop the tape from the end and ask each entry's rule where its gradient goes.
//! 5. [`gradients`]: what the backward pass returns.
//! 6. [`report`]: which parameters a gradient reached, and what cut the way to the others.
//! 7. [`transform`] and [`checkpoint`]: what follows from these alone, such as Hessians, and memory exchanged for time.
//! 8. [`ops`]: the ops, one file per family, each a formula and its rule in one place.
//! 9. [`declare`]: what an op says about itself, for its documentation and its checks.
//!
//! ```
//! use chainrule_autodiff::Var;
//! use chainrule_tensor::tensor;
//!
//! let x = Var::leaf(3.0);
//! let y = &x * &x + 2.0 * &x; // y = x² + 2x
//! let gradients = y.backward();
//! assert_eq!(gradients[&x].item(), 8.0); // dy/dx = 2x + 2
//! ```

mod answers;
pub mod backward;
mod checkpoint;
pub mod declare;
pub mod gradients;
pub mod op;
#[cfg_attr(not(feature = "declarations"), allow(dead_code))] // declarations are dead code then
pub mod ops;
pub mod report;
pub mod tape;
pub mod transform;
pub mod var;

pub use backward::{grad, try_grad, vjp};
pub use checkpoint::checkpoint;
pub use gradients::Gradients;
pub use op::{ListOp, Op, Saves};
pub use ops::linalg::MatrixNorm;
pub use report::{Reach, Report};
pub use tape::{Node, Tape};
pub use transform::{hessian, hvp, jacobian, jvp, value_and_grad};
pub use var::Var;
