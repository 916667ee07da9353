//! Other shapes for the same numbers. All linear: a rule is its partner, which puts the numbers back.

use chainrule_tensor::{DType, Shape, Tensor, broadcast_shapes, normalise_axis};

use crate::declare::{Declaration, Sample};
use crate::op::{Op, Saves};
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

/// The elements laid dense in memory ↔ the same numbers.
struct Contiguous;
impl Op<1> for Contiguous {
    fn name(&self) -> &'static str {
        "contiguous"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        x.contiguous()
    }
    fn backward(&self, _: usize, g: &Var, _: [&Var; 1], _: &Var) -> Var {
        g.clone()
    }
}

/// Lengths of which one may be −1, for `count` elements.
#[track_caller]
fn inferred(op: &str, sizes: &[isize], count: usize) -> Shape {
    let open = sizes.iter().filter(|&&n| n == -1).count();
    let known: usize = sizes.iter().filter(|&&n| n >= 0).map(|&n| n as usize).product();
    let named = |n: isize| if n == -1 { count / known.max(1) } else { n as usize };
    let shape: Shape = sizes.iter().map(|&n| named(n)).collect();
    assert!(
        sizes.iter().all(|&n| n >= -1) && open <= 1 && shape.checked_count() == Some(count) && (open == 0 || known > 0),
        "{op}: {count} elements do not take the shape {sizes:?}; one length may be -1 where the others leave no doubt"
    );
    shape
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

    /// [`reshape`](Var::reshape) with lengths of which one may be −1: whatever the others leave.
    ///
    /// # Panics
    /// When the number of elements differs, or more than one length is left open.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::leaf(tensor![1., 2., 3., 4.]).view(&[-1, 2]).shape(), [2, 2]);
    /// ```
    #[track_caller]
    pub fn view(&self, sizes: &[isize]) -> Var {
        self.reshape(inferred("view", sizes, self.value().len()))
    }

    /// All elements in row-major order, along one axis.
    pub fn ravel(&self) -> Var {
        self.reshape([self.value().len()])
    }

    /// One axis made several, of these lengths; one may be −1: whatever the others leave.
    ///
    /// # Panics
    /// When the axis does not exist or has another number of elements.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{DType, Tensor};
    /// let x = Var::constant(Tensor::zeros([2, 12], DType::F32));
    /// assert_eq!(x.unflatten(1, &[3, -1]).shape(), [2, 3, 4]);
    /// ```
    #[track_caller]
    pub fn unflatten(&self, axis: isize, sizes: &[isize]) -> Var {
        let axis = normalise_axis("unflatten", axis, self.rank());
        let shape = self.shape();
        let parts = inferred("unflatten", sizes, shape[axis]);
        self.reshape(shape[..axis].iter().chain(&parts[..]).chain(&shape[axis + 1..]).copied().collect::<Shape>())
    }

    /// The same numbers, dense in row-major order in memory: a copy where they are not. A matter of speed alone.
    #[track_caller]
    pub fn contiguous(&self) -> Var {
        if self.value().is_contiguous() { self.clone() } else { Contiguous.apply([self]) }
    }

    /// This variable with new axes of length 1 up to one: `[]` → `[1]`.
    pub fn atleast_1d(&self) -> Var {
        if self.rank() == 0 { self.reshape([1]) } else { self.clone() }
    }

    /// This variable with new axes of length 1 up to two: `[]` → `[1, 1]`, `[n]` → `[1, n]`.
    pub fn atleast_2d(&self) -> Var {
        match *self.shape() {
            [] => self.reshape([1, 1]),
            [n] => self.reshape([1, n]),
            _ => self.clone(),
        }
    }

    /// This variable with new axes of length 1 up to three: `[]` → `[1, 1, 1]`, `[n]` → `[1, n, 1]`, `[n, m]` → `[n, m, 1]`.
    pub fn atleast_3d(&self) -> Var {
        match *self.shape() {
            [] => self.reshape([1, 1, 1]),
            [n] => self.reshape([1, n, 1]),
            [n, m] => self.reshape([n, m, 1]),
            _ => self.clone(),
        }
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
        let (a, b) = (self.counted("transpose", a), self.counted("transpose", b));
        if a == b {
            return self.clone();
        }
        let mut axes: Vec<isize> = (0..self.rank() as isize).collect();
        axes.swap(a, b);
        self.permute(&axes)
    }

    /// [`transpose`](Var::transpose), under NumPy's name.
    #[track_caller]
    pub fn swapaxes(&self, a: isize, b: isize) -> Var {
        self.transpose(a, b)
    }

    /// The axis counted from the front, where a variable without axes passes for one with a single axis, as in PyTorch.
    #[track_caller]
    pub(crate) fn counted(&self, op: &str, axis: isize) -> usize {
        normalise_axis(op, axis, self.rank().max(1))
    }

    /// The axes in `from` moved to the places in `to`; the others keep their order.
    ///
    /// # Panics
    /// When the lists differ in length, or an axis does not exist or is named twice.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{DType, Tensor};
    /// let x = Var::constant(Tensor::zeros([2, 3, 4], DType::F32));
    /// assert_eq!(x.movedim(&[0], &[-1]).shape(), [3, 4, 2]);
    /// ```
    #[track_caller]
    pub fn movedim(&self, from: &[isize], to: &[isize]) -> Var {
        assert!(from.len() == to.len(), "movedim: {} axes to {} places", from.len(), to.len());
        let mut places: Vec<Option<usize>> = vec![None; self.rank()];
        let mut left: Vec<usize> = (0..self.rank()).collect();
        for (&from, &to) in from.iter().zip(to) {
            let (from, to) = (self.counted("movedim", from), self.counted("movedim", to));
            if self.rank() == 0 {
                continue;
            }
            let taken = places[to].replace(from).is_some() || !left.contains(&from);
            assert!(!taken, "movedim: axis {from} or place {to} is named twice");
            left.retain(|&axis| axis != from);
        }
        let mut left = left.into_iter();
        let axes = places.into_iter().map(|axis| axis.or_else(|| left.next()).expect("as many as places") as isize);
        self.permute(&axes.collect::<Vec<_>>())
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

    /// The variable without those of the named axes that have length 1; without any of length 1 when none is named.
    ///
    /// # Panics
    /// When a named axis does not exist.
    #[track_caller]
    pub fn squeeze(&self, axes: &[isize]) -> Var {
        if self.rank() == 0 {
            for &axis in axes {
                self.counted("squeeze", axis);
            }
            return self.clone();
        }
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
    Declaration::linear("contiguous", "Tensor.contiguous", "the same numbers, dense in memory", "g", |d| {
        let shape = [d.size(), d.size()];
        Sample::new([d.reals(&shape)], "x[0].t().contiguous()", |x| x[0].t().contiguous())
    }),
    Declaration::linear("view", "Tensor.view", "the elements in order", "reshape back", |d| {
        let shape = d.positive_shape();
        let mut new: Vec<isize> = shape.iter().rev().map(|&n| n as isize).collect();
        new[d.below(shape.len())] = -1;
        Sample::new([d.reals(&shape)], format!("x[0].view(&{new:?})"), move |x| x[0].view(&new))
    }),
    Declaration::linear("ravel", "ravel", "the elements in order", "reshape back", |d| {
        let shape = d.shape();
        Sample::new([d.reals(&shape)], "x[0].ravel()", |x| x[0].ravel())
    }),
    Declaration::linear("unflatten", "unflatten", "one axis made several", "reshape back", |d| {
        let (mut shape, (a, b)) = (d.positive_shape(), (d.positive_size(), d.positive_size()));
        let axis = d.axis(shape.len());
        let at = normalise_axis("unflatten", axis, shape.len());
        shape[at] = a * b;
        let sizes = d.pick(&[[a as isize, b as isize], [-1, b as isize], [a as isize, -1]]);
        let source = format!("x[0].unflatten({axis}, &{sizes:?})");
        Sample::new([d.reals(&shape)], source, move |x| x[0].unflatten(axis, &sizes))
    }),
    Declaration::linear("swapaxes", "swapaxes", "two axes exchanged", "exchange back", |d| {
        let shape = d.positive_shape();
        let (a, b) = (d.axis(shape.len()), d.axis(shape.len()));
        Sample::new([d.reals(&shape)], format!("x[0].swapaxes({a}, {b})"), move |x| x[0].swapaxes(a, b))
    }),
    Declaration::linear("movedim", "movedim", "axes moved to other places", "moved back", |d| {
        let shape = d.shape();
        let some = d.below(shape.len() + 1);
        let axes = |order: Vec<usize>| -> Vec<isize> { order.into_iter().take(some).map(|a| a as isize).collect() };
        let (from, to) = (axes(d.order(shape.len())), axes(d.order(shape.len())));
        Sample::new([d.reals(&shape)], format!("x[0].movedim(&{from:?}, &{to:?})"), move |x| x[0].movedim(&from, &to))
    }),
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
    Declaration::linear("atleast_1d", "atleast_1d", "with one axis or more", "reshape back", |d| {
        let shape = d.shape();
        Sample::new([d.reals(&shape)], "x[0].atleast_1d()", |x| x[0].atleast_1d())
    }),
    Declaration::linear("atleast_2d", "atleast_2d", "with two axes or more", "reshape back", |d| {
        let shape = d.shape();
        Sample::new([d.reals(&shape)], "x[0].atleast_2d()", |x| x[0].atleast_2d())
    }),
    Declaration::linear("atleast_3d", "atleast_3d", "with three axes or more", "reshape back", |d| {
        let shape = d.shape();
        Sample::new([d.reals(&shape)], "x[0].atleast_3d()", |x| x[0].atleast_3d())
    }),
];
