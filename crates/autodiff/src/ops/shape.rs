//! Other shapes for the same numbers. All linear: a rule is its partner, which puts the numbers back.

use chainrule_tensor::{DType, Shape, Tensor, normalise_axis};

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
pub(crate) const DECLARED: &[Declaration] = &[
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
    Declaration::linear("atleast_2d", "atleast_2d", "with two axes or more", "reshape back", |d| {
        let shape = d.shape();
        Sample::new([d.reals(&shape)], "x[0].atleast_2d()", |x| x[0].atleast_2d())
    }),
    Declaration::linear("atleast_3d", "atleast_3d", "with three axes or more", "reshape back", |d| {
        let shape = d.shape();
        Sample::new([d.reals(&shape)], "x[0].atleast_3d()", |x| x[0].atleast_3d())
    }),
    Declaration::linear("atleast_1d", "atleast_1d", "with one axis or more", "reshape back", |d| {
        let shape = d.shape();
        Sample::new([d.reals(&shape)], "x[0].atleast_1d()", |x| x[0].atleast_1d())
    }),
];
