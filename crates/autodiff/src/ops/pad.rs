//! Padding: more around a tensor, or less.

use chainrule_tensor::{Comparison, Shape, Slice, Tensor};

use super::part::{Part, PutBack};
use crate::declare::{Declaration, Draw, Sample};
use crate::op::Op;
use crate::var::Var;

/// What [`Var::pad_with`] puts around a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Padding {
    /// The same number everywhere.
    Constant(f64),
    /// The inside, mirrored at its outermost positions, which are not repeated: `c b | a b c | b a`.
    Reflect,
    /// The outermost position again: `a a | a b c | c c`.
    Replicate,
    /// The inside from its other end: `b c | a b c | a b`.
    Circular,
}

impl Var {
    /// This variable with `(before, after)` zeros added on each of its last axes, one pair per axis in the axes' order.
    ///
    /// # Panics
    /// When there are more pairs than axes.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![1., 2.]);
    /// assert_eq!(x.pad(&[(1, 2)]).value().to_vec::<f32>(), [0., 1., 2., 0., 0.]);
    /// ```
    #[track_caller]
    pub fn pad(&self, amounts: &[(usize, usize)]) -> Var {
        let amounts: Vec<_> = amounts.iter().map(|&(before, after)| (before as isize, after as isize)).collect();
        self.among_zeros(&self.amounts(&amounts))
    }

    /// With zeros added, or with less where an amount is negative.
    #[track_caller]
    fn among_zeros(&self, amounts: &[(isize, isize)]) -> Var {
        let mut inside = self.clone();
        let mut places = Vec::with_capacity(self.rank());
        let mut whole = self.to_shape();
        for (axis, &(before, after)) in amounts.iter().enumerate() {
            let n = whole[axis] as isize;
            let kept = n + before.min(0) + after.min(0);
            if kept < n {
                inside = inside.narrow(axis as isize, (-before).max(0) as usize, kept as usize);
            }
            places.push(Slice::from(before.max(0)..before.max(0) + kept));
            whole[axis] = (n + before + after) as usize;
        }
        if inside.shape() == &whole[..] {
            inside
        } else {
            PutBack { part: Part::Slice(places), whole }.apply([&inside])
        }
    }

    /// As [`pad`](Var::pad), with a choice of what is put around. Negative amounts take away.
    ///
    /// # Panics
    /// When there are more pairs than axes, or more is taken away than there is; when [`Padding::Reflect`] or [`Padding::Circular`] asks for more than the axis has, or [`Padding::Replicate`] has
    /// nothing to repeat.
    ///
    /// ```
    /// # use chainrule_autodiff::{ops::pad::Padding, Var};
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![1., 2., 3.]);
    /// let y = x.pad_with(&[(2, 1)], Padding::Reflect);
    /// assert_eq!(y.value().to_vec::<f32>(), [3., 2., 1., 2., 3., 2.]);
    /// assert_eq!(y.sum().backward()[&x].to_vec::<f32>(), [1., 3., 2.]);
    /// ```
    #[doc(alias("reflection_pad", "replication_pad", "circular_pad"))]
    #[track_caller]
    pub fn pad_with(&self, amounts: &[(isize, isize)], padding: Padding) -> Var {
        if let Padding::Constant(value) = padding {
            let amounts = self.amounts(amounts);
            let inside = self.among_zeros(&amounts);
            if value == 0.0 {
                return inside;
            }
            let ones = Var::constant(self.value().ones_like()).among_zeros(&amounts);
            return inside.masked_fill(&ones.value().compare_scalar(Comparison::Eq, 0.0), value);
        }
        let mut padded = self.clone();
        for (axis, (before, after)) in self.amounts(amounts).into_iter().enumerate() {
            if (before, after) != (0, 0) {
                let picks = padding.picks(self.shape()[axis], before, after);
                padded = padded.index_select(axis as isize, &Tensor::from(picks));
            }
        }
        padded
    }

    /// One pair for each axis.
    #[track_caller]
    fn amounts(&self, amounts: &[(isize, isize)]) -> Vec<(isize, isize)> {
        let shape = self.to_shape();
        let lacking = shape.len().checked_sub(amounts.len());
        let Some(lacking) = lacking else {
            panic!("pad: {} pairs for the {} axes of {shape}", amounts.len(), shape.len())
        };
        let all: Vec<_> = std::iter::repeat_n((0, 0), lacking).chain(amounts.iter().copied()).collect();
        for (axis, (&n, &(before, after))) in shape.iter().zip(&all).enumerate() {
            let n = n as isize;
            assert!(
                before.min(0) + after.min(0) + n >= 0,
                "pad: ({before}, {after}) takes more than there is of axis {axis} of {shape}"
            );
        }
        all
    }
}

impl Padding {
    /// The positions of an axis of length `n` that a padded one shows.
    #[track_caller]
    fn picks(self, n: usize, before: isize, after: isize) -> Vec<i64> {
        let length = n as isize;
        let (first, kept) = ((-before).max(0), length + before.min(0) + after.min(0));
        let most = match self {
            Padding::Reflect => (length - 1).max(0),
            Padding::Circular => kept,
            _ if length > 0 => isize::MAX,
            _ => 0,
        };
        assert!(
            before.max(after) <= most,
            "pad: an axis of length {n} is too short to pad it by ({before}, {after}) with {self:?}"
        );
        let at = |i: isize| match self {
            Padding::Reflect => (length - 1) - (length - 1 - i.abs()).abs(),
            Padding::Circular => first + (i - first).rem_euclid(kept),
            _ => i.clamp(0, length - 1),
        };
        (-before..length + after).map(|i| at(i) as i64).collect()
    }
}

fn amounts(d: &mut Draw, shape: &[usize], most: impl Fn(usize) -> isize) -> Vec<(isize, isize)> {
    let pair = |d: &mut Draw, n: usize| {
        let less = |x: isize| if n >= 3 { x } else { x.max(0) };
        let (before, after) = (less(d.pick(&[1, 0, 2, -1])), less(d.pick(&[1, 2, 0, -1])));
        (before.min(most(n)), after.min(most(n)))
    };
    shape.iter().map(|&n| pair(d, n)).collect()
}

fn padded(d: &mut Draw, padding: Padding, most: fn(usize) -> isize) -> Sample {
    let shape: Shape = d.positive_shape().into();
    let from = d.below(shape.len());
    let amounts = amounts(d, &shape[from..], most);
    let source = format!("x[0].pad_with(&{amounts:?}, Padding::{padding:?})");
    Sample::new([d.reals(&shape)], source, move |x| x[0].pad_with(&amounts, padding))
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::linear("pad", "constant_pad_nd", "zeros around", "the range inside", |d| {
        let shape = d.shape();
        let from = d.below(shape.len() + 1);
        let amounts: Vec<_> = shape[from..].iter().map(|_| (d.below(3), d.below(3))).collect();
        Sample::new([d.reals(&shape)], format!("x[0].pad(&{amounts:?})"), move |x| x[0].pad(&amounts))
    }),
    Declaration::linear("pad_with", "nn.functional.pad", "something around", "g added where it came from", |d| match d
        .below(4)
    {
        0 => padded(d, Padding::Replicate, |_| 9),
        1 => padded(d, Padding::Reflect, |n| n as isize - 1),
        2 => padded(d, Padding::Circular, |n| n as isize),
        _ => padded(d, Padding::Constant(1.5), |_| 9),
    }),
];
