//! The same numbers at other places, some of them more than once. All made of other ops, whose rules put the numbers back.

use chainrule_tensor::{Shape, Tensor, normalise_axis};

use crate::declare::{Declaration, Sample};
use crate::var::Var;

impl Var {
    /// This variable repeated `times[i]` times along axis `i`; further counts in front make new axes.
    ///
    /// # Panics
    /// When there are fewer counts than axes; [`tile`](Var::tile) adds those that lack.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::leaf(tensor![1., 2.]).repeat(&[2]).value().to_vec::<f32>(), [1., 2., 1., 2.]);
    /// ```
    #[track_caller]
    pub fn repeat(&self, times: &[usize]) -> Var {
        let shape = self.to_shape();
        let new = times.len().checked_sub(shape.len());
        let Some(new) = new else { panic!("repeat: {} counts for the axes of {shape}", times.len()) };
        let lengths: Vec<usize> = std::iter::repeat_n(1, new).chain(shape.iter().copied()).collect();
        let pairs = |count: Option<&[usize]>| -> Shape {
            let count = |i: usize| count.map_or(1, |times| times[i]);
            lengths.iter().enumerate().flat_map(|(i, &n)| [count(i), n]).collect()
        };
        let repeated = self.reshape(pairs(None)).broadcast_to(pairs(Some(times))); // [t0, n0, t1, n1, …]
        repeated.reshape(lengths.iter().zip(times).map(|(n, t)| n * t).collect::<Shape>())
    }

    /// [`repeat`](Var::repeat), with counts of 1 for the first axes where there are fewer counts than axes.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::leaf(tensor![[1., 2.]]).tile(&[2]).shape(), [1, 4]);
    /// ```
    #[track_caller]
    pub fn tile(&self, times: &[usize]) -> Var {
        let lacking = self.rank().saturating_sub(times.len());
        self.repeat(&std::iter::repeat_n(1, lacking).chain(times.iter().copied()).collect::<Vec<_>>())
    }

    /// Each position of an axis `times` times in a row.
    ///
    /// # Panics
    /// When the axis does not exist.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![1., 2.]).repeat_interleave(2, 0);
    /// assert_eq!(x.value().to_vec::<f32>(), [1., 1., 2., 2.]);
    /// ```
    #[track_caller]
    pub fn repeat_interleave(&self, times: usize, axis: isize) -> Var {
        let axis = normalise_axis("repeat_interleave", axis, self.rank());
        let mut shape = self.to_shape().to_vec();
        shape.insert(axis + 1, times);
        let repeated = self.unsqueeze(axis as isize + 1).broadcast_to(&shape); // […, n, times, …]
        repeated.flatten(axis as isize, axis as isize + 1)
    }

    /// Position `i` of an axis `times[i]` times in a row.
    ///
    /// # Panics
    /// When the axis does not exist, `times` is not `i64` of one count per position, or a count is negative.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![1., 2., 3.]).repeat_interleave_each(&tensor![2, 0, 1], 0);
    /// assert_eq!(x.value().to_vec::<f32>(), [1., 1., 3.]);
    /// ```
    #[track_caller]
    pub fn repeat_interleave_each(&self, times: &Tensor, axis: isize) -> Var {
        let n = self.size(axis);
        assert!(
            times.shape() == [n],
            "repeat_interleave_each: counts of shape {} for axis {axis} of length {n}",
            times.to_shape()
        );
        let mut picks = Vec::new();
        for (i, count) in (0i64..).zip(times.to_vec::<i64>()) {
            assert!(count >= 0, "repeat_interleave_each: position {i} cannot occur {count} times");
            picks.extend(std::iter::repeat_n(i, count as usize));
        }
        self.index_select(axis, &Tensor::from(picks))
    }

    /// The positions of each named axis moved on by its shift, those that leave at the end entering at the start. Without axes, the
    /// elements in row-major order are moved, whatever the shape.
    ///
    /// # Panics
    /// When an axis does not exist, or there is not one shift per axis.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::leaf(tensor![1., 2., 3.]).roll(&[1], &[0]).value().to_vec::<f32>(), [3., 1., 2.]);
    /// ```
    #[track_caller]
    pub fn roll(&self, shifts: &[isize], axes: &[isize]) -> Var {
        if axes.is_empty() {
            return self.ravel().roll(shifts, &[0]).reshape(self.to_shape());
        }
        assert!(shifts.len() == axes.len(), "roll: {} shifts for {} axes", shifts.len(), axes.len());
        let mut rolled = self.clone();
        for (&shift, &axis) in shifts.iter().zip(axes) {
            let n = self.size(axis);
            let leaving = shift.rem_euclid(n.max(1) as isize) as usize;
            if leaving > 0 {
                let (stay, enter) = (rolled.narrow(axis, 0, n - leaving), rolled.narrow(axis, n - leaving, leaving));
                rolled = Var::cat(&[&enter, &stay], axis);
            }
        }
        rolled
    }

    /// A quarter turn in the plane of two axes, from the first towards the second, `k` times.
    ///
    /// # Panics
    /// When an axis does not exist or both are the same.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![[1., 2.], [3., 4.]]).rot90(1, 0, 1);
    /// assert_eq!(x.value().to_vec::<f32>(), [2., 4., 1., 3.]);
    /// ```
    #[track_caller]
    pub fn rot90(&self, k: isize, a: isize, b: isize) -> Var {
        let (a, b) = (normalise_axis("rot90", a, self.rank()), normalise_axis("rot90", b, self.rank()));
        assert!(a != b, "rot90: axis {a} with itself (shape {})", self.to_shape());
        let (a, b) = (a as isize, b as isize);
        match k.rem_euclid(4) {
            0 => self.clone(),
            1 => self.flip(&[b]).transpose(a, b),
            2 => self.flip(&[a, b]),
            _ => self.transpose(a, b).flip(&[b]),
        }
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::linear("repeat", "Tensor.repeat", "repeated along axes", "sum over the repetitions", |d| {
        let shape = d.shape();
        let times: Vec<usize> = (0..shape.len() + d.below(2)).map(|_| d.pick(&[1, 2, 3, 0])).collect();
        Sample::new([d.reals(&shape)], format!("x[0].repeat(&{times:?})"), move |x| x[0].repeat(&times))
    }),
    Declaration::linear("tile", "tile", "repeated along the last axes", "sum over the repetitions", |d| {
        let shape = d.shape();
        let times: Vec<usize> = (0..d.below(shape.len() + 2)).map(|_| d.pick(&[1, 2, 3, 0])).collect();
        Sample::new([d.reals(&shape)], format!("x[0].tile(&{times:?})"), move |x| x[0].tile(&times))
    }),
    Declaration::linear(
        "repeat_interleave",
        "repeat_interleave",
        "each position several times in a row",
        "sum over the repetitions",
        |d| {
            let shape = d.positive_shape();
            let (axis, times) = (d.axis(shape.len()), d.pick(&[1, 2, 3, 0]));
            let source = format!("x[0].repeat_interleave({times}, {axis})");
            Sample::new([d.reals(&shape)], source, move |x| x[0].repeat_interleave(times, axis))
        },
    ),
    Declaration::linear(
        "repeat_interleave_each",
        "repeat_interleave",
        "each position so many times in a row",
        "sum over the repetitions",
        |d| {
            let shape = d.positive_shape();
            let axis = d.below(shape.len());
            let times = d.indices(&[shape[axis]], 4);
            let source = format!("x[0].repeat_interleave_each(&tensor!{:?}, {axis})", times.to_vec::<i64>());
            Sample::new([d.reals(&shape)], source, move |x| x[0].repeat_interleave_each(&times, axis as isize))
        },
    ),
    Declaration::linear("roll", "roll", "positions moved on in a circle", "moved back", |d| {
        let shape = d.positive_shape();
        let some = d.below(shape.len() + 1);
        let axes: Vec<isize> = d.order(shape.len()).into_iter().take(some).map(|a| a as isize).collect();
        let shifts: Vec<isize> = (0..axes.len().max(1)).map(|_| d.pick(&[1, -1, 2, 0, 7])).collect();
        let source = format!("x[0].roll(&{shifts:?}, &{axes:?})");
        Sample::new([d.reals(&shape)], source, move |x| x[0].roll(&shifts, &axes))
    }),
    Declaration::linear("rot90", "rot90", "quarter turns", "turned back", |d| {
        let shape = [d.size(), d.size(), d.size()];
        let (axes, k) = (d.order(3), d.pick(&[1, 2, 3, 0, -1, 5]));
        let (a, b) = (axes[0] as isize, axes[1] as isize - 3);
        Sample::new([d.reals(&shape)], format!("x[0].rot90({k}, {a}, {b})"), move |x| x[0].rot90(k, a, b))
    }),
];
