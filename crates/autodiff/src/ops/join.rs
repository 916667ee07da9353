//! Variables joined, and cut apart.

use chainrule_tensor::{Tensor, normalise_axis};

use crate::declare::{Declaration, Draw, Sample};
use crate::op::{ListOp, Saves};
use crate::var::Var;

/// Tensors joined ↔ cut apart.
struct Cat {
    axis: isize,
}
impl ListOp for Cat {
    fn name(&self) -> &'static str {
        "cat"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, x: &[&Tensor]) -> Tensor {
        Tensor::cat(x, self.axis)
    }
    fn backward(&self, wrt: usize, g: &Var, x: &[Var], _: &Var) -> Var {
        let length = |x: &Var| x.size(self.axis);
        g.narrow(self.axis, x[..wrt].iter().map(length).sum(), length(&x[wrt]))
    }
}

impl Var {
    /// Variables joined along an existing axis, on which alone they may differ in length. Empty ones of shape `[0]` are passed
    /// over, as in PyTorch.
    ///
    /// # Panics
    /// When there are none, or other axes or types differ.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (a, b) = (Var::leaf(tensor![1.]), Var::leaf(tensor![2., 3.]));
    /// assert_eq!(Var::cat(&[&a, &b], 0).shape(), [3]);
    /// ```
    #[track_caller]
    pub fn cat(parts: &[&Var], axis: isize) -> Var {
        assert!(!parts.is_empty(), "cat: no variables to join");
        let Some(full) = parts.iter().find(|part| part.rank() > 1) else { return Cat { axis }.apply(parts) };
        let mut empty = full.to_shape();
        empty[normalise_axis("cat", axis, full.rank())] = 0;
        let mut like_full = Vec::with_capacity(parts.len());
        for part in parts {
            like_full.push(if part.shape() == [0] { part.reshape(&empty) } else { (*part).clone() });
        }
        Cat { axis }.apply(&like_full.iter().collect::<Vec<_>>())
    }

    /// Variables of one shape joined along a new axis.
    ///
    /// # Panics
    /// When there are none, or shapes or types differ.
    #[track_caller]
    pub fn stack(parts: &[&Var], axis: isize) -> Var {
        let mut wide = Vec::with_capacity(parts.len());
        for part in parts {
            wide.push(part.unsqueeze(axis));
        }
        Self::cat(&wide.iter().collect::<Vec<_>>(), axis)
    }

    /// Variables joined side by side: along axis 1, or 0 where there is but one.
    ///
    /// # Panics
    /// As [`cat`](Var::cat).
    #[track_caller]
    pub fn hstack(parts: &[&Var]) -> Var {
        let axis = if parts.first().is_some_and(|part| part.rank() > 1) { 1 } else { 0 };
        joined(parts, Var::atleast_1d, axis)
    }

    /// Variables joined on top of each other: along axis 0, each a row or more.
    ///
    /// # Panics
    /// As [`cat`](Var::cat).
    #[track_caller]
    pub fn vstack(parts: &[&Var]) -> Var {
        joined(parts, Var::atleast_2d, 0)
    }

    /// Variables joined behind each other: along axis 2.
    ///
    /// # Panics
    /// As [`cat`](Var::cat).
    #[track_caller]
    pub fn dstack(parts: &[&Var]) -> Var {
        joined(parts, Var::atleast_3d, 2)
    }
}

/// The parts, each changed, joined.
#[track_caller]
pub(super) fn joined(parts: &[&Var], change: impl Fn(&Var) -> Var, axis: isize) -> Var {
    let mut changed = Vec::with_capacity(parts.len());
    for part in parts {
        changed.push(change(part));
    }
    Var::cat(&changed.iter().collect::<Vec<_>>(), axis)
}

/// Up to three tensors that differ along one axis alone.
fn parts_along(d: &mut Draw, shape: &[usize], axis: usize) -> Vec<Tensor> {
    let count = d.range(1, 3);
    let mut parts = Vec::with_capacity(count);
    for _ in 0..count {
        let mut shape = shape.to_vec();
        shape[axis] = d.size();
        parts.push(d.reals(&shape));
    }
    parts
}

pub(super) fn all(x: &[Var]) -> Vec<&Var> {
    x.iter().collect()
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::linear("cat", "cat", "joined along an axis", "cut apart", |d| {
        let shape = d.positive_shape();
        let axis = d.below(shape.len());
        Sample::new(parts_along(d, &shape, axis), format!("Var::cat(x, {axis})"), move |x| {
            Var::cat(&all(x), axis as isize)
        })
    }),
    Declaration::linear("stack", "stack", "joined along a new axis", "cut apart", |d| {
        let shape = d.shape();
        let axis = d.axis(shape.len() + 1);
        let parts: Vec<Tensor> = (0..d.range(1, 3)).map(|_| d.reals(&shape)).collect();
        Sample::new(parts, format!("Var::stack(x, {axis})"), move |x| Var::stack(&all(x), axis))
    }),
    Declaration::linear("hstack", "hstack", "joined side by side", "cut apart", |d| {
        let shape = d.positive_shape();
        let parts = parts_along(d, &shape, 1.min(shape.len() - 1));
        Sample::new(parts, "Var::hstack(x)", |x| Var::hstack(&all(x)))
    }),
    Declaration::linear("vstack", "vstack", "joined on top of each other", "cut apart", |d| {
        let shape = d.pick(&[vec![3], vec![], vec![2, 3], vec![1, 2, 2]]);
        let parts: Vec<Tensor> = (0..d.range(1, 3)).map(|_| d.reals(&shape)).collect();
        Sample::new(parts, "Var::vstack(x)", |x| Var::vstack(&all(x)))
    }),
    Declaration::linear("dstack", "dstack", "joined behind each other", "cut apart", |d| {
        let shape = d.pick(&[vec![3], vec![], vec![2, 3], vec![1, 2, 2]]);
        let parts: Vec<Tensor> = (0..d.range(1, 3)).map(|_| d.reals(&shape)).collect();
        Sample::new(parts, "Var::dstack(x)", |x| Var::dstack(&all(x)))
    }),
];
