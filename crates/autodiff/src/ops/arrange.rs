//! The same numbers at other places, some of them more than once. All made of other ops, whose rules put the numbers back.

use chainrule_tensor::{Shape, Tensor, normalise_axis};

use crate::declare::{Declaration, Family, Sample};
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

    /// Channels laid out as `r × r` blocks of pixels (Shi et al., 2016).
    ///
    /// Shape: `[…, c·r², h, w]` → `[…, c, h·r, w·r]`.
    ///
    /// # Panics
    /// When there are fewer than three axes or the channels are no multiple of r².
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{DType, Tensor};
    /// let x = Var::constant(Tensor::zeros([8, 3, 5], DType::F32));
    /// assert_eq!(x.pixel_shuffle(2).shape(), [2, 6, 10]);
    /// ```
    #[track_caller]
    pub fn pixel_shuffle(&self, r: usize) -> Var {
        let (batch, [c, h, w]) = self.image("pixel_shuffle");
        assert!(
            r > 0 && c % (r * r) == 0,
            "pixel_shuffle: {c} channels are no multiple of {r}² (shape {})",
            self.to_shape()
        );
        let n = batch.iter().product();
        let x = self.reshape([n, c / (r * r), r, r, h, w]).permute(&[0, 1, 4, 2, 5, 3]); // [n, c, h, r, w, r]
        x.reshape(batch.into_iter().chain([c / (r * r), h * r, w * r]).collect::<Shape>())
    }

    /// Blocks of `r × r` pixels made channels: [`pixel_shuffle`](Var::pixel_shuffle) undone.
    ///
    /// Shape: `[…, c, h·r, w·r]` → `[…, c·r², h, w]`.
    ///
    /// # Panics
    /// When there are fewer than three axes or height or width are no multiples of r.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::{DType, Tensor};
    /// let x = Var::constant(Tensor::zeros([2, 6, 10], DType::F32));
    /// assert_eq!(x.pixel_unshuffle(2).shape(), [8, 3, 5]);
    /// ```
    #[track_caller]
    pub fn pixel_unshuffle(&self, r: usize) -> Var {
        let (batch, [c, h, w]) = self.image("pixel_unshuffle");
        assert!(
            r > 0 && h % r == 0 && w % r == 0,
            "pixel_unshuffle: {h} × {w} pixels do not make blocks of {r} × {r} (shape {})",
            self.to_shape()
        );
        let n = batch.iter().product();
        let x = self.reshape([n, c, h / r, r, w / r, r]).permute(&[0, 1, 3, 5, 2, 4]); // [n, c, r, r, h, w]
        x.reshape(batch.into_iter().chain([c * r * r, h / r, w / r]).collect::<Shape>())
    }

    /// Channels of several groups taken in turns (Zhang et al., 2018): seen as `[groups, c/groups]`, they are transposed.
    ///
    /// Shape: `[n, c, …]` unchanged.
    ///
    /// # Panics
    /// When there are fewer than two axes or the channels are no multiple of `groups`.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![[1., 2., 3., 4.]]);
    /// assert_eq!(x.channel_shuffle(2).value().to_vec::<f32>(), [1., 3., 2., 4.]);
    /// ```
    #[track_caller]
    pub fn channel_shuffle(&self, groups: usize) -> Var {
        let shape = self.to_shape();
        assert!(shape.len() >= 2, "channel_shuffle: shape {shape} is not [n, channels, …]");
        let c = shape[1];
        assert!(groups > 0 && c % groups == 0, "channel_shuffle: {c} channels do not make {groups} equal groups");
        let grouped = self.unflatten(1, &[groups as isize, (c / groups) as isize]); // [n, groups, c/groups, …]
        grouped.transpose(1, 2).reshape(shape)
    }

    /// The axes before an image's channels, and its channels, height and width.
    #[track_caller]
    fn image(&self, op: &str) -> (Vec<usize>, [usize; 3]) {
        match self.shape() {
            [batch @ .., c, h, w] => (batch.to_vec(), [*c, *h, *w]),
            shape => panic!("{op}: shape {shape:?} is not [channels, height, width], with or without axes in front"),
        }
    }

    /// The Kronecker product: every element of this variable times all of `b`, as blocks.
    ///
    /// Shapes: `[n, m]` and `[p, q]` → `[n·p, m·q]`; a lower rank is filled up with axes of length 1 in front.
    ///
    /// # Panics
    /// When the types differ.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![1., 2.]).kron(&Var::leaf(tensor![3., 4.]));
    /// assert_eq!(x.value().to_vec::<f32>(), [3., 4., 6., 8.]);
    /// ```
    #[track_caller]
    pub fn kron(&self, b: &Var) -> Var {
        let rank = self.rank().max(b.rank());
        let lengths = |x: &Var| -> Vec<usize> {
            std::iter::repeat_n(1, rank - x.rank()).chain(x.shape().iter().copied()).collect()
        };
        let (n, m) = (lengths(self), lengths(b));
        let outer = self.reshape(n.iter().flat_map(|&n| [n, 1]).collect::<Shape>()); // [n0, 1, n1, 1, …]
        let inner = b.reshape(m.iter().flat_map(|&m| [1, m]).collect::<Shape>()); // [1, m0, 1, m1, …]
        (outer * inner).reshape(n.iter().zip(&m).map(|(n, m)| n * m).collect::<Shape>())
    }

    /// All choices of `r` elements of a row, in order, as rows; each element may be chosen more than once `with_replacement`.
    ///
    /// # Panics
    /// When there is not one axis.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![1., 2., 3.]).combinations(2, false);
    /// assert_eq!(x.value().to_vec::<f32>(), [1., 2., 1., 3., 2., 3.]);
    /// ```
    #[track_caller]
    pub fn combinations(&self, r: usize, with_replacement: bool) -> Var {
        assert!(self.rank() == 1, "combinations: shape {} is not a row", self.to_shape());
        let n = self.size(0) as i64;
        let mut choices: Vec<Vec<i64>> = vec![vec![]];
        for _ in 0..r {
            let next = |choice: &Vec<i64>| choice.last().map_or(0, |&last| last + i64::from(!with_replacement));
            let longer = |choice: Vec<i64>| (next(&choice)..n).map(move |i| [&choice[..], &[i]].concat());
            choices = choices.into_iter().flat_map(longer).collect();
        }
        let count = choices.len();
        self.index_select(0, &Tensor::from_vec(choices.concat(), [count, r]))
    }

    /// Powers of the elements as rows: `x^(n−1), …, x, 1`, or `1, x, …, x^(n−1)` if `increasing` (Vandermonde's matrix).
    ///
    /// Shape: `[m]` → `[m, n]`.
    ///
    /// # Panics
    /// When there is not one axis.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::leaf(tensor![3.]).vander(3, true).value().to_vec::<f32>(), [1., 3., 9.]);
    /// ```
    #[track_caller]
    pub fn vander(&self, n: usize, increasing: bool) -> Var {
        assert!(self.rank() == 1, "vander: shape {} is not a row", self.to_shape());
        let mut powers: Vec<Var> = Vec::with_capacity(n);
        for _ in 0..n {
            powers.push(match powers.last() {
                Some(last) => last * self,
                None => Var::constant(self.value().ones_like()),
            });
        }
        if !increasing {
            powers.reverse();
        }
        match n {
            0 => self.unsqueeze(1).narrow(1, 0, 0),
            _ => Var::stack(&powers.iter().collect::<Vec<_>>(), 1),
        }
    }
}

/// What these ops say about themselves.
pub const DECLARED: &[Declaration] = &[
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
    Declaration::linear(
        "pixel_shuffle",
        "pixel_shuffle",
        "channels to blocks of pixels",
        "pixel_unshuffle of g",
        |d| {
            let (c, r) = (d.range(1, 2), d.range(1, 3));
            let image = [d.size(), c * r * r, d.size(), d.size()];
            let shape = image[d.below(2)..].to_vec();
            Sample::new([d.reals(&shape)], format!("x[0].pixel_shuffle({r})"), move |x| x[0].pixel_shuffle(r))
        },
    ),
    Declaration::linear(
        "pixel_unshuffle",
        "pixel_unshuffle",
        "blocks of pixels to channels",
        "pixel_shuffle of g",
        |d| {
            let (h, w, r) = (d.range(1, 2), d.range(1, 3), d.range(1, 3));
            let image = [d.size(), d.size(), h * r, w * r];
            let shape = image[d.below(2)..].to_vec();
            Sample::new([d.reals(&shape)], format!("x[0].pixel_unshuffle({r})"), move |x| x[0].pixel_unshuffle(r))
        },
    ),
    Declaration::linear("channel_shuffle", "channel_shuffle", "channels of groups in turns", "in turns back", |d| {
        let (groups, each) = (d.range(1, 3), d.range(1, 3));
        let shape = [d.size(), groups * each, d.size()];
        Sample::new([d.reals(&shape)], format!("x[0].channel_shuffle({groups})"), move |x| x[0].channel_shuffle(groups))
    }),
    Declaration::new(Family::Product, "kron", "kron", "each element of a times all of b", "that of its parts", |d| {
        let (a, b) = ([d.size(), d.size()], [d.size(), d.size()]);
        let (a, b) = (a[d.below(3)..].to_vec(), b[d.below(3)..].to_vec());
        Sample::new([d.reals(&a), d.reals(&b)], "x[0].kron(&x[1])", |x| x[0].kron(&x[1]))
    }),
    Declaration::linear(
        "combinations",
        "combinations",
        "all choices of so many elements",
        "g added at the elements",
        |d| {
            let (n, r, again) = (d.positive_size(), d.range(1, 3), d.flag());
            Sample::new([d.reals(&[n])], format!("x[0].combinations({r}, {again})"), move |x| {
                x[0].combinations(r, again)
            })
        },
    ),
    Declaration::new(Family::Composite, "vander", "vander", "powers as rows", "that of its parts", |d| {
        let (m, n, increasing) = (d.size(), d.range(1, 4), d.flag());
        let source = format!("x[0].vander({n}, {increasing})");
        Sample::new([d.reals(&[m])], source, move |x| {
            let rows = x[0].vander(n, increasing);
            if n == 1 { rows + &x[0].unsqueeze(1) } else { rows } // powers of 0 alone are constant
        })
    }),
];
