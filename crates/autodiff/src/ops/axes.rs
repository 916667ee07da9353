//! The axes in another order, and axes of length 1 more or less.

use chainrule_tensor::{Shape, Tensor, normalise_axis};

use crate::declare::{Declaration, Sample};
use crate::op::{Op, Saves};
use crate::var::Var;

/// The axes in another order ↔ back.
struct Permute {
    axes: Vec<isize>,
}
impl Op<1> for Permute {
    fn name(&self) -> &'static str {
        "permute"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        x.permute(&self.axes)
    }
    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
        let mut back = vec![0; x.rank()];
        for (to, &from) in self.axes.iter().enumerate() {
            back[normalise_axis("permute", from, x.rank())] = to as isize;
        }
        g.permute(&back)
    }
}

impl Var {
    /// The axes in another order: axis `i` of the result is axis `axes[i]` of this variable.
    ///
    /// # Panics
    /// When `axes` is not a permutation of all axes.
    #[track_caller]
    pub fn permute(&self, axes: &[isize]) -> Var {
        Permute { axes: axes.to_vec() }.apply([self])
    }

    /// Two axes exchanged.
    ///
    /// # Panics
    /// When one does not exist.
    #[track_caller]
    pub fn transpose(&self, a: isize, b: isize) -> Var {
        let (a, b) = (self.counted("transpose", a), self.counted("transpose", b));
        if a == b {
            return self.clone();
        }
        let mut axes: Vec<isize> = (0..self.rank() as isize).collect();
        axes.swap(a, b);
        self.permute(&axes)
    }

    /// [`transpose`](Var::transpose), under NumPy's name.
    #[track_caller]
    pub fn swapaxes(&self, a: isize, b: isize) -> Var {
        self.transpose(a, b)
    }

    /// The axis counted from the front, where a variable without axes passes for one with a single axis, as in PyTorch.
    #[track_caller]
    pub(crate) fn counted(&self, op: &str, axis: isize) -> usize {
        normalise_axis(op, axis, self.rank().max(1))
    }

    /// The axes in `from` moved to the places in `to`; the others keep their order.
    ///
    /// # Panics
    /// When the lists differ in length, or an axis does not exist or is named twice.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{DType, Tensor};
    /// let x = Var::constant(Tensor::zeros([2, 3, 4], DType::F32));
    /// assert_eq!(x.movedim(&[0], &[-1]).shape(), [3, 4, 2]);
    /// ```
    #[track_caller]
    pub fn movedim(&self, from: &[isize], to: &[isize]) -> Var {
        assert!(from.len() == to.len(), "movedim: {} axes to {} places", from.len(), to.len());
        let mut places: Vec<Option<usize>> = vec![None; self.rank()];
        let mut left: Vec<usize> = (0..self.rank()).collect();
        for (&from, &to) in from.iter().zip(to) {
            let (from, to) = (self.counted("movedim", from), self.counted("movedim", to));
            if self.rank() == 0 {
                continue;
            }
            let taken = places[to].replace(from).is_some() || !left.contains(&from);
            assert!(!taken, "movedim: axis {from} or place {to} is named twice");
            left.retain(|&axis| axis != from);
        }
        let mut left = left.into_iter();
        let axes = places.into_iter().map(|axis| axis.or_else(|| left.next()).expect("as many as places") as isize);
        self.permute(&axes.collect::<Vec<_>>())
    }

    /// The last two axes exchanged: the matrix transpose, of each matrix of a batch.
    ///
    /// # Panics
    /// When there are fewer than two axes.
    #[track_caller]
    pub fn t(&self) -> Var {
        assert!(self.rank() >= 2, "t: shape {} has fewer than two axes", self.to_shape());
        self.transpose(-2, -1)
    }

    /// A new axis of length 1 before axis `axis` (up to and including the rank).
    ///
    /// # Panics
    /// When `axis` is out of range.
    #[track_caller]
    pub fn unsqueeze(&self, axis: isize) -> Var {
        let axis = normalise_axis("unsqueeze", axis, self.rank() + 1);
        let (before, after) = self.shape().split_at(axis);
        self.reshape(before.iter().chain(&[1]).chain(after).copied().collect::<Shape>())
    }

    /// The variable without those of the named axes that have length 1; without any of length 1 when none is named.
    ///
    /// # Panics
    /// When a named axis does not exist.
    #[track_caller]
    pub fn squeeze(&self, axes: &[isize]) -> Var {
        if self.rank() == 0 {
            for &axis in axes {
                self.counted("squeeze", axis);
            }
            return self.clone();
        }
        let shape = self.value().squeeze(axes).to_shape();
        self.reshape(shape)
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::linear("permute", "permute", "axes in another order", "permute back", |d| {
        let shape = d.shape();
        let axes: Vec<isize> = d.order(shape.len()).into_iter().map(|a| a as isize).collect();
        Sample::new([d.reals(&shape)], format!("x[0].permute(&{axes:?})"), move |x| x[0].permute(&axes))
    }),
    Declaration::linear("transpose", "transpose", "two axes exchanged", "exchange back", |d| {
        let shape = d.positive_shape();
        let (a, b) = (d.axis(shape.len()), d.axis(shape.len()));
        Sample::new([d.reals(&shape)], format!("x[0].transpose({a}, {b})"), move |x| x[0].transpose(a, b))
    }),
    Declaration::linear("swapaxes", "swapaxes", "two axes exchanged", "exchange back", |d| {
        let shape = d.positive_shape();
        let (a, b) = (d.axis(shape.len()), d.axis(shape.len()));
        Sample::new([d.reals(&shape)], format!("x[0].swapaxes({a}, {b})"), move |x| x[0].swapaxes(a, b))
    }),
    Declaration::linear("movedim", "movedim", "axes moved to other places", "moved back", |d| {
        let shape = d.shape();
        let some = d.below(shape.len() + 1);
        let axes = |order: Vec<usize>| -> Vec<isize> { order.into_iter().take(some).map(|a| a as isize).collect() };
        let (from, to) = (axes(d.order(shape.len())), axes(d.order(shape.len())));
        Sample::new([d.reals(&shape)], format!("x[0].movedim(&{from:?}, &{to:?})"), move |x| x[0].movedim(&from, &to))
    }),
    Declaration::linear("t", "Tensor.mT", "last two axes exchanged", "exchange back", |d| {
        let shape = [d.size(), d.size()];
        Sample::new([d.reals(&shape)], "x[0].t()", |x| x[0].t())
    }),
    Declaration::linear("squeeze", "squeeze", "without axes of length 1", "reshape back", |d| {
        let shape = d.shape();
        Sample::new([d.reals(&shape)], "x[0].squeeze(&[])", |x| x[0].squeeze(&[]))
    }),
    Declaration::linear("unsqueeze", "unsqueeze", "a new axis of length 1", "reshape back", |d| {
        let shape = d.shape();
        let axis = d.axis(shape.len() + 1);
        Sample::new([d.reals(&shape)], format!("x[0].unsqueeze({axis})"), move |x| x[0].unsqueeze(axis))
    }),
];
