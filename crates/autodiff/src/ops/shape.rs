//! Other shapes for the same numbers. All linear: a rule is its partner, which puts the numbers back.

use chainrule_tensor::{DType, Shape, Slice, Tensor, normalise_axis};

use crate::declare::{Declaration, Family, Sample};
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

/// A part of a tensor, seen in place.
#[derive(Clone, Debug)]
enum Part {
    Slice(Vec<Slice>),
    Narrow { axis: isize, start: usize, len: usize },
    Select { axis: isize, index: isize },
    Flip(Vec<isize>),
    Unfold { axis: isize, size: usize, step: usize },
}

impl Part {
    #[track_caller]
    fn of(&self, x: &Tensor) -> Tensor {
        match self {
            Part::Slice(parts) => x.slice(parts),
            Part::Narrow { axis, start, len } => x.narrow(*axis, *start, *len),
            Part::Select { axis, index } => x.select(*axis, *index),
            Part::Flip(axes) => x.flip(axes),
            Part::Unfold { axis, size, step } => x.unfold(*axis, *size, *step),
        }
    }
}

/// A part ↔ the part put back among zeros.
struct Take(Part);
impl Op<1> for Take {
    fn name(&self) -> &'static str {
        match self.0 {
            Part::Slice(_) => "slice",
            Part::Narrow { .. } => "narrow",
            Part::Select { .. } => "select",
            Part::Flip(_) => "flip",
            Part::Unfold { .. } => "unfold",
        }
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        self.0.of(x)
    }
    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
        PutBack { part: self.0.clone(), whole: x.to_shape() }.apply([g])
    }
}

/// Zeros with a tensor added where the part lies ↔ the part. Also what `pad` is made of.
struct PutBack {
    part: Part,
    whole: Shape,
}
impl Op<1> for PutBack {
    fn name(&self) -> &'static str {
        "put_back"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        let whole = Tensor::zeros(&self.whole, x.dtype()).ghost();
        x.unview(&self.whole, self.part.of(&whole).layout())
    }
    fn backward(&self, _: usize, g: &Var, _: [&Var; 1], _: &Var) -> Var {
        Take(self.part.clone()).apply([g])
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

    /// A part of each of the first axes; axes not named are kept whole.
    ///
    /// # Panics
    /// When there are more slices than axes.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{s, tensor};
    /// let x = Var::leaf(tensor![1., 2., 3., 4.]);
    /// let y = x.slice(&[s(1..).step(2)]);
    /// assert_eq!(y.sum().backward()[&x].to_vec::<f32>(), [0., 1., 0., 1.]);
    /// ```
    #[track_caller]
    pub fn slice(&self, parts: &[Slice]) -> Var {
        Take(Part::Slice(parts.to_vec())).apply([self])
    }

    /// `len` elements of one axis, from `start` on.
    ///
    /// # Panics
    /// When they do not all exist.
    #[track_caller]
    pub fn narrow(&self, axis: isize, start: usize, len: usize) -> Var {
        Take(Part::Narrow { axis, start, len }).apply([self])
    }

    /// One position of an axis, which disappears. A negative index counts from the end.
    ///
    /// # Panics
    /// When the axis or the position does not exist.
    #[track_caller]
    pub fn select(&self, axis: isize, index: isize) -> Var {
        Take(Part::Select { axis, index }).apply([self])
    }

    /// The named axes backwards.
    ///
    /// # Panics
    /// When one does not exist.
    #[track_caller]
    pub fn flip(&self, axes: &[isize]) -> Var {
        Take(Part::Flip(axes.to_vec())).apply([self])
    }

    /// Overlapping windows of `size` elements along an axis, `step` apart, as a new last axis.
    ///
    /// Shape: `[…, n, …]` → `[…, (n − size)/step + 1, …, size]`.
    ///
    /// # Panics
    /// When the axis does not exist, `step` is 0 or `size` exceeds the axis.
    #[track_caller]
    pub fn unfold(&self, axis: isize, size: usize, step: usize) -> Var {
        Take(Part::Unfold { axis, size, step }).apply([self])
    }

    /// This variable with `(before, after)` zeros added on each of its axes.
    ///
    /// # Panics
    /// When there is not one pair per axis.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![1., 2.]);
    /// assert_eq!(x.pad(&[(1, 2)]).value().to_vec::<f32>(), [0., 1., 2., 0., 0.]);
    /// ```
    #[track_caller]
    pub fn pad(&self, amounts: &[(usize, usize)]) -> Var {
        assert!(
            amounts.len() == self.rank(),
            "pad: {} pairs for {} axes (shape {})",
            amounts.len(),
            self.rank(),
            self.to_shape()
        );
        if amounts.iter().all(|&pair| pair == (0, 0)) {
            return self.clone();
        }
        let whole = self.shape().iter().zip(amounts).map(|(&n, (before, after))| before + n + after).collect();
        let inside =
            |(&n, &(before, _)): (&usize, &(usize, usize))| Slice::from(before as isize..(before + n) as isize);
        PutBack { part: Part::Slice(self.shape().iter().zip(amounts).map(inside).collect()), whole }.apply([self])
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

const fn linear(
    name: &'static str,
    torch: &'static str,
    formula: &'static str,
    rule: &'static str,
    sample: fn(&mut crate::declare::Draw) -> Sample,
) -> Declaration {
    Declaration::new(Family::Linear, name, torch, formula, rule, sample)
}

/// What these ops say about themselves.
pub const DECLARED: &[Declaration] = &[
    linear("reshape", "reshape", "the elements in order", "reshape back", |d| {
        let shape = d.shape();
        let mut new = shape.clone();
        new.reverse();
        Sample::new([d.reals(&shape)], format!("x[0].reshape({new:?})"), move |x| x[0].reshape(&new))
    }),
    linear("flatten", "flatten", "the elements in order", "reshape back", |d| {
        let shape = d.shape();
        Sample::new([d.reals(&shape)], "x[0].flatten(0, -1)", |x| x[0].flatten(0, -1))
    }),
    linear("permute", "permute", "axes in another order", "permute back", |d| {
        let shape = d.shape();
        let axes: Vec<isize> = d.order(shape.len()).into_iter().map(|a| a as isize).collect();
        Sample::new([d.reals(&shape)], format!("x[0].permute(&{axes:?})"), move |x| x[0].permute(&axes))
    }),
    linear("transpose", "transpose", "two axes exchanged", "exchange back", |d| {
        let shape = d.positive_shape();
        let (a, b) = (d.axis(shape.len()), d.axis(shape.len()));
        Sample::new([d.reals(&shape)], format!("x[0].transpose({a}, {b})"), move |x| x[0].transpose(a, b))
    }),
    linear("t", "Tensor.mT", "last two axes exchanged", "exchange back", |d| {
        let shape = [d.size(), d.size()];
        Sample::new([d.reals(&shape)], "x[0].t()", |x| x[0].t())
    }),
    linear(
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
    linear("unsqueeze", "unsqueeze", "a new axis of length 1", "reshape back", |d| {
        let shape = d.shape();
        let axis = d.axis(shape.len() + 1);
        Sample::new([d.reals(&shape)], format!("x[0].unsqueeze({axis})"), move |x| x[0].unsqueeze(axis))
    }),
    linear("squeeze", "squeeze", "without axes of length 1", "reshape back", |d| {
        let shape = d.shape();
        Sample::new([d.reals(&shape)], "x[0].squeeze(&[])", |x| x[0].squeeze(&[]))
    }),
    linear("cast", "Tensor.to", "the same numbers in another type", "cast back", |d| {
        let shape = d.shape();
        let source = "x[0].cast(DType::F32).cast(DType::F64)";
        let x = d.reals(&shape).cast(DType::F32).cast(DType::F64);
        Sample::new([x], source, |x| x[0].cast(DType::F64))
    }),
    linear("slice", "Tensor.__getitem__", "a range with a step of each axis", "zeros, with g at the range", |d| {
        let shape = d.shape();
        let parts: Vec<Slice> = shape
            .iter()
            .map(|_| {
                let (start, end) = (d.below(3) as isize, d.pick(&[9, 2, -1, 0]));
                Slice::from(start..end).step(d.pick(&[1, 2, -1, -2]))
            })
            .collect();
        Sample::new([d.reals(&shape)], format!("x[0].slice(&{parts:?})"), move |x| x[0].slice(&parts))
    }),
    linear("narrow", "narrow", "a range of one axis", "zeros, with g at the range", |d| {
        let shape = d.positive_shape();
        let axis = d.below(shape.len());
        let start = d.below(shape[axis] + 1);
        let len = shape[axis] - start - d.below(shape[axis] - start + 1);
        let source = format!("x[0].narrow({axis}, {start}, {len})");
        Sample::new([d.reals(&shape)], source, move |x| x[0].narrow(axis as isize, start, len))
    }),
    linear("select", "select", "one position of an axis", "zeros, with g at the position", |d| {
        let shape = d.positive_shape();
        let axis = d.axis(shape.len());
        let n = shape[normalise_axis("select", axis, shape.len())];
        let index = d.axis(n);
        Sample::new([d.reals(&shape)], format!("x[0].select({axis}, {index})"), move |x| x[0].select(axis, index))
    }),
    linear("flip", "flip", "axes backwards", "flip again", |d| {
        let shape = d.shape();
        let axes = d.axes(shape.len());
        Sample::new([d.reals(&shape)], format!("x[0].flip(&{axes:?})"), move |x| x[0].flip(&axes))
    }),
    linear("unfold", "Tensor.unfold", "overlapping windows", "windows added back", |d| {
        let shape = d.positive_shape();
        let axis = d.below(shape.len());
        let (size, step) = (d.range(1, shape[axis]), d.range(1, 3));
        let source = format!("x[0].unfold({axis}, {size}, {step})");
        Sample::new([d.reals(&shape)], source, move |x| x[0].unfold(axis as isize, size, step))
    }),
    linear("pad", "constant_pad_nd", "zeros around", "the range inside", |d| {
        let shape = d.shape();
        let amounts: Vec<(usize, usize)> = shape.iter().map(|_| (d.below(3), d.below(3))).collect();
        Sample::new([d.reals(&shape)], format!("x[0].pad(&{amounts:?})"), move |x| x[0].pad(&amounts))
    }),
    linear("cat", "cat", "joined along an axis", "cut apart", |d| {
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
    linear("stack", "stack", "joined along a new axis", "cut apart", |d| {
        let shape = d.shape();
        let axis = d.axis(shape.len() + 1);
        let parts: Vec<Tensor> = (0..d.range(1, 3)).map(|_| d.reals(&shape)).collect();
        Sample::new(parts, format!("Var::stack(x, {axis})"), move |x| Var::stack(&x.iter().collect::<Vec<_>>(), axis))
    }),
];
