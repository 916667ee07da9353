//! Repetition without copies: NumPy's broadcasting, said explicitly.

use chainrule_tensor::{DType, Shape, Tensor, broadcast_shapes};

use super::join::all;
use crate::declare::{Declaration, Sample};
use crate::op::{Op, Saves};
use crate::var::Var;

/// Repetition ↔ the sum over what was repeated, which the engine takes for every op.
struct BroadcastTo {
    shape: Shape,
}
impl Op<1> for BroadcastTo {
    fn name(&self) -> &'static str {
        "broadcast_to"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        x.broadcast_to(&self.shape)
    }
    fn backward(&self, _: usize, g: &Var, _: [&Var; 1], _: &Var) -> Var {
        g.clone()
    }
}

impl Var {
    /// This variable repeated to fill `shape` by NumPy's broadcasting rule.
    ///
    /// # Panics
    /// When it does not fit.
    #[track_caller]
    pub fn broadcast_to(&self, shape: impl Into<Shape>) -> Var {
        let shape = shape.into();
        if shape[..] == *self.shape() { self.clone() } else { BroadcastTo { shape }.apply([self]) }
    }

    /// This variable repeated along axes of length 1, and along new ones in front, to have these lengths; −1 keeps a length.
    ///
    /// # Panics
    /// When a length does not fit.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::leaf(tensor![[1.], [2.]]).expand(&[4, -1, 3]).shape(), [4, 2, 3]);
    /// ```
    #[track_caller]
    pub fn expand(&self, sizes: &[isize]) -> Var {
        let shape = self.to_shape();
        let new = sizes.len().checked_sub(shape.len());
        let Some(new) = new else { panic!("expand: {} lengths for the axes of {shape}", sizes.len()) };
        let mut full = Vec::with_capacity(sizes.len());
        for (i, &n) in sizes.iter().enumerate() {
            match (n, i.checked_sub(new)) {
                (-1, Some(old)) => full.push(shape[old]),
                (0.., _) => full.push(n as usize),
                _ => panic!("expand: {n} is no length for axis {i} (shape {shape})"),
            }
        }
        self.broadcast_to(full)
    }

    /// [`broadcast_to`](Var::broadcast_to) the shape of another variable.
    ///
    /// # Panics
    /// When it does not fit.
    #[track_caller]
    pub fn expand_as(&self, other: &Var) -> Var {
        self.broadcast_to(other.to_shape())
    }

    /// Variables repeated to the one shape in which they combine.
    ///
    /// # Panics
    /// When they do not broadcast.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let all = Var::broadcast_tensors(&[&Var::leaf(tensor![[1.], [2.]]), &Var::leaf(tensor![1., 2., 3.])]);
    /// assert_eq!((all[0].shape(), all[1].shape()), (&[2, 3][..], &[2, 3][..]));
    /// ```
    #[track_caller]
    pub fn broadcast_tensors(parts: &[&Var]) -> Vec<Var> {
        let mut shape = Shape::default();
        for part in parts {
            shape = match broadcast_shapes(&shape, part.shape()) {
                Some(shape) => shape,
                None => panic!("broadcast_tensors: {} does not broadcast with {shape}", part.to_shape()),
            };
        }
        let mut all = Vec::with_capacity(parts.len());
        for part in parts {
            all.push(part.broadcast_to(&shape));
        }
        all
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::linear(
        "broadcast_to",
        "broadcast_to",
        "repeated along new axes and those of length 1",
        "sum over what was repeated",
        |d| {
            let full = d.shape();
            let from = d.below(full.len() + 1);
            let part: Vec<usize> = full[from..].iter().map(|&n| if d.flag() { 1 } else { n }).collect();
            Sample::new([d.reals(&part)], format!("x[0].broadcast_to({full:?})"), move |x| x[0].broadcast_to(&full))
        },
    ),
    Declaration::linear(
        "expand",
        "Tensor.expand",
        "repeated along axes of length 1",
        "sum over what was repeated",
        |d| {
            let full = d.shape();
            let part: Vec<usize> = full.iter().map(|&n| if d.flag() { 1 } else { n }).collect();
            let sizes: Vec<isize> =
                full.iter().zip(&part).map(|(n, m)| if n == m { -1 } else { *n as isize }).collect();
            Sample::new([d.reals(&part)], format!("x[0].expand(&{sizes:?})"), move |x| x[0].expand(&sizes))
        },
    ),
    Declaration::linear(
        "expand_as",
        "Tensor.expand_as",
        "repeated to another's shape",
        "sum over what was repeated",
        |d| {
            let full = d.shape();
            let part: Vec<usize> = full.iter().map(|&n| if d.flag() { 1 } else { n }).collect();
            let other = Var::constant(Tensor::zeros(&full, DType::F64));
            Sample::new([d.reals(&part)], format!("x[0].expand_as(/* {full:?} */)"), move |x| x[0].expand_as(&other))
        },
    ),
    Declaration::linear(
        "broadcast_tensors",
        "broadcast_tensors",
        "repeated to one shape",
        "sum over what was repeated",
        |d| {
            let [a, b] = d.broadcasting_shapes();
            Sample::new([d.reals(&a), d.reals(&b)], "Var::broadcast_tensors(x)", |x| {
                Var::stack(&all(&Var::broadcast_tensors(&all(x))), 0)
            })
        },
    ),
];
