//! Other shapes for the same numbers. All linear: a rule is its partner, which puts the numbers back.

use chainrule_tensor::{DType, Shape, Tensor, normalise_axis};

use crate::declare::{Declaration, Sample};
use crate::op::{ListOp, Op, Saves};
use crate::var::Var;

/// The same elements in another shape ↔ back.
struct Reshape {
    shape: Shape,
}
impl Op<1> for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        x.reshape(&self.shape)
    }
    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
        g.reshape(x.shape())
    }
}

/// The axes in another order ↔ back.
struct Permute {
    axes: Vec<isize>,
}
impl Op<1> for Permute {
    fn name(&self) -> &'static str {
        "permute"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        x.permute(&self.axes)
    }
    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
        let mut back = vec![0; x.rank()];
        for (to, &from) in self.axes.iter().enumerate() {
            back[normalise_axis("permute", from, x.rank())] = to as isize;
        }
        g.permute(&back)
    }
}

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

/// Another element type ↔ back.
struct Cast {
    dtype: DType,
}
impl Op<1> for Cast {
    fn name(&self) -> &'static str {
        "cast"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        x.cast(self.dtype)
    }
    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
        g.cast(x.dtype())
    }
}

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
    /// The same elements, in row-major order, in another shape.
    ///
    /// # Panics
    /// When the number of elements differs.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::leaf(tensor![1., 2., 3., 4.]).reshape([2, 2]).shape(), [2, 2]);
    /// ```
    #[track_caller]
    pub fn reshape(&self, shape: impl Into<Shape>) -> Var {
        let shape = shape.into();
        if shape[..] == *self.shape() { self.clone() } else { Reshape { shape }.apply([self]) }
    }

    /// The axes from `start` to `end`, both included, made one.
    ///
    /// # Panics
    /// When an axis does not exist or `start` comes after `end`.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{DType, Tensor};
    /// let x = Var::constant(Tensor::zeros([8, 3, 4, 5], DType::F32));
    /// assert_eq!(x.flatten(1, -1).shape(), [8, 60]);
    /// ```
    #[track_caller]
    pub fn flatten(&self, start: isize, end: isize) -> Var {
        if self.rank() == 0 {
            return self.reshape([1]);
        }
        let (start, end) = (normalise_axis("flatten", start, self.rank()), normalise_axis("flatten", end, self.rank()));
        assert!(start <= end, "flatten: axis {start} comes after axis {end}");
        let shape = self.shape();
        let joined = shape[start..=end].iter().product();
        self.reshape(
            shape[..start].iter().copied().chain([joined]).chain(shape[end + 1..].iter().copied()).collect::<Shape>(),
        )
    }

    /// The axes in another order: axis `i` of the result is axis `axes[i]` of this variable.
    ///
    /// # Panics
    /// When `axes` is not a permutation of all axes.
    #[track_caller]
    pub fn permute(&self, axes: &[isize]) -> Var {
        Permute { axes: axes.to_vec() }.apply([self])
    }

    /// Two axes exchanged.
    ///
    /// # Panics
    /// When one does not exist.
    #[track_caller]
    pub fn transpose(&self, a: isize, b: isize) -> Var {
        let rank = self.rank();
        let (a, b) = (normalise_axis("transpose", a, rank), normalise_axis("transpose", b, rank));
        let mut axes: Vec<isize> = (0..rank as isize).collect();
        axes.swap(a, b);
        self.permute(&axes)
    }

    /// The last two axes exchanged: the matrix transpose, of each matrix of a batch.
    ///
    /// # Panics
    /// When there are fewer than two axes.
    #[track_caller]
    pub fn t(&self) -> Var {
        assert!(self.rank() >= 2, "t: shape {} has fewer than two axes", self.to_shape());
        self.transpose(-2, -1)
    }

    /// This variable repeated to fill `shape` by NumPy's broadcasting rule.
    ///
    /// # Panics
    /// When it does not fit.
    #[track_caller]
    pub fn broadcast_to(&self, shape: impl Into<Shape>) -> Var {
        let shape = shape.into();
        if shape[..] == *self.shape() { self.clone() } else { BroadcastTo { shape }.apply([self]) }
    }

    /// A new axis of length 1 before axis `axis` (up to and including the rank).
    ///
    /// # Panics
    /// When `axis` is out of range.
    #[track_caller]
    pub fn unsqueeze(&self, axis: isize) -> Var {
        let axis = normalise_axis("unsqueeze", axis, self.rank() + 1);
        let (before, after) = self.shape().split_at(axis);
        self.reshape(before.iter().chain(&[1]).chain(after).copied().collect::<Shape>())
    }

    /// The variable without the named axes, which must have length 1; without any of length 1 when none is named.
    ///
    /// # Panics
    /// When a named axis does not exist or is longer.
    #[track_caller]
    pub fn squeeze(&self, axes: &[isize]) -> Var {
        let shape = self.value().squeeze(axes).to_shape();
        self.reshape(shape)
    }

    /// The same numbers in another floating-point type; the gradient is converted back.
    ///
    /// # Panics
    /// When a tracked variable is cast to integers or truth values, through which no gradient flows.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{tensor, DType};
    /// let x = Var::leaf(tensor![1., 2.]);
    /// assert_eq!(x.cast(DType::F64).sum().backward()[&x].dtype(), DType::F32);
    /// ```
    #[track_caller]
    pub fn cast(&self, dtype: DType) -> Var {
        if dtype == self.dtype() { self.clone() } else { Cast { dtype }.apply([self]) }
    }

    /// Variables joined along an existing axis, on which alone they may differ in length.
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
        Cat { axis }.apply(parts)
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
}

/// What these ops say about themselves.
pub const DECLARED: &[Declaration] = &[
    Declaration::linear("reshape", "reshape", "the elements in order", "reshape back", |d| {
        let shape = d.shape();
        let mut new = shape.clone();
        new.reverse();
        Sample::new([d.reals(&shape)], format!("x[0].reshape({new:?})"), move |x| x[0].reshape(&new))
    }),
    Declaration::linear("flatten", "flatten", "the elements in order", "reshape back", |d| {
        let shape = d.shape();
        Sample::new([d.reals(&shape)], "x[0].flatten(0, -1)", |x| x[0].flatten(0, -1))
    }),
    Declaration::linear("permute", "permute", "axes in another order", "permute back", |d| {
        let shape = d.shape();
        let axes: Vec<isize> = d.order(shape.len()).into_iter().map(|a| a as isize).collect();
        Sample::new([d.reals(&shape)], format!("x[0].permute(&{axes:?})"), move |x| x[0].permute(&axes))
    }),
    Declaration::linear("transpose", "transpose", "two axes exchanged", "exchange back", |d| {
        let shape = d.positive_shape();
        let (a, b) = (d.axis(shape.len()), d.axis(shape.len()));
        Sample::new([d.reals(&shape)], format!("x[0].transpose({a}, {b})"), move |x| x[0].transpose(a, b))
    }),
    Declaration::linear("t", "Tensor.mT", "last two axes exchanged", "exchange back", |d| {
        let shape = [d.size(), d.size()];
        Sample::new([d.reals(&shape)], "x[0].t()", |x| x[0].t())
    }),
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
    Declaration::linear("unsqueeze", "unsqueeze", "a new axis of length 1", "reshape back", |d| {
        let shape = d.shape();
        let axis = d.axis(shape.len() + 1);
        Sample::new([d.reals(&shape)], format!("x[0].unsqueeze({axis})"), move |x| x[0].unsqueeze(axis))
    }),
    Declaration::linear("squeeze", "squeeze", "without axes of length 1", "reshape back", |d| {
        let shape = d.shape();
        Sample::new([d.reals(&shape)], "x[0].squeeze(&[])", |x| x[0].squeeze(&[]))
    }),
    Declaration::linear("cast", "Tensor.to", "the same numbers in another type", "cast back", |d| {
        let shape = d.shape();
        Sample::new([d.reals(&shape)], "x[0].cast(DType::F64)", |x| x[0].cast(DType::F64)) // a step only for other types
    }),
    Declaration::linear("cat", "cat", "joined along an axis", "cut apart", |d| {
        let shape = d.positive_shape();
        let axis = d.below(shape.len());
        let parts: Vec<Tensor> = (0..d.range(1, 3))
            .map(|_| {
                let mut shape = shape.clone();
                shape[axis] = d.size();
                d.reals(&shape)
            })
            .collect();
        Sample::new(parts, format!("Var::cat(x, {axis})"), move |x| {
            Var::cat(&x.iter().collect::<Vec<_>>(), axis as isize)
        })
    }),
    Declaration::linear("stack", "stack", "joined along a new axis", "cut apart", |d| {
        let shape = d.shape();
        let axis = d.axis(shape.len() + 1);
        let parts: Vec<Tensor> = (0..d.range(1, 3)).map(|_| d.reals(&shape)).collect();
        Sample::new(parts, format!("Var::stack(x, {axis})"), move |x| Var::stack(&x.iter().collect::<Vec<_>>(), axis))
    }),
];
