//! Masks: elements replaced, picked or placed where a condition holds.

use chainrule_tensor::{DType, Tensor, broadcast_shapes};

use super::formula::Side;
use crate::declare::{Declaration, Family, Sample};
use crate::var::Var;

impl Var {
    /// This variable with `value`, a number or a variable without axes, where the `bool` mask holds; both are broadcast to one shape.
    ///
    /// # Panics
    /// When the mask is not `bool` or does not broadcast.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![1., 2.]);
    /// assert_eq!(x.masked_fill(&tensor![true, false], 9.0).value().to_vec::<f32>(), [9., 2.]);
    /// ```
    #[track_caller]
    pub fn masked_fill(&self, mask: &Tensor, value: impl Into<Side>) -> Var {
        Var::choose(mask, value.into().with_type_of(self), self)
    }

    /// The elements where the mask holds, in row-major order; both are broadcast to one shape. How many there are depends on the mask.
    ///
    /// # Panics
    /// When the mask is not `bool` or does not broadcast.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![1., 2., 3.]);
    /// let y = x.masked_select(&tensor![true, false, true]);
    /// assert_eq!(y.sum().backward()[&x].to_vec::<f32>(), [1., 0., 1.]);
    /// ```
    #[track_caller]
    pub fn masked_select(&self, mask: &Tensor) -> Var {
        let (x, mask) = self.with_mask("masked_select", mask);
        x.atleast_1d().index(&[Some(mask)])
    }

    /// This variable with the elements of `source`, in row-major order, placed where the mask, which is broadcast, holds. What is left of
    /// the source is not used.
    ///
    /// # Panics
    /// When the mask is not `bool` or does not broadcast, or the source has too few elements.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![1., 2., 3.]);
    /// let y = x.masked_scatter(&tensor![true, false, true], &Var::leaf(tensor![8., 9.]));
    /// assert_eq!(y.value().to_vec::<f32>(), [8., 2., 9.]);
    /// ```
    #[track_caller]
    pub fn masked_scatter(&self, mask: &Tensor, source: &Var) -> Var {
        let (x, mask) = self.with_mask("masked_scatter", mask);
        let count = mask.count_nonzero(&[]).item() as usize;
        let left = source.value().len();
        assert!(count <= left, "masked_scatter: {count} places for the {left} elements of {}", source.to_shape());
        x.overwrite(
            "masked_scatter",
            &x.numbers().atleast_1d().index(&[Some(mask)]),
            &source.ravel().narrow(0, 0, count),
        )
    }

    /// Both broadcast to one shape; the mask of one axis at least.
    #[track_caller]
    fn with_mask(&self, op: &str, mask: &Tensor) -> (Var, Tensor) {
        let Some(shape) = broadcast_shapes(self.shape(), mask.shape()) else {
            panic!("{op}: a mask of shape {} does not broadcast with {}", mask.to_shape(), self.to_shape())
        };
        assert!(mask.dtype() == DType::Bool, "{op}: the mask holds {}, not bool", mask.dtype());
        let mask = mask.broadcast_to(&shape);
        (self.broadcast_to(&shape), if shape.is_empty() { mask.reshape([1]) } else { mask })
    }

    /// `f(self)` where the mask holds, else `otherwise`, for an `f` that must not see the other elements.
    ///
    /// [`choose`](Var::choose) alone is not enough: at an element where the derivative of `f` is infinite or NaN, the chain rule makes
    /// 0 · ∞ = NaN of it even if that side was not chosen. So `f` sees the number `safe` there instead, at which it should be smooth.
    ///
    /// # Panics
    /// When the mask is not `bool`, or shapes do not broadcast.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![0., 4.]);
    /// let y = x.choose_safely(&tensor![false, true], 1.0, |x| x.sqrt(), 0.0);
    /// assert_eq!(y.sum().backward()[&x].to_vec::<f32>(), [0., 0.25]); // and not NaN at 0
    /// ```
    #[track_caller]
    pub fn choose_safely(
        &self,
        mask: &Tensor,
        safe: f64,
        f: impl FnOnce(&Var) -> Var,
        otherwise: impl Into<Side>,
    ) -> Var {
        let inside = f(&self.masked_fill(&mask.logical_not(), safe));
        Var::choose(mask, &inside, otherwise.into().with_type_of(&inside))
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::linear("masked_fill", "masked_fill", "a number where the mask holds, else x", "g elsewhere", |d| {
        let shape = d.shape();
        let from = d.below(shape.len() + 1);
        let mask = d.mask(&shape[from..]);
        let source = format!("x[0].masked_fill(&tensor!{:?}, &x[1])", mask.to_vec::<bool>());
        Sample::new([d.reals(&shape), d.reals(&[])], source, move |x| x[0].masked_fill(&mask, &x[1]))
    }),
    Declaration::linear(
        "masked_select",
        "masked_select",
        "elements where the mask holds",
        "zeros, with g there",
        |d| {
            let [shape, mask] = d.broadcasting_shapes();
            let mask = d.mask(&mask);
            let source = format!("x[0].masked_select(&tensor!{:?})", mask.to_vec::<bool>());
            Sample::new([d.reals(&shape)], source, move |x| x[0].masked_select(&mask))
        },
    ),
    Declaration::linear(
        "masked_scatter",
        "masked_scatter",
        "elements placed where the mask holds",
        "g elsewhere; g there",
        |d| {
            let shape = d.shape();
            let from = d.below(shape.len() + 1);
            let mask = d.mask(&shape[from..]);
            let count = shape.iter().product::<usize>() + d.below(2);
            let source = format!("x[0].masked_scatter(&tensor!{:?}, &x[1])", mask.to_vec::<bool>());
            Sample::new([d.reals(&shape), d.reals(&[count])], source, move |x| x[0].masked_scatter(&mask, &x[1]))
        },
    ),
    Declaration::new(
        Family::Composite,
        "choose_safely",
        "where",
        "f(x) where the mask holds, else another",
        "that of its parts",
        |d| {
            let shape = d.shape();
            let mask = d.mask(&shape);
            let source = format!("x[0].choose_safely(&tensor!{:?}, 1.0, |x| x.square(), &x[1])", mask.to_vec::<bool>());
            Sample::new([d.reals(&shape), d.reals(&[])], source, move |x| {
                x[0].choose_safely(&mask, 1.0, |x| x.square(), &x[1])
            })
        },
    ),
];
