//! Variables cut apart along an axis, into views.

use chainrule_tensor::normalise_axis;

use crate::declare::{Declaration, Sample};
use crate::var::Var;

impl Var {
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
}

/// The parts in reverse order: so that a sample of an op that cuts depends on where it cuts.
fn reversed(parts: Vec<Var>, axis: isize) -> Var {
    Var::cat(&parts.iter().rev().collect::<Vec<_>>(), axis)
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
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
    Declaration::linear("split", "split", "parts of one length", "joined", |d| {
        let shape = d.positive_shape();
        let (axis, size) = (d.axis(shape.len()), d.range(1, 3));
        Sample::new([d.reals(&shape)], format!("x[0].split({size}, {axis})"), move |x| {
            reversed(x[0].split(size, axis), axis)
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
];
