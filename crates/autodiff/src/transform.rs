//! What follows from `grad` and `vjp` alone: products with Jacobians and Hessians, and the whole matrices.
//!
//! All of these take what was computed, like [`grad`], and give variables with a history, so that they can be differentiated again.

use chainrule_tensor::{Shape, Tensor};

use crate::backward::{expect_like, grad, vjp};
use crate::var::Var;

/// The value of a function of some tensors that gives one number, and its gradients.
///
/// # Panics
/// When the result is not one number, or does not depend on one of the inputs.
///
/// ```
/// use chainrule_autodiff::value_and_grad;
/// use chainrule_tensor::tensor;
/// let (y, g) = value_and_grad(|x| (&x[0] * &x[1]).sum(), &[tensor![1., 2.], tensor![3., 4.]]);
/// assert_eq!((y.item(), g[0].to_vec::<f32>()), (11.0, vec![3., 4.]));
/// ```
#[track_caller]
pub fn value_and_grad(f: impl FnOnce(&[Var]) -> Var, x: &[Tensor]) -> (Tensor, Vec<Tensor>) {
    let leaves: Vec<Var> = x.iter().map(Var::leaf).collect();
    let y = f(&leaves);
    let value = y.value().clone();
    let gradients = y.backward();
    let mut found = Vec::with_capacity(x.len());
    for leaf in &leaves {
        found.push(gradients[leaf].clone());
    }
    (value, found)
}

/// The derivative of `y` along the direction `v`, one part of it for each of `x`: `J·v`, of `y`'s shape. Zero where `y` depends on none of
/// `x`.
///
/// The gradient `Jᵀ·u` is linear in `u`, so that its own gradient is `J·v`: two backward passes instead of a forward mode.
///
/// Source: J. Townsend, A new trick for calculating Jacobian vector products, 2017.
///
/// # Panics
/// When there are not as many directions as variables, or one has another shape or type.
///
/// ```
/// use chainrule_autodiff::{jvp, Var};
/// use chainrule_tensor::tensor;
/// let x = Var::leaf(tensor![1., 2.]);
/// let y = x.square();
/// assert_eq!(jvp(&y, &[&x], &[tensor![1., 10.]]).value().to_vec::<f32>(), [2., 40.]);
/// ```
#[track_caller]
pub fn jvp(y: &Var, x: &[&Var], v: &[Tensor]) -> Var {
    expect_directions("jvp", x, v);
    let u = Var::leaf(Tensor::zeros(y.shape(), y.dtype()));
    let pulled = vjp(y, x, &u); // Jᵀ·u, linear in u
    let parts = pulled.iter().zip(v).filter_map(|(pulled, v)| {
        let pulled = pulled.as_ref().filter(|pulled| pulled.is_tracked())?;
        vjp(pulled, &[&u], &Var::constant(v)).remove(0)
    });
    parts.reduce(|sum, part| sum + part).unwrap_or_else(|| Var::constant(y.value().zeros_like()))
}

/// The matrix of all derivatives of `y` with respect to `x`; zero where it does not depend on it.
///
/// Shapes: `[m…]` and `[n…]` → `[m…, n…]`. One backward pass per element of `y`.
///
/// ```
/// use chainrule_autodiff::{jacobian, Var};
/// use chainrule_tensor::tensor;
/// let x = Var::leaf(tensor![2., 3.]);
/// let y = x.square();
/// assert_eq!(jacobian(&y, &x).value().to_vec::<f32>(), [4., 0., 0., 6.]);
/// ```
#[track_caller]
pub fn jacobian(y: &Var, x: &Var) -> Var {
    let shape: Shape = [y.shape(), x.shape()].concat().into();
    let row = |i: usize| {
        let mut unit = vec![0.0; y.len()];
        unit[i] = 1.0;
        let unit = Var::constant(Tensor::from_vec(unit, y.shape()).cast(y.dtype()));
        vjp(y, &[x], &unit).remove(0).unwrap_or_else(|| Var::constant(x.value().zeros_like()))
    };
    if y.len() == 0 {
        return Var::constant(Tensor::zeros(shape, y.dtype()));
    }
    let rows: Vec<Var> = (0..y.len()).map(row).collect();
    Var::stack(&rows.iter().collect::<Vec<_>>(), 0).reshape(shape)
}

/// The matrix of all second derivatives of one number with respect to `x`.
///
/// Shapes: `[]` and `[n…]` → `[n…, n…]`.
///
/// # Panics
/// When `y` is not one number or does not depend on `x`.
///
/// ```
/// use chainrule_autodiff::{hessian, Var};
/// use chainrule_tensor::tensor;
/// let x = Var::leaf(tensor![2., 3.]);
/// let y = x.square().sum() * 0.5 + &x.select(0, 0) * &x.select(0, 1);
/// assert_eq!(hessian(&y, &x).value().to_vec::<f32>(), [1., 1., 1., 1.]);
/// ```
#[track_caller]
pub fn hessian(y: &Var, x: &Var) -> Var {
    jacobian(&grad(y, &[x])[0], x)
}

/// The Hessian of one number times a direction `v`: one result for each of `x`, of its shape, without the Hessian ever being made.
///
/// Source: B. Pearlmutter, Fast exact multiplication by the Hessian, 1994.
///
/// # Panics
/// When `y` is not one number or does not depend on one of `x`, or the directions do not fit.
///
/// ```
/// use chainrule_autodiff::{hvp, Var};
/// use chainrule_tensor::tensor;
/// let x = Var::leaf(tensor![2., 3.]);
/// let y = (&x * &x * &x).sum();
/// assert_eq!(hvp(&y, &[&x], &[tensor![1., 10.]])[0].value().to_vec::<f32>(), [12., 180.]);
/// ```
#[track_caller]
pub fn hvp(y: &Var, x: &[&Var], v: &[Tensor]) -> Vec<Var> {
    expect_directions("hvp", x, v);
    let gradients = grad(y, x);
    let mut products: Vec<Var> = x.iter().map(|x| Var::constant(x.value().zeros_like())).collect();
    for (gradient, v) in gradients.iter().zip(v).filter(|(gradient, _)| gradient.is_tracked()) {
        for (product, part) in products.iter_mut().zip(vjp(gradient, x, &Var::constant(v))) {
            if let Some(part) = part {
                *product = &*product + part;
            }
        }
    }
    products
}

#[track_caller]
fn expect_directions(op: &str, x: &[&Var], v: &[Tensor]) {
    assert!(x.len() == v.len(), "{op}: {} variables need as many directions, got {}", x.len(), v.len());
    for (x, v) in x.iter().zip(v) {
        expect_like(op, x, &Var::constant(v));
    }
}
