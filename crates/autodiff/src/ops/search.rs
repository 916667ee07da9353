//! Where elements are and where they would stand: integers and truth values, through which no derivative flows.

use chainrule_tensor::Tensor;

use crate::declare::{Declaration, Sample};
use crate::var::Var;

impl Var {
    /// The positions of the elements that are not zero, one per row: [`Tensor::nonzero`].
    #[track_caller]
    pub fn nonzero(&self) -> Tensor {
        self.value().nonzero()
    }

    /// Where an element is among `elements`: [`Tensor::isin`].
    ///
    /// # Panics
    /// When the types differ.
    #[track_caller]
    pub fn isin(&self, elements: &Tensor) -> Tensor {
        self.value().isin(elements)
    }

    /// Where each of `values` would stand in this ascending row: [`Tensor::searchsorted`].
    ///
    /// # Panics
    /// When the types differ, or axes but the last do.
    #[track_caller]
    pub fn searchsorted(&self, values: &Tensor, right: bool) -> Tensor {
        self.value().searchsorted(values, right)
    }

    /// The number of the interval between ascending `boundaries` in which each element lies: [`Tensor::bucketize`].
    ///
    /// # Panics
    /// When the types differ or `boundaries` has not one axis.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![0., 2., 9.]);
    /// assert_eq!(x.bucketize(&tensor![1., 5.], false).to_vec::<i64>(), [0, 1, 2]);
    /// ```
    #[track_caller]
    pub fn bucketize(&self, boundaries: &Tensor, right: bool) -> Tensor {
        self.value().bucketize(boundaries, right)
    }
}

/// What these ops say about themselves. (The shape of what `nonzero` gives depends on values, and that no check can vary.)
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::discrete("isin", "isin", "x ∈ elements", |d| {
        let shape = d.shape();
        let source = "Var::constant(x[0].isin(&tensor![F64; -1.0, 0.5, 1.0]).cast(x[0].dtype()))";
        Sample::new([d.reals(&shape)], source, |x| {
            let elements = Tensor::from_vec(vec![-1.0, 0.5, 1.0], [3]).cast(x[0].dtype());
            Var::constant(x[0].isin(&elements).cast(x[0].dtype()))
        })
    }),
    Declaration::discrete("searchsorted", "searchsorted", "how many are below", |d| {
        let (values, right) = (d.reals(&[3]), d.flag());
        let source = format!("Var::constant(x[0].searchsorted(&tensor![F64; {:?}], {right}))", values.to_f64_vec());
        let row = Tensor::linspace(-2.0, 2.0, d.size(), chainrule_tensor::DType::F64);
        Sample::new([row], source, move |x| Var::constant(x[0].searchsorted(&values.cast(x[0].dtype()), right)))
    }),
    Declaration::discrete("bucketize", "bucketize", "how many boundaries are below", |d| {
        let (shape, right) = (d.shape(), d.flag());
        let source = format!("Var::constant(x[0].bucketize(&tensor![F64; -1.0, 0.0, 2.0], {right}))");
        Sample::new([d.reals(&shape)], source, move |x| {
            let boundaries = Tensor::from_vec(vec![-1.0, 0.0, 2.0], [3]).cast(x[0].dtype());
            Var::constant(x[0].bucketize(&boundaries, right))
        })
    }),
];
