//! Parts of a tensor: slices, windows, single positions. Each is a view; its partner puts a tensor back among zeros.

use chainrule_tensor::{Shape, Slice, Tensor, normalise_axis};

use crate::declare::{Declaration, Sample};
use crate::op::{Op, Saves};
use crate::var::Var;

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
}

/// What these ops say about themselves.
pub const DECLARED: &[Declaration] = &[
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
    Declaration::linear("pad", "constant_pad_nd", "zeros around", "the range inside", |d| {
        let shape = d.shape();
        let amounts: Vec<(usize, usize)> = shape.iter().map(|_| (d.below(3), d.below(3))).collect();
        Sample::new([d.reals(&shape)], format!("x[0].pad(&{amounts:?})"), move |x| x[0].pad(&amounts))
    }),
];
