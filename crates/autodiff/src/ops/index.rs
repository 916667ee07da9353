//! Picking by position. Linear: the rule puts the gradient back where the numbers came from.

use chainrule_tensor::{Slice, Tensor, broadcast_shapes, normalise_axis};

use crate::declare::{Declaration, Draw, Sample};
use crate::op::{Op, Saves};
use crate::var::Var;

/// Slices at positions ↔ slices added at positions.
struct IndexSelect {
    axis: isize,
    index: Tensor,
}
impl Op<1> for IndexSelect {
    fn name(&self) -> &'static str {
        "index_select"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        x.index_select(self.axis, &self.index)
    }
    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
        zeros(x).index_add(self.axis, &self.index, g)
    }
}

/// A tensor plus slices at positions ↔ both.
struct IndexAdd {
    axis: isize,
    index: Tensor,
}
impl Op<2> for IndexAdd {
    fn name(&self) -> &'static str {
        "index_add"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [x, source]: [&Tensor; 2]) -> Tensor {
        x.index_add(self.axis, &self.index, source)
    }
    fn backward(&self, wrt: usize, g: &Var, _: [&Var; 2], _: &Var) -> Var {
        match wrt {
            0 => g.clone(),
            _ => g.index_select(self.axis, &self.index),
        }
    }
}

pub(super) fn zeros(like: &Var) -> Var {
    Var::constant(Tensor::zeros(like.shape(), like.dtype()))
}

/// One element of each line ↔ elements added to each line.
struct Gather {
    axis: isize,
    index: Tensor,
}
impl Op<1> for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        x.gather(self.axis, &self.index)
    }
    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
        zeros(x).scatter_add(self.axis, &self.index, g)
    }
}

/// A tensor plus others' elements at positions ↔ both.
struct ScatterAdd {
    axis: isize,
    index: Tensor,
}
impl Op<2> for ScatterAdd {
    fn name(&self) -> &'static str {
        "scatter_add"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [x, source]: [&Tensor; 2]) -> Tensor {
        x.scatter_add(self.axis, &self.index, source)
    }
    fn backward(&self, wrt: usize, g: &Var, _: [&Var; 2], _: &Var) -> Var {
        match wrt {
            0 => g.clone(),
            _ => g.gather(self.axis, &self.index),
        }
    }
}

impl Var {
    /// The slices of an axis at the positions in `index`, a tensor of any shape that replaces the axis. A position may be named twice; its
    /// gradients add.
    ///
    /// Shapes: `[a, n, b]` and `[i, j]` → `[a, i, j, b]`.
    ///
    /// # Panics
    /// When the axis or a position does not exist, or `index` is not `i64`.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![1., 2., 3.]);
    /// let y = x.index_select(0, &tensor![2, 2, 0]);
    /// assert_eq!(y.sum().backward()[&x].to_vec::<f32>(), [1., 0., 2.]);
    /// ```
    #[track_caller]
    pub fn index_select(&self, axis: isize, index: &Tensor) -> Var {
        IndexSelect { axis, index: index.clone() }.apply([self])
    }

    /// This variable plus the slices of `source` added at the positions in `index` along an axis. Positions named twice receive both. For
    /// PyTorch's `alpha`, give `alpha * source`.
    ///
    /// # Panics
    /// When a position does not exist, or shapes or types do not fit.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![0., 0.]).index_add(0, &tensor![1, 1], &Var::leaf(tensor![2., 3.]));
    /// assert_eq!(x.value().to_vec::<f32>(), [0., 5.]);
    /// ```
    #[track_caller]
    pub fn index_add(&self, axis: isize, index: &Tensor, source: &Var) -> Var {
        IndexAdd { axis, index: index.clone() }.apply([self, source])
    }

    /// The elements at these numbers in row-major order; negative ones count from the end. The result has the shape of `index`.
    ///
    /// # Panics
    /// When a number is out of range or `index` is not `i64`.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![[1., 2.], [3., 4.]]);
    /// assert_eq!(x.take(&tensor![3, 0]).value().to_vec::<f32>(), [4., 1.]);
    /// ```
    #[track_caller]
    pub fn take(&self, index: &Tensor) -> Var {
        self.ravel().index_select(0, index)
    }

    /// [`gather`](Var::gather), with this variable and `index` broadcast to each other on all other axes.
    ///
    /// # Panics
    /// When ranks differ, shapes do not broadcast, or an index is out of range.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![[1., 2.], [3., 4.]]);
    /// assert_eq!(x.take_along_dim(&tensor![[1]], 0).value().to_vec::<f32>(), [3., 4.]);
    /// ```
    #[track_caller]
    pub fn take_along_dim(&self, index: &Tensor, axis: isize) -> Var {
        let axis = normalise_axis("take_along_dim", axis, self.rank());
        assert!(
            index.rank() == self.rank(),
            "take_along_dim: the index has {} axes, the variable {} (shapes {} and {})",
            index.rank(),
            self.rank(),
            index.to_shape(),
            self.to_shape()
        );
        let without = |shape: &[usize]| -> Vec<usize> {
            shape.iter().enumerate().map(|(i, &n)| if i == axis { 1 } else { n }).collect()
        };
        let Some(mut shape) = broadcast_shapes(&without(self.shape()), &without(index.shape())) else {
            panic!("take_along_dim: {} and {} do not broadcast", self.to_shape(), index.to_shape())
        };
        shape[axis] = index.shape()[axis];
        let index = index.broadcast_to(&shape);
        shape[axis] = self.shape()[axis];
        self.broadcast_to(shape).gather(axis as isize, &index)
    }

    /// One element of each line along an axis: `y[i][j] = x[index[i][j]][j]` for axis 0 of two.
    ///
    /// # Panics
    /// When ranks differ, an index is out of range or `index` is larger on another axis.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![[1., 2.], [3., 4.]]);
    /// assert_eq!(x.gather(1, &tensor![[1], [0]]).value().to_vec::<f32>(), [2., 3.]);
    /// ```
    #[track_caller]
    pub fn gather(&self, axis: isize, index: &Tensor) -> Var {
        if self.rank() == 0 && self.counted("gather", axis) == 0 {
            return self.reshape([1]).gather(0, &index.reshape([index.len()])).reshape(index.shape());
        }
        Gather { axis, index: index.clone() }.apply([self])
    }

    /// This variable plus the elements of `source` added where [`gather`](Var::gather) with the same `index` would read. A larger source is
    /// used up to the lengths of `index`.
    ///
    /// # Panics
    /// As `gather`; and when `source` is smaller than `index` or the types differ.
    #[track_caller]
    pub fn scatter_add(&self, axis: isize, index: &Tensor, source: &Var) -> Var {
        if self.rank() == 0 && self.counted("scatter_add", axis) == 0 {
            return self.reshape([1]).scatter_add(0, &index.reshape([index.len()]), &source.ravel()).reshape([]);
        }
        ScatterAdd { axis, index: index.clone() }.apply([self, &source.corner("scatter_add", index)])
    }

    /// As much of the first positions of each axis as `index` has.
    #[track_caller]
    pub(super) fn corner(&self, op: &str, index: &Tensor) -> Var {
        if self.shape() == index.shape() || index.is_empty() {
            return if index.is_empty() { self.ravel().narrow(0, 0, 0).reshape(index.shape()) } else { self.clone() };
        }
        let fits = self.rank() == index.rank() && self.shape().iter().zip(index.shape()).all(|(n, m)| n >= m);
        assert!(fits, "{op}: a source of shape {} for indices of shape {}", self.to_shape(), index.to_shape());
        self.slice(&index.shape().iter().map(|&n| Slice::from(..n as isize)).collect::<Vec<_>>())
    }
}

/// A call that puts slices at positions along an axis, each of which may be named more than once.
pub(super) fn slices_at(d: &mut Draw, name: &str, call: fn(&Var, isize, &Tensor, &Var) -> Var) -> Sample {
    let shape = d.positive_shape();
    let axis = d.below(shape.len());
    let count = d.size();
    let index = d.indices(&[count], shape[axis]);
    let mut slices = shape.clone();
    slices[axis] = count;
    let source = format!("x[0].{name}({axis}, &tensor!{:?}, &x[1])", index.to_vec::<i64>());
    Sample::new([d.reals(&shape), d.reals(&slices)], source, move |x| call(&x[0], axis as isize, &index, &x[1]))
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::linear("index_select", "index_select", "slices at positions", "g added at the positions", |d| {
        let shape = d.positive_shape();
        let axis = d.below(shape.len());
        let picks = if d.flag() { vec![d.size(), d.size()] } else { vec![d.size()] };
        let index = d.indices(&picks, shape[axis]);
        let source =
            format!("x[0].index_select({axis}, &Tensor::from_vec(vec!{:?}, {picks:?}))", index.to_vec::<i64>());
        Sample::new([d.reals(&shape)], source, move |x| x[0].index_select(axis as isize, &index))
    }),
    Declaration::linear("gather", "gather", "one element of each line", "g added to each line", |d| {
        let shape = d.positive_shape();
        let axis = d.axis(shape.len());
        let at = normalise_axis("gather", axis, shape.len());
        let mut picks = shape.clone();
        picks[at] = d.size();
        let index = d.indices(&picks, shape[at]);
        let source = format!("x[0].gather({axis}, &Tensor::from_vec(vec!{:?}, {picks:?}))", index.to_vec::<i64>());
        Sample::new([d.reals(&shape)], source, move |x| x[0].gather(axis, &index))
    }),
    Declaration::linear("scatter_add", "scatter_add", "x plus others at positions", "g; g at the positions", |d| {
        let shape = d.positive_shape();
        let axis = d.below(shape.len());
        let mut places = shape.clone();
        places[axis] = d.size();
        let index = d.indices(&places, shape[axis]);
        places[axis] += d.below(2);
        let source =
            format!("x[0].scatter_add({axis}, &Tensor::from_vec(vec!{:?}, {places:?}), &x[1])", index.to_vec::<i64>());
        Sample::new([d.reals(&shape), d.reals(&places)], source, move |x| {
            x[0].scatter_add(axis as isize, &index, &x[1])
        })
    }),
    Declaration::linear("index_add", "index_add", "x plus slices at positions", "g; g at the positions", |d| {
        slices_at(d, "index_add", Var::index_add)
    }),
    Declaration::linear("take", "take", "elements by number", "g added at the numbers", |d| {
        let shape = d.positive_shape();
        let picks = [d.size(), d.size()][d.below(2)..].to_vec();
        let index = d.indices(&picks, shape.iter().product());
        let source = format!("x[0].take(&Tensor::from_vec(vec!{:?}, {picks:?}))", index.to_vec::<i64>());
        Sample::new([d.reals(&shape)], source, move |x| x[0].take(&index))
    }),
    Declaration::linear("take_along_dim", "take_along_dim", "one element of each line", "g added to each line", |d| {
        let full = d.positive_shape();
        let axis = d.below(full.len());
        let mut some = |at: usize| -> Vec<usize> {
            let shrunk = full.iter().enumerate().map(|(i, &n)| if i != axis && d.below(3) == 2 { 1 } else { n });
            let mut shape: Vec<usize> = shrunk.collect();
            shape[axis] = at;
            shape
        };
        let (shape, picks) = (some(full[axis]), some(2));
        let index = d.indices(&picks, full[axis]);
        let source =
            format!("x[0].take_along_dim(&Tensor::from_vec(vec!{:?}, {picks:?}), {axis})", index.to_vec::<i64>());
        Sample::new([d.reals(&shape)], source, move |x| x[0].take_along_dim(&index, axis as isize))
    }),
];
