//! Parts of a tensor: slices, windows, single positions. Each is a view; its partner puts a tensor back among zeros.

use chainrule_tensor::{Shape, Slice, Tensor, normalise_axis};

use crate::declare::{Declaration, Sample};
use crate::op::{Op, Saves};
use crate::var::Var;

/// A part of a tensor, seen in place.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Slice(Vec<Slice>),
    Narrow { axis: isize, start: usize, len: usize },
    Select { axis: isize, index: isize },
    Flip(Vec<isize>),
    Unfold { axis: isize, size: usize, step: usize },
    Diagonal { offset: isize, a: isize, b: isize },
    Strided { shape: Shape, strides: Vec<isize>, offset: usize },
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
            Part::Diagonal { offset, a, b } => x.diagonal(*offset, *a, *b),
            Part::Strided { shape, strides, offset } => x.as_strided(shape, strides, *offset),
        }
    }
}

/// A part ↔ the part put back among zeros.
pub(super) struct Take(pub(super) Part);
impl Op<1> for Take {
    fn name(&self) -> &'static str {
        match self.0 {
            Part::Slice(_) => "slice",
            Part::Narrow { .. } => "narrow",
            Part::Select { .. } => "select",
            Part::Flip(_) => "flip",
            Part::Unfold { .. } => "unfold",
            Part::Diagonal { .. } => "diagonal",
            Part::Strided { .. } => "as_strided",
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
pub(super) struct PutBack {
    pub(super) part: Part,
    pub(super) whole: Shape,
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

impl Var {
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
        if self.rank() == 0 {
            for &axis in axes {
                self.counted("flip", axis);
            }
            return self.clone();
        }
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
        if self.rank() == 0 {
            return self.reshape([1]).unfold(axis, size, step).reshape([size]);
        }
        Take(Part::Unfold { axis, size, step }).apply([self])
    }

    /// The elements, in row-major order, walked from position `offset` in steps of one's own: element `i, j, …` of the result is number
    /// `offset + i·strides[0] + j·strides[1] + …`. Where the walk comes twice, gradients add.
    ///
    /// # Panics
    /// When there is not one stride per axis, or the walk leaves the elements.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![1., 2., 3.]);
    /// let y = x.as_strided([2, 2], &[1, 1], 0);
    /// assert_eq!(y.sum().backward()[&x].to_vec::<f32>(), [1., 2., 1.]);
    /// ```
    #[track_caller]
    pub fn as_strided(&self, shape: impl Into<Shape>, strides: &[isize], offset: usize) -> Var {
        Take(Part::Strided { shape: shape.into(), strides: strides.to_vec(), offset }).apply([self])
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::linear(
        "slice",
        "Tensor.__getitem__",
        "a range with a step of each axis",
        "zeros, with g at the range",
        |d| {
            let shape = d.shape();
            let parts: Vec<Slice> = shape
                .iter()
                .map(|_| {
                    let (start, end) = (d.below(3) as isize, d.pick(&[9, 2, -1, 0]));
                    Slice::from(start..end).step(d.pick(&[1, 2, -1, -2]))
                })
                .collect();
            Sample::new([d.reals(&shape)], format!("x[0].slice(&{parts:?})"), move |x| x[0].slice(&parts))
        },
    ),
    Declaration::linear("narrow", "narrow", "a range of one axis", "zeros, with g at the range", |d| {
        let shape = d.positive_shape();
        let axis = d.below(shape.len());
        let start = d.below(shape[axis] + 1);
        let len = shape[axis] - start - d.below(shape[axis] - start + 1);
        let source = format!("x[0].narrow({axis}, {start}, {len})");
        Sample::new([d.reals(&shape)], source, move |x| x[0].narrow(axis as isize, start, len))
    }),
    Declaration::linear("select", "select", "one position of an axis", "zeros, with g at the position", |d| {
        let shape = d.positive_shape();
        let axis = d.axis(shape.len());
        let n = shape[normalise_axis("select", axis, shape.len())];
        let index = d.axis(n);
        Sample::new([d.reals(&shape)], format!("x[0].select({axis}, {index})"), move |x| x[0].select(axis, index))
    }),
    Declaration::linear("flip", "flip", "axes backwards", "flip again", |d| {
        let shape = d.shape();
        let axes = d.axes(shape.len());
        Sample::new([d.reals(&shape)], format!("x[0].flip(&{axes:?})"), move |x| x[0].flip(&axes))
    }),
    Declaration::linear("unfold", "Tensor.unfold", "overlapping windows", "windows added back", |d| {
        let shape = d.positive_shape();
        let axis = d.below(shape.len());
        let (size, step) = (d.range(1, shape[axis]), d.range(1, 3));
        let source = format!("x[0].unfold({axis}, {size}, {step})");
        Sample::new([d.reals(&shape)], source, move |x| x[0].unfold(axis as isize, size, step))
    }),
    Declaration::linear("as_strided", "as_strided", "a walk over the elements", "elements added back", |d| {
        let shape = d.positive_shape();
        let count: usize = shape.iter().product();
        let offset = d.below(count);
        let (n, stride) = (d.range(1, 3), d.below(3));
        let n = n.min((count - 1 - offset) / stride.max(1) + 1);
        let strides = [stride as isize, 0];
        let source = format!("x[0].as_strided([{n}, 2], &{strides:?}, {offset})");
        Sample::new([d.reals(&shape)], source, move |x| x[0].as_strided([n, 2], &strides, offset))
    }),
];
