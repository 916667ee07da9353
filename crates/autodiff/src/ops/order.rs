//! Sorting and what follows from order. A choice has no slope: the elements chosen get the gradient.

use chainrule_tensor::Tensor;

use crate::declare::{Declaration, Draw, Sample};
use crate::ops::extrema::on_line;
use crate::var::Var;

impl Var {
    /// The elements at the positions in `index` along an axis of length 1 in `index`, which is left out unless `keep`; and the index.
    #[track_caller]
    pub(crate) fn taken(&self, axis: isize, index: Tensor, keep: bool) -> (Var, Tensor) {
        if self.rank() == 0 {
            let flat = self.reshape([1]).gather(0, &index.reshape([index.len()]));
            return (flat.reshape(index.shape()), index);
        }
        let y = self.gather(axis, &index);
        if keep { (y, index) } else { (y.squeeze(&[axis]), index.squeeze(&[axis])) }
    }

    /// The elements in order along an axis, and where each came from. Equal elements keep their order; a NaN counts as largest.
    ///
    /// # Panics
    /// When the axis does not exist.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![3., 1., 2.]);
    /// let (y, from) = x.sort(0, true);
    /// assert_eq!((y.value().to_vec::<f32>(), from.to_vec::<i64>()), (vec![3., 2., 1.], vec![0, 2, 1]));
    /// ```
    #[track_caller]
    pub fn sort(&self, axis: isize, descending: bool) -> (Var, Tensor) {
        self.taken(axis, self.value().argsort(axis, descending), true)
    }

    /// The positions along an axis in the order that sorts it. Equal elements keep their order; a NaN counts as largest.
    ///
    /// # Panics
    /// When the axis does not exist.
    #[track_caller]
    pub fn argsort(&self, axis: isize, descending: bool) -> Tensor {
        self.value().argsort(axis, descending)
    }

    /// The slices of axis 0 sorted, each column by itself.
    ///
    /// # Panics
    /// When there is no axis.
    #[track_caller]
    pub fn msort(&self) -> Var {
        self.sort(0, false).0
    }

    /// The `k` largest (or smallest) elements along an axis in order, and their positions; the first of equal ones comes first.
    ///
    /// # Panics
    /// When the axis does not exist or is shorter than `k`.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (y, at) = Var::constant(tensor![1., 9., 4.]).topk(2, 0, true);
    /// assert_eq!((y.value().to_vec::<f32>(), at.to_vec::<i64>()), (vec![9., 4.], vec![1, 2]));
    /// ```
    #[track_caller]
    pub fn topk(&self, k: usize, axis: isize, largest: bool) -> (Var, Tensor) {
        self.taken(axis, self.value().argtopk(k, axis, largest), true)
    }

    /// The `k`-th smallest element along an axis, counted from 1, and its position. With `keep` the axis stays, with length 1.
    ///
    /// # Panics
    /// When the axis does not exist or `k` is not in `1 ..= n`.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (y, at) = Var::constant(tensor![5., 7., 6.]).kthvalue(2, 0, false);
    /// assert_eq!((y.item(), at.item()), (6.0, 2.0));
    /// ```
    #[track_caller]
    pub fn kthvalue(&self, k: usize, axis: isize, keep: bool) -> (Var, Tensor) {
        self.taken(axis, self.value().argkth(k, axis), keep)
    }

    /// The median along an axis, the lower of two, and its position; a NaN, if there is one. With `keep` the axis stays, with length 1.
    ///
    /// # Panics
    /// When the axis does not exist or has no elements.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (y, at) = Var::constant(tensor![[5., 7., 6.]]).median_dim(1, false);
    /// assert_eq!((y.item(), at.item()), (6.0, 2.0));
    /// ```
    #[track_caller]
    pub fn median_dim(&self, axis: isize, keep: bool) -> (Var, Tensor) {
        self.taken(axis, self.value().argmedian(axis, false), keep)
    }

    /// The median along an axis of what is not NaN, the lower of two, and its position. With `keep` the axis stays, with length 1.
    ///
    /// # Panics
    /// When the axis does not exist or has no elements.
    #[track_caller]
    pub fn nanmedian_dim(&self, axis: isize, keep: bool) -> (Var, Tensor) {
        self.taken(axis, self.value().argmedian(axis, true), keep)
    }

    /// The most frequent element along an axis, the smallest of equally frequent ones, and the position where it occurs last. With `keep`
    /// the axis stays, with length 1.
    ///
    /// # Panics
    /// When the axis does not exist or has no elements.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (y, at) = Var::constant(tensor![3., 1., 3.]).mode(0, false);
    /// assert_eq!((y.item(), at.item()), (3.0, 2.0));
    /// ```
    #[track_caller]
    pub fn mode(&self, axis: isize, keep: bool) -> (Var, Tensor) {
        self.taken(axis, self.value().argmode(axis), keep)
    }

    /// The distinct elements in ascending order; for every element which of them it is; and how often each occurs.
    pub fn unique(&self) -> (Tensor, Tensor, Tensor) {
        self.value().unique()
    }

    /// How many numbers fall into each of `bins` intervals of equal length between `low` and `high`; see [`Tensor::histc`].
    ///
    /// # Panics
    /// As that.
    #[track_caller]
    pub fn histc(&self, bins: usize, low: f64, high: f64) -> Tensor {
        self.value().histc(bins, low, high)
    }
}

/// The `k`-th of a line, counted from 1. Like all samples of ops that order elements it keeps them apart: of three equal ones the middle one
/// gets the gradient of a place from which no element alone can move.
fn counted(draw: &mut Draw, name: &str, call: fn(&Var, usize, isize) -> Var) -> Sample {
    let shape = draw.positive_shape();
    let axis = draw.axis(shape.len());
    let n = shape[chainrule_tensor::normalise_axis(name, axis, shape.len())];
    let k = draw.range(1, n);
    let source = format!("x[0].{name}({k}, {axis}, ..)");
    Sample::new([draw.distinct(&shape)], source, move |x| call(&x[0], k, axis)).regular()
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::linear("sort", "sort", "x in order", "g to where each came from", |d| {
        on_line(d, "sort", |x, axis, descending| x.sort(axis, descending).0).regular()
    }),
    Declaration::discrete("argsort", "argsort", "the order that sorts x", |d| {
        on_line(d, "argsort", |x, axis, descending| Var::constant(x.argsort(axis, descending)))
    }),
    Declaration::linear("msort", "msort", "x in order along axis 0", "g to where each came from", |d| {
        let shape = d.positive_shape();
        Sample::new([d.distinct(&shape)], "x[0].msort()", |x| x[0].msort()).regular()
    }),
    Declaration::linear("topk", "topk", "the k largest, in order", "g to where each came from", |d| match d.flag() {
        true => counted(d, "topk", |x, k, axis| x.topk(k, axis, true).0),
        false => counted(d, "topk", |x, k, axis| x.topk(k, axis, false).0),
    }),
    Declaration::linear("kthvalue", "kthvalue", "the k-th smallest", "g to where it stands", |d| match d.flag() {
        true => counted(d, "kthvalue", |x, k, axis| x.kthvalue(k, axis, true).0),
        false => counted(d, "kthvalue", |x, k, axis| x.kthvalue(k, axis, false).0),
    }),
    Declaration::linear("median_dim", "median", "the lower median", "g to where it stands", |d| {
        on_line(d, "median_dim", |x, axis, keep| x.median_dim(axis, keep).0).regular()
    }),
    Declaration::linear("nanmedian_dim", "nanmedian", "the lower median of numbers", "g to where it stands", |d| {
        on_line(d, "nanmedian_dim", |x, axis, keep| x.nanmedian_dim(axis, keep).0).regular()
    }),
    Declaration::linear("mode", "mode", "the most frequent", "g to where it stands last", |d| {
        on_line(d, "mode", |x, axis, keep| x.mode(axis, keep).0).regular()
    }),
    Declaration::discrete("unique", "unique", "the distinct elements in order", |d| {
        let shape = d.shape();
        Sample::new([d.reals(&shape)], "x[0].unique().0", |x| Var::constant(x[0].unique().1))
    }),
    Declaration::discrete("histc", "histc", "how many fall into each interval", |d| {
        let shape = d.shape();
        Sample::new([d.reals(&shape)], "x[0].histc(4, -2., 2.)", |x| Var::constant(x[0].histc(4, -2.0, 2.0)))
    }),
];
