//! Picking by position. Linear: the rule puts the gradient back where the numbers came from.

use chainrule_tensor::{Shape, Tensor, normalise_axis};

use crate::declare::{Declaration, Sample};
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
        IndexPut { axis: self.axis, index: self.index.clone(), whole: x.to_shape() }.apply([g])
    }
}

/// Zeros with slices added at positions ↔ those slices.
struct IndexPut {
    axis: isize,
    index: Tensor,
    whole: Shape,
}
impl Op<1> for IndexPut {
    fn name(&self) -> &'static str {
        "index_put"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        Tensor::zeros(&self.whole, x.dtype()).index_add(self.axis, &self.index, x)
    }
    fn backward(&self, _: usize, g: &Var, _: [&Var; 1], _: &Var) -> Var {
        g.index_select(self.axis, &self.index)
    }
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
        let zeros = Var::constant(Tensor::zeros(x.shape(), x.dtype()));
        zeros.scatter_add(self.axis, &self.index, g)
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

    /// Rows of a table: [`index_select`](Var::index_select) on axis 0.
    ///
    /// Shapes: table `[words, width]` and `index` `[…]` → `[…, width]`.
    ///
    /// # Panics
    /// When an index is out of range or not `i64`.
    #[track_caller]
    pub fn embedding(&self, index: &Tensor) -> Var {
        self.index_select(0, index)
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
        Gather { axis, index: index.clone() }.apply([self])
    }

    /// This variable plus the elements of `source` added where [`gather`](Var::gather) with the same `index` would read.
    ///
    /// # Panics
    /// As `gather`; and when the shapes of `index` and `source` or the types differ.
    #[track_caller]
    pub fn scatter_add(&self, axis: isize, index: &Tensor, source: &Var) -> Var {
        ScatterAdd { axis, index: index.clone() }.apply([self, source])
    }

    /// This variable with the number `x` where the `bool` mask holds, which is broadcast.
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
    pub fn masked_fill(&self, mask: &Tensor, x: f64) -> Var {
        Var::choose(mask, &Var::constant(Tensor::scalar(x, self.dtype())), self)
    }
}

/// What these ops say about themselves.
pub const DECLARED: &[Declaration] = &[
    Declaration::linear("index_select", "index_select", "slices at positions", "g added at the positions", |d| {
        let shape = d.positive_shape();
        let axis = d.below(shape.len());
        let picks = if d.flag() { vec![d.size(), d.size()] } else { vec![d.size()] };
        let index = d.indices(&picks, shape[axis]);
        let source =
            format!("x[0].index_select({axis}, &Tensor::from_vec(vec!{:?}, {picks:?}))", index.to_vec::<i64>());
        Sample::new([d.reals(&shape)], source, move |x| x[0].index_select(axis as isize, &index))
    }),
    Declaration::linear("embedding", "nn.functional.embedding", "rows at positions", "g added at the rows", |d| {
        let shape = [d.positive_size(), d.size()];
        let index = d.size();
        let index = d.indices(&[index], shape[0]);
        let source = format!("x[0].embedding(&tensor!{:?})", index.to_vec::<i64>());
        Sample::new([d.reals(&shape)], source, move |x| x[0].embedding(&index))
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
        let source =
            format!("x[0].scatter_add({axis}, &Tensor::from_vec(vec!{:?}, {places:?}), &x[1])", index.to_vec::<i64>());
        Sample::new([d.reals(&shape), d.reals(&places)], source, move |x| {
            x[0].scatter_add(axis as isize, &index, &x[1])
        })
    }),
    Declaration::linear("masked_fill", "masked_fill", "a number where the mask holds, else x", "g elsewhere", |d| {
        let shape = d.shape();
        let mask = d.mask(&shape);
        let source = format!("x[0].masked_fill(&tensor!{:?}, 1.5)", mask.to_vec::<bool>());
        Sample::new([d.reals(&shape)], source, move |x| x[0].masked_fill(&mask, 1.5))
    }),
];
