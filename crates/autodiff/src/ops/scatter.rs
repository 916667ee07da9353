//! Elements placed at positions, in place of those that were there or joined with them.
//!
//! Which element ends up where is a choice without a derivative; given that, replacing is picking. So none of these needs a rule of
//! its own, also where places are named twice: the last one written is picked, and it alone gets the gradient.

use chainrule_tensor::{Comparison, DType, Slice, Tensor};

use super::advanced;
use super::formula::Side;
use crate::declare::{Declaration, Draw, Sample};
use crate::var::Var;

impl Var {
    /// This variable with the elements of `source`, a variable or a number, where [`gather`](Var::gather) with the same `index` would read. Of
    /// elements for the same place the last one in row-major order stays, and gets the gradient.
    ///
    /// # Panics
    /// As `gather`; and when `source` is smaller than `index` or the types differ.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![1., 2., 3.]);
    /// assert_eq!(x.scatter(0, &tensor![2, 0], &Var::leaf(tensor![8., 9.])).value().to_vec::<f32>(), [9., 2., 8.]);
    /// ```
    #[track_caller]
    pub fn scatter(&self, axis: isize, index: &Tensor, source: impl Into<Side>) -> Var {
        let source = source.into().over(self, index).corner("scatter", index);
        self.overwrite("scatter", &self.numbers().gather(axis, index), &source)
    }

    /// This variable with the slices of `source` at the positions in `index` along an axis, one of each per position. Of slices for the same
    /// position the last one stays, and gets the gradient.
    ///
    /// # Panics
    /// When a position does not exist, or shapes or types do not fit.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![1., 2., 3.]);
    /// assert_eq!(x.index_copy(0, &tensor![1], &Var::leaf(tensor![9.])).value().to_vec::<f32>(), [1., 9., 3.]);
    /// ```
    #[track_caller]
    pub fn index_copy(&self, axis: isize, index: &Tensor, source: &Var) -> Var {
        self.overwrite("index_copy", &self.numbers().index_select(axis, index), source)
    }

    /// This variable with `value`, a number or a variable without axes, at the positions in `index` along an axis.
    ///
    /// # Panics
    /// When a position does not exist.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![1., 2., 3.]);
    /// assert_eq!(x.index_fill(0, &tensor![0, 2], 9.0).value().to_vec::<f32>(), [9., 2., 9.]);
    /// ```
    #[track_caller]
    pub fn index_fill(&self, axis: isize, index: &Tensor, value: impl Into<Side>) -> Var {
        let mut mask = vec![false; self.value().len()];
        let places = self.numbers().index_select(axis, index);
        places.value().to_vec::<i64>().iter().for_each(|&at| mask[at as usize] = true);
        self.masked_fill(&Tensor::from_vec(mask, self.shape()), value)
    }

    /// This variable with `values`, broadcast, at the places that [`index`](Var::index) with the same indices would read: in place of what
    /// was there or, if `accumulate`, added to it. Of values for the same place the last one stays, and gets the gradient.
    ///
    /// # Panics
    /// As `index`; and when `values` do not broadcast to what it would give.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![1., 2., 3.]);
    /// let y = x.index_put(&[Some(tensor![0, 0])], &Var::leaf(tensor![10.]), true);
    /// assert_eq!(y.value().to_vec::<f32>(), [21., 2., 3.]);
    /// ```
    #[track_caller]
    pub fn index_put(&self, indices: &[Option<Tensor>], values: &Var, accumulate: bool) -> Var {
        let numbers = self.numbers().index(indices);
        let values = values.broadcast_to(numbers.shape());
        match accumulate {
            true => self.ravel().index_add(0, numbers.value(), &values).reshape(self.shape()),
            false => self.overwrite("index_put", &numbers, &values),
        }
    }

    /// This variable with the elements of `source` at these numbers in row-major order: in place of what was there or, if `accumulate`, added to
    /// it. Of elements for the same place the last one stays, and gets the gradient.
    ///
    /// # Panics
    /// When a number is out of range, or `index` and `source` differ in their number of elements.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![[1., 2.], [3., 4.]]);
    /// assert_eq!(x.put(&tensor![-1], &Var::leaf(tensor![9.]), false).value().to_vec::<f32>(), [1., 2., 3., 9.]);
    /// ```
    #[track_caller]
    pub fn put(&self, index: &Tensor, source: &Var, accumulate: bool) -> Var {
        let source = source.reshape(index.shape());
        self.ravel().index_put(&[Some(index.clone())], &source, accumulate).reshape(self.shape())
    }

    /// This variable with `source` in place of a slice of one axis.
    ///
    /// # Panics
    /// When the axis does not exist or `source` has not the shape of the slice.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{s, tensor};
    /// let x = Var::leaf(tensor![1., 2., 3.]);
    /// assert_eq!(x.slice_scatter(&Var::leaf(tensor![8., 9.]), 0, s(1..)).value().to_vec::<f32>(), [1., 8., 9.]);
    /// ```
    #[track_caller]
    pub fn slice_scatter(&self, source: &Var, axis: isize, part: Slice) -> Var {
        let axis = chainrule_tensor::normalise_axis("slice_scatter", axis, self.rank());
        let mut parts = vec![Slice::from(..); axis];
        parts.push(part);
        self.overwrite("slice_scatter", &self.numbers().slice(&parts), source)
    }

    /// This variable with `source` in place of one position of an axis.
    ///
    /// # Panics
    /// When the axis or the position does not exist, or `source` has not the shape of what is there.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![[1., 2.], [3., 4.]]);
    /// assert_eq!(x.select_scatter(&Var::leaf(tensor![8., 9.]), 0, 1).value().to_vec::<f32>(), [1., 2., 8., 9.]);
    /// ```
    #[track_caller]
    pub fn select_scatter(&self, source: &Var, axis: isize, index: isize) -> Var {
        self.overwrite("select_scatter", &self.numbers().select(axis, index), source)
    }

    /// This variable with `source` in place of a [`diagonal`](Var::diagonal).
    ///
    /// # Panics
    /// When an axis does not exist, both are the same, or `source` has not the shape of the diagonal.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![[1., 2.], [3., 4.]]);
    /// let y = x.diagonal_scatter(&Var::leaf(tensor![8., 9.]), 0, 0, 1);
    /// assert_eq!(y.value().to_vec::<f32>(), [8., 2., 3., 9.]);
    /// ```
    #[track_caller]
    pub fn diagonal_scatter(&self, source: &Var, offset: isize, a: isize, b: isize) -> Var {
        self.overwrite("diagonal_scatter", &self.numbers().diagonal(offset, a, b), source)
    }

    /// The numbers of the elements in row-major order, in this variable's shape.
    pub(super) fn numbers(&self) -> Var {
        let count = self.value().len();
        Var::constant(Tensor::arange(0.0, count as f64, 1.0, DType::I64).reshape(self.shape()))
    }

    /// This variable with the elements of `source` at these places, which are [`numbers`](Var::numbers).
    #[track_caller]
    pub(super) fn overwrite(&self, op: &str, places: &Var, source: &Var) -> Var {
        assert!(
            places.shape() == source.shape(),
            "{op}: a source of shape {} for places of shape {} (in {})",
            source.to_shape(),
            places.to_shape(),
            self.to_shape()
        );
        if source.value().is_empty() {
            return self.clone();
        }
        let mut from = vec![-1i64; self.value().len()];
        for (i, at) in (0..).zip(places.value().to_vec::<i64>()) {
            from[at as usize] = i;
        }
        let from = Tensor::from_vec(from, self.shape());
        let placed = source.ravel().index_select(0, &from); // at −1 any element, which is not chosen
        Var::choose(&from.compare_scalar(Comparison::Ge, 0.0), &placed, self)
    }
}

impl Side {
    /// A number becomes as many as there are indices.
    fn over(self, x: &Var, index: &Tensor) -> Var {
        match self {
            Side::Var(source) => source,
            number => number.with_type_of(x).broadcast_to(index.shape()),
        }
    }
}

pub(super) fn lines(d: &mut Draw) -> (Vec<usize>, usize, Tensor, String) {
    let shape = d.positive_shape();
    let axis = d.below(shape.len());
    let mut places = shape.clone();
    places[axis] = d.size();
    let index = d.indices(&places, shape[axis]);
    let source = format!("{axis}, &Tensor::from_vec(vec!{:?}, {places:?})", index.to_vec::<i64>());
    (shape, axis, index, source)
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::linear("scatter", "scatter", "x, with others at positions", "g elsewhere; g at the positions", |d| {
        let (shape, axis, index, source) = lines(d);
        if d.below(3) == 2 {
            let source = format!("x[0].scatter({source}, 1.5)");
            return Sample::new([d.reals(&shape)], source, move |x| x[0].scatter(axis as isize, &index, 1.5));
        }
        let places = index.to_shape();
        Sample::new([d.reals(&shape), d.reals(&places)], format!("x[0].scatter({source}, &x[1])"), move |x| {
            x[0].scatter(axis as isize, &index, &x[1])
        })
    }),
    Declaration::linear(
        "index_fill",
        "index_fill",
        "x, with a number at positions",
        "g elsewhere; the sum of g there",
        |d| {
            let shape = d.positive_shape();
            let axis = d.below(shape.len());
            let count = d.size();
            let index = d.indices(&[count], shape[axis]);
            let source = format!("x[0].index_fill({axis}, &tensor!{:?}, &x[1])", index.to_vec::<i64>());
            Sample::new([d.reals(&shape), d.reals(&[])], source, move |x| x[0].index_fill(axis as isize, &index, &x[1]))
        },
    ),
    Declaration::linear("index_put", "index_put", "x, with values where an index picks", "g elsewhere; g there", |d| {
        let shape = d.positive_shape();
        let (indices, accumulate) = (advanced::indices(d, &shape), d.flag());
        let picked = Var::constant(Tensor::zeros(&shape, DType::F64)).index(&indices).to_shape();
        let from = d.below(picked.len() + 1);
        let values = d.reals(&picked[from..]);
        let source = format!("x[0].index_put(&[{}], &x[1], {accumulate})", advanced::written(&indices));
        Sample::new([d.reals(&shape), values], source, move |x| x[0].index_put(&indices, &x[1], accumulate))
    }),
    Declaration::linear("put", "put", "x, with elements by number", "g elsewhere; g at the numbers", |d| {
        let shape = d.positive_shape();
        let (count, accumulate) = (d.size(), d.flag());
        let index = d.indices(&[count], shape.iter().product());
        let source = format!("x[0].put(&tensor!{:?}, &x[1], {accumulate})", index.to_vec::<i64>());
        Sample::new([d.reals(&shape), d.reals(&[count])], source, move |x| x[0].put(&index, &x[1], accumulate))
    }),
    Declaration::linear(
        "slice_scatter",
        "slice_scatter",
        "x, with another in a range",
        "g elsewhere; g in the range",
        |d| {
            let shape = d.positive_shape();
            let axis = d.below(shape.len());
            let part = Slice::from(d.below(2) as isize..d.pick(&[9, 2, -1])).step(d.pick(&[1, 2, -1]));
            let mut inside = shape.clone();
            inside[axis] = part.resolve(shape[axis]).1;
            let source = format!("x[0].slice_scatter(&x[1], {axis}, {part:?})");
            Sample::new([d.reals(&shape), d.reals(&inside)], source, move |x| {
                x[0].slice_scatter(&x[1], axis as isize, part)
            })
        },
    ),
    Declaration::linear(
        "select_scatter",
        "select_scatter",
        "x, with another at one position",
        "g elsewhere; g there",
        |d| {
            let mut shape = d.positive_shape();
            let axis = d.below(shape.len());
            let index = d.axis(shape[axis]);
            let whole = d.reals(&shape);
            shape.remove(axis);
            let source = format!("x[0].select_scatter(&x[1], {axis}, {index})");
            Sample::new([whole, d.reals(&shape)], source, move |x| x[0].select_scatter(&x[1], axis as isize, index))
        },
    ),
    Declaration::linear(
        "diagonal_scatter",
        "diagonal_scatter",
        "x, with another on a diagonal",
        "g elsewhere; g there",
        |d| {
            let shape = [d.size(), d.size(), d.size()];
            let (axes, offset) = (d.order(3), d.pick(&[0, 1, -1]));
            let (a, b) = (axes[0] as isize, axes[1] as isize);
            let whole = d.reals(&shape);
            let inside = whole.diagonal(offset, a, b).to_shape();
            let source = format!("x[0].diagonal_scatter(&x[1], {offset}, {a}, {b})");
            Sample::new([whole, d.reals(&inside)], source, move |x| x[0].diagonal_scatter(&x[1], offset, a, b))
        },
    ),
    Declaration::linear("index_copy", "index_copy", "x, with slices at positions", "g elsewhere; g there", |d| {
        super::index::slices_at(d, "index_copy", Var::index_copy)
    }),
];
