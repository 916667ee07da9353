//! Variables joined, and cut apart.

use chainrule_tensor::{Tensor, normalise_axis};

use crate::declare::{Declaration, Draw, Sample};
use crate::op::{ListOp, Saves};
use crate::var::Var;

/// Tensors joined ↔ cut apart.
struct Cat {
    axis: isize,
}
impl ListOp for Cat {
    fn name(&self) -> &'static str {
        "cat"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, x: &[&Tensor]) -> Tensor {
        Tensor::cat(x, self.axis)
    }
    fn backward(&self, wrt: usize, g: &Var, x: &[Var], _: &Var) -> Var {
        let length = |x: &Var| x.size(self.axis);
        g.narrow(self.axis, x[..wrt].iter().map(length).sum(), length(&x[wrt]))
    }
}

impl Var {
    /// Variables joined along an existing axis, on which alone they may differ in length. Empty ones of shape `[0]` are passed
    /// over, as in PyTorch.
    ///
    /// # Panics
    /// When there are none, or other axes or types differ.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let (a, b) = (Var::leaf(tensor![1.]), Var::leaf(tensor![2., 3.]));
    /// assert_eq!(Var::cat(&[&a, &b], 0).shape(), [3]);
    /// ```
    #[track_caller]
    pub fn cat(parts: &[&Var], axis: isize) -> Var {
        assert!(!parts.is_empty(), "cat: no variables to join");
        let Some(full) = parts.iter().find(|part| part.rank() > 1) else { return Cat { axis }.apply(parts) };
        let mut empty = full.to_shape();
        empty[normalise_axis("cat", axis, full.rank())] = 0;
        let mut like_full = Vec::with_capacity(parts.len());
        for part in parts {
            like_full.push(if part.shape() == [0] { part.reshape(&empty) } else { (*part).clone() });
        }
        Cat { axis }.apply(&like_full.iter().collect::<Vec<_>>())
    }

    /// Variables of one shape joined along a new axis.
    ///
    /// # Panics
    /// When there are none, or shapes or types differ.
    #[track_caller]
    pub fn stack(parts: &[&Var], axis: isize) -> Var {
        let mut wide = Vec::with_capacity(parts.len());
        for part in parts {
            wide.push(part.unsqueeze(axis));
        }
        Self::cat(&wide.iter().collect::<Vec<_>>(), axis)
    }

    /// Variables joined side by side: along axis 1, or 0 where there is but one.
    ///
    /// # Panics
    /// As [`cat`](Var::cat).
    #[track_caller]
    pub fn hstack(parts: &[&Var]) -> Var {
        let axis = if parts.first().is_some_and(|part| part.rank() > 1) { 1 } else { 0 };
        joined(parts, Var::atleast_1d, axis)
    }

    /// Variables joined on top of each other: along axis 0, each a row or more.
    ///
    /// # Panics
    /// As [`cat`](Var::cat).
    #[track_caller]
    pub fn vstack(parts: &[&Var]) -> Var {
        joined(parts, Var::atleast_2d, 0)
    }

    /// Variables joined behind each other: along axis 2.
    ///
    /// # Panics
    /// As [`cat`](Var::cat).
    #[track_caller]
    pub fn dstack(parts: &[&Var]) -> Var {
        joined(parts, Var::atleast_3d, 2)
    }

    /// Parts of the given lengths along an axis.
    ///
    /// # Panics
    /// When the lengths do not sum up to that of the axis.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let parts = Var::leaf(tensor![1., 2., 3.]).split_with_sizes(&[1, 2], 0);
    /// assert_eq!(parts[1].value().to_vec::<f32>(), [2., 3.]);
    /// ```
    #[track_caller]
    pub fn split_with_sizes(&self, sizes: &[usize], axis: isize) -> Vec<Var> {
        let n = self.size(axis);
        assert!(
            sizes.iter().sum::<usize>() == n,
            "split: lengths {sizes:?} do not sum up to the {n} of axis {axis} (shape {})",
            self.to_shape()
        );
        let (mut at, mut parts) = (0, Vec::with_capacity(sizes.len()));
        for &size in sizes {
            parts.push(self.narrow(axis, at, size));
            at += size;
        }
        parts
    }

    /// Parts of length `size` along an axis, the last possibly shorter.
    ///
    /// # Panics
    /// When the axis does not exist, or `size` is 0 and the axis is not empty.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let parts = Var::leaf(tensor![1., 2., 3.]).split(2, 0);
    /// assert_eq!((parts[0].shape(), parts[1].shape()), (&[2][..], &[1][..]));
    /// ```
    #[track_caller]
    pub fn split(&self, size: usize, axis: isize) -> Vec<Var> {
        let n = self.size(axis);
        assert!(size > 0 || n == 0, "split: parts of length 0 never make up axis {axis} of length {n}");
        let sizes: Vec<usize> = (0..n.max(1)).step_by(size.max(1)).map(|at| size.min(n - at)).collect();
        self.split_with_sizes(&sizes, axis)
    }

    /// At most `count` parts of one length along an axis, the last possibly shorter.
    ///
    /// # Panics
    /// When the axis does not exist or `count` is 0.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{DType, Tensor};
    /// let parts = Var::constant(Tensor::zeros([6], DType::F32)).chunk(4, 0);
    /// assert_eq!(parts.len(), 3); // of length 2
    /// ```
    #[track_caller]
    pub fn chunk(&self, count: usize, axis: isize) -> Vec<Var> {
        assert!(count > 0, "chunk: 0 parts");
        match self.size(axis) {
            0 => self.split_with_sizes(&vec![0; count], axis),
            n => self.split(n.div_ceil(count), axis),
        }
    }

    /// Exactly `count` parts along an axis, whose lengths differ by one at most.
    ///
    /// # Panics
    /// When the axis does not exist or `count` is 0.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{DType, Tensor};
    /// let parts = Var::constant(Tensor::zeros([6], DType::F32)).tensor_split(4, 0);
    /// assert_eq!(parts.iter().map(|part| part.size(0)).collect::<Vec<_>>(), [2, 2, 1, 1]);
    /// ```
    #[track_caller]
    pub fn tensor_split(&self, count: usize, axis: isize) -> Vec<Var> {
        assert!(count > 0, "tensor_split: 0 parts");
        let n = self.size(axis);
        let sizes: Vec<usize> = (0..count).map(|i| n / count + usize::from(i < n % count)).collect();
        self.split_with_sizes(&sizes, axis)
    }

    /// The parts between positions along an axis: up to the first, from there to the second, and so on. Positions count from the end where
    /// negative, and are clamped to the axis, as in slices.
    ///
    /// # Panics
    /// When the axis does not exist.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{DType, Tensor};
    /// let parts = Var::constant(Tensor::zeros([6], DType::F32)).tensor_split_at(&[1, 9], 0);
    /// assert_eq!(parts.iter().map(|part| part.size(0)).collect::<Vec<_>>(), [1, 5, 0]);
    /// ```
    #[track_caller]
    pub fn tensor_split_at(&self, positions: &[isize], axis: isize) -> Vec<Var> {
        let n = self.size(axis) as isize;
        let counted = |p: isize| if p < 0 { (p + n).max(0) } else { p.min(n) };
        let mut parts = Vec::with_capacity(positions.len() + 1);
        let mut start = 0;
        for end in positions.iter().map(|&p| counted(p)).chain([n]) {
            parts.push(self.narrow(axis, start as usize, (end - start).max(0) as usize));
            start = end;
        }
        parts
    }

    /// All positions of an axis, which disappears.
    ///
    /// # Panics
    /// When the axis does not exist.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let rows = Var::leaf(tensor![[1., 2.], [3., 4.]]).unbind(0);
    /// assert_eq!(rows[1].value().to_vec::<f32>(), [3., 4.]);
    /// ```
    #[track_caller]
    pub fn unbind(&self, axis: isize) -> Vec<Var> {
        let n = self.size(axis);
        let mut parts = Vec::with_capacity(n);
        for i in 0..n {
            parts.push(self.select(axis, i as isize));
        }
        parts
    }

    /// Matrices along the diagonal of a larger one, zeros elsewhere. Numbers and rows count as matrices of one row.
    ///
    /// # Panics
    /// When there are none, one has more than two axes, or types differ.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::block_diag(&[&Var::leaf(tensor![1., 2.]), &Var::leaf(tensor![3.])]);
    /// assert_eq!(x.value().to_vec::<f32>(), [1., 2., 0., 0., 0., 3.]);
    /// ```
    #[track_caller]
    pub fn block_diag(parts: &[&Var]) -> Var {
        let mut blocks = Vec::with_capacity(parts.len());
        for part in parts {
            assert!(part.rank() <= 2, "block_diag: a block of shape {} is no matrix", part.to_shape());
            blocks.push(part.atleast_2d());
        }
        let width: usize = blocks.iter().map(|block| block.size(1)).sum();
        let mut at = 0;
        for block in &mut blocks {
            let columns = block.size(1);
            *block = block.pad(&[(at, width - at - columns)]);
            at += columns;
        }
        Self::cat(&blocks.iter().collect::<Vec<_>>(), 0)
    }

    /// Grids of coordinates: variable `i` of the result has `parts[i]` along axis `i`, repeated along the others (PyTorch's `"ij"`; for its
    /// `"xy"`, transpose the first two axes).
    ///
    /// # Panics
    /// When a part has more than one axis.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let grid = Var::meshgrid(&[&Var::leaf(tensor![1., 2.]), &Var::leaf(tensor![3., 4., 5.])]);
    /// assert_eq!(grid[0].value().to_vec::<f32>(), [1., 1., 1., 2., 2., 2.]);
    /// ```
    #[track_caller]
    pub fn meshgrid(parts: &[&Var]) -> Vec<Var> {
        let mut lines = Vec::with_capacity(parts.len());
        for (i, part) in parts.iter().enumerate() {
            assert!(part.rank() <= 1, "meshgrid: coordinates of shape {}, not a row", part.to_shape());
            let mut shape = vec![1; parts.len()];
            shape[i] = part.value().len();
            lines.push(part.reshape(shape));
        }
        Self::broadcast_tensors(&lines.iter().collect::<Vec<_>>())
    }

    /// All ways to take one element from each part, in order, as rows. Of a single part: its elements.
    ///
    /// # Panics
    /// When there are none or one has more than one axis.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::cartesian_prod(&[&Var::leaf(tensor![1., 2.]), &Var::leaf(tensor![3.])]);
    /// assert_eq!(x.value().to_vec::<f32>(), [1., 3., 2., 3.]);
    /// ```
    #[track_caller]
    pub fn cartesian_prod(parts: &[&Var]) -> Var {
        if let [part] = parts {
            return part.ravel();
        }
        let grid = Self::meshgrid(parts);
        joined(&grid.iter().collect::<Vec<_>>(), |part| part.ravel().unsqueeze(1), 1)
    }
}

/// The parts, each changed, joined.
#[track_caller]
fn joined(parts: &[&Var], change: impl Fn(&Var) -> Var, axis: isize) -> Var {
    let mut changed = Vec::with_capacity(parts.len());
    for part in parts {
        changed.push(change(part));
    }
    Var::cat(&changed.iter().collect::<Vec<_>>(), axis)
}

/// The parts in reverse order: so that a sample of an op that cuts depends on where it cuts.
fn reversed(parts: Vec<Var>, axis: isize) -> Var {
    Var::cat(&parts.iter().rev().collect::<Vec<_>>(), axis)
}

/// Up to three tensors that differ along one axis alone.
fn parts_along(d: &mut Draw, shape: &[usize], axis: usize) -> Vec<Tensor> {
    let count = d.range(1, 3);
    let mut parts = Vec::with_capacity(count);
    for _ in 0..count {
        let mut shape = shape.to_vec();
        shape[axis] = d.size();
        parts.push(d.reals(&shape));
    }
    parts
}

fn rows(d: &mut Draw) -> Vec<Tensor> {
    let count = d.range(1, 3);
    (0..count).map(|_| d.positive_size()).collect::<Vec<_>>().into_iter().map(|n| d.reals(&[n])).collect()
}

fn all(x: &[Var]) -> Vec<&Var> {
    x.iter().collect()
}

/// What these ops say about themselves.
pub const DECLARED: &[Declaration] = &[
    Declaration::linear("cat", "cat", "joined along an axis", "cut apart", |d| {
        let shape = d.positive_shape();
        let axis = d.below(shape.len());
        Sample::new(parts_along(d, &shape, axis), format!("Var::cat(x, {axis})"), move |x| {
            Var::cat(&all(x), axis as isize)
        })
    }),
    Declaration::linear("stack", "stack", "joined along a new axis", "cut apart", |d| {
        let shape = d.shape();
        let axis = d.axis(shape.len() + 1);
        let parts: Vec<Tensor> = (0..d.range(1, 3)).map(|_| d.reals(&shape)).collect();
        Sample::new(parts, format!("Var::stack(x, {axis})"), move |x| Var::stack(&all(x), axis))
    }),
    Declaration::linear("hstack", "hstack", "joined side by side", "cut apart", |d| {
        let shape = d.positive_shape();
        let parts = parts_along(d, &shape, 1.min(shape.len() - 1));
        Sample::new(parts, "Var::hstack(x)", |x| Var::hstack(&all(x)))
    }),
    Declaration::linear("vstack", "vstack", "joined on top of each other", "cut apart", |d| {
        let shape = d.pick(&[vec![3], vec![], vec![2, 3], vec![1, 2, 2]]);
        let parts: Vec<Tensor> = (0..d.range(1, 3)).map(|_| d.reals(&shape)).collect();
        Sample::new(parts, "Var::vstack(x)", |x| Var::vstack(&all(x)))
    }),
    Declaration::linear("dstack", "dstack", "joined behind each other", "cut apart", |d| {
        let shape = d.pick(&[vec![3], vec![], vec![2, 3], vec![1, 2, 2]]);
        let parts: Vec<Tensor> = (0..d.range(1, 3)).map(|_| d.reals(&shape)).collect();
        Sample::new(parts, "Var::dstack(x)", |x| Var::dstack(&all(x)))
    }),
    Declaration::linear("split", "split", "parts of one length", "joined", |d| {
        let shape = d.positive_shape();
        let (axis, size) = (d.axis(shape.len()), d.range(1, 3));
        Sample::new([d.reals(&shape)], format!("x[0].split({size}, {axis})"), move |x| {
            reversed(x[0].split(size, axis), axis)
        })
    }),
    Declaration::linear("split_with_sizes", "split_with_sizes", "parts of given lengths", "joined", |d| {
        let mut shape = d.positive_shape();
        let axis = d.axis(shape.len());
        let sizes = [d.size(), d.size()];
        let at = normalise_axis("split", axis, shape.len());
        shape[at] = sizes.iter().sum();
        Sample::new([d.reals(&shape)], format!("x[0].split_with_sizes(&{sizes:?}, {axis})"), move |x| {
            reversed(x[0].split_with_sizes(&sizes, axis), axis)
        })
    }),
    Declaration::linear("chunk", "chunk", "at most so many parts of one length", "joined", |d| {
        let shape = d.positive_shape();
        let (axis, count) = (d.axis(shape.len()), d.range(1, 4));
        Sample::new([d.reals(&shape)], format!("x[0].chunk({count}, {axis})"), move |x| {
            reversed(x[0].chunk(count, axis), axis)
        })
    }),
    Declaration::linear("tensor_split", "tensor_split", "so many parts", "joined", |d| {
        let shape = d.positive_shape();
        let (axis, count) = (d.axis(shape.len()), d.range(1, 4));
        Sample::new([d.reals(&shape)], format!("x[0].tensor_split({count}, {axis})"), move |x| {
            reversed(x[0].tensor_split(count, axis), axis)
        })
    }),
    Declaration::linear("tensor_split_at", "tensor_split", "parts between positions", "joined", |d| {
        let shape = d.positive_shape();
        let (axis, at) = (d.axis(shape.len()), [d.pick(&[1, 0, -2]), d.pick(&[2, 4, -1, 9])]);
        Sample::new([d.reals(&shape)], format!("x[0].tensor_split_at(&{at:?}, {axis})"), move |x| {
            reversed(x[0].tensor_split_at(&at, axis), axis)
        })
    }),
    Declaration::linear("unbind", "unbind", "all positions of an axis", "joined", |d| {
        let shape = d.positive_shape();
        let axis = d.axis(shape.len());
        Sample::new([d.reals(&shape)], format!("x[0].unbind({axis})"), move |x| {
            let parts = x[0].unbind(axis);
            Var::stack(&parts.iter().rev().collect::<Vec<_>>(), 0)
        })
    }),
    Declaration::linear("block_diag", "block_diag", "matrices along a diagonal", "the blocks of g", |d| {
        let count = d.range(1, 3);
        let parts: Vec<Tensor> = (0..count)
            .map(|_| {
                let (shape, from) = ([d.positive_size(), d.positive_size()], d.below(3));
                d.reals(&shape[from..])
            })
            .collect();
        Sample::new(parts, "Var::block_diag(x)", |x| Var::block_diag(&all(x)))
    }),
    Declaration::linear(
        "meshgrid",
        "meshgrid",
        "coordinates repeated over a grid",
        "sum over what was repeated",
        |d| Sample::new(rows(d), "Var::meshgrid(x)", |x| Var::stack(&all(&Var::meshgrid(&all(x))), 0)),
    ),
    Declaration::linear(
        "broadcast_tensors",
        "broadcast_tensors",
        "repeated to one shape",
        "sum over what was repeated",
        |d| {
            let [a, b] = d.broadcasting_shapes();
            Sample::new([d.reals(&a), d.reals(&b)], "Var::broadcast_tensors(x)", |x| {
                Var::stack(&all(&Var::broadcast_tensors(&all(x))), 0)
            })
        },
    ),
    Declaration::linear(
        "cartesian_prod",
        "cartesian_prod",
        "all ways to take one element of each",
        "sum over what was repeated",
        |d| Sample::new(rows(d), "Var::cartesian_prod(x)", |x| Var::cartesian_prod(&all(x))),
    ),
];
