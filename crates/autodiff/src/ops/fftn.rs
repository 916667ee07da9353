//! Discrete Fourier transforms along several axes, one after the other, and spectra turned by half.

use chainrule_tensor::normalise_axes;

use crate::declare::{Declaration, Draw, Sample};
use crate::ops::fft::{FftNorm, NORMS};
use crate::var::Var;

impl Var {
    /// [`fft`](Var::fft) along several axes, all when none is named; each is cut or filled to the length in `n`, if there are any.
    ///
    /// # Panics
    /// As `fft`; and when lengths and axes differ in number.
    ///
    /// ```
    /// # use chainrule_autodiff::{ops::fft::FftNorm, Var};
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![[[1., 0.], [2., 0.]], [[3., 0.], [4., 0.]]]);
    /// let y = x.fftn(&[], &[], FftNorm::Backward);
    /// assert_eq!(y.real().value().to_vec::<f32>(), [10., -2., -4., 0.]);
    /// ```
    #[doc(alias = "fft2")]
    #[track_caller]
    pub fn fftn(&self, n: &[usize], axes: &[isize], norm: FftNorm) -> Var {
        self.along_all("fftn", 1, n, axes, |x, n, axis| x.fft(n, axis, norm))
    }

    /// [`ifft`](Var::ifft) along several axes, as [`fftn`](Var::fftn).
    ///
    /// # Panics
    /// As `fftn`.
    #[doc(alias = "ifft2")]
    #[track_caller]
    pub fn ifftn(&self, n: &[usize], axes: &[isize], norm: FftNorm) -> Var {
        self.along_all("ifftn", 1, n, axes, |x, n, axis| x.ifft(n, axis, norm))
    }

    /// [`rfft`](Var::rfft) along the last of several axes, [`fft`](Var::fft) along the others; axes and lengths as for [`fftn`](Var::fftn).
    ///
    /// # Panics
    /// As `fftn`.
    #[doc(alias = "rfft2")]
    #[track_caller]
    pub fn rfftn(&self, n: &[usize], axes: &[isize], norm: FftNorm) -> Var {
        let mut first = true;
        self.along_all("rfftn", 0, n, axes, |x, n, axis| match std::mem::take(&mut first) {
            true => x.rfft(n, axis, norm),
            false => x.fft(n, axis, norm),
        })
    }

    /// The inverse of [`rfftn`](Var::rfftn): [`irfft`](Var::irfft) along the last of several axes, [`ifft`](Var::ifft) along the others before.
    ///
    /// # Panics
    /// As `fftn`.
    #[doc(alias = "irfft2")]
    #[track_caller]
    pub fn irfftn(&self, n: &[usize], axes: &[isize], norm: FftNorm) -> Var {
        self.expect_complex("irfftn");
        let axes = in_order("irfftn", axes, self.rank() - 1);
        let Some((&last, others)) = axes.split_last() else { panic!("irfftn: there is no axis to transform") };
        let (lengths, length) = match n.split_last() {
            Some((&length, lengths)) => (lengths, Some(length)),
            None => (n, None),
        };
        let others: Vec<isize> = others.iter().map(|&axis| axis as isize).collect();
        let x = if others.is_empty() { self.clone() } else { self.ifftn(lengths, &others, norm) };
        x.irfft(length, last as isize, norm)
    }

    /// The spectrum with frequency 0 in the middle of each axis: the axes turned by half their lengths. Axes are those of the shape as it is;
    /// all but the last, of pairs, when none is named.
    ///
    /// # Panics
    /// When an axis does not exist.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![0., 1., 2., -2., -1.]);
    /// let y = x.fftshift(&[0]);
    /// assert_eq!(y.value().to_vec::<f32>(), [-2., -1., 0., 1., 2.]);
    /// assert_eq!(y.ifftshift(&[0]).value().to_vec::<f32>(), [0., 1., 2., -2., -1.]);
    /// ```
    #[track_caller]
    pub fn fftshift(&self, axes: &[isize]) -> Var {
        self.turned("fftshift", axes, |n| n.div_ceil(2))
    }

    /// The inverse of [`fftshift`](Var::fftshift).
    ///
    /// # Panics
    /// When an axis does not exist.
    #[track_caller]
    pub fn ifftshift(&self, axes: &[isize]) -> Var {
        self.turned("ifftshift", axes, |n| n / 2)
    }

    /// The axes cut in two, and the halves exchanged.
    #[track_caller]
    fn turned(&self, op: &str, axes: &[isize], cut: fn(usize) -> usize) -> Var {
        let axes = match axes {
            [] => (0..self.rank().saturating_sub(1)).collect(),
            named => normalise_axes(op, named, self.rank()),
        };
        let mut y = self.clone();
        for axis in axes {
            let (n, axis) = (self.shape()[axis], axis as isize);
            let at = cut(n);
            y = Var::cat(&[&y.narrow(axis, at, n - at), &y.narrow(axis, 0, at)], axis);
        }
        y
    }

    /// Transforms one axis after the other, the last one first. `pairs` axes at the end do not count.
    #[track_caller]
    fn along_all(
        &self,
        op: &str,
        pairs: usize,
        n: &[usize],
        axes: &[isize],
        mut transform: impl FnMut(&Var, Option<usize>, isize) -> Var,
    ) -> Var {
        assert!(self.rank() > pairs, "{op}: there is no axis to transform in shape {}", self.to_shape());
        let axes = in_order(op, axes, self.rank() - pairs);
        assert!(n.is_empty() || n.len() == axes.len(), "{op}: {} lengths for {} axes", n.len(), axes.len());
        let mut y = self.clone();
        for (i, &axis) in axes.iter().enumerate().rev() {
            y = transform(&y, n.get(i).copied(), axis as isize);
        }
        y
    }
}

/// The axes from the front, all when none is named; lengths belong to them in this order.
#[track_caller]
fn in_order(op: &str, axes: &[isize], rank: usize) -> Vec<usize> {
    let sorted = normalise_axes(op, axes, rank);
    match axes {
        [] => sorted.to_vec(),
        named => named.iter().map(|&axis| if axis < 0 { axis + rank as isize } else { axis } as usize).collect(),
    }
}

type Several = fn(&Var, &[usize], &[isize], FftNorm) -> Var;

/// A transform along several axes.
fn several(d: &mut Draw, name: &str, pairs: usize, call: Several) -> Sample {
    let (rank, norm) = (d.range(1, 3), d.pick(&NORMS));
    let mut shape: Vec<usize> = (0..rank).map(|_| d.range(2, 3)).collect();
    let axes: Vec<isize> = match d.range(0, rank) {
        0 => vec![],
        some => d.order(rank)[..some].iter().map(|&axis| axis as isize).collect(),
    };
    let count = if axes.is_empty() { rank } else { axes.len() };
    let n: Vec<usize> = if d.flag() { (0..count).map(|_| d.range(1, 4)).collect() } else { vec![] };
    shape.extend(vec![2; pairs]);
    let source = format!("x[0].{name}(&{n:?}, &{axes:?}, FftNorm::{norm:?})");
    Sample::new([d.reals(&shape)], source, move |x| call(&x[0], &n, &axes, norm))
}

fn shifted(d: &mut Draw, name: &str, call: fn(&Var, &[isize]) -> Var) -> Sample {
    let shape = d.shape();
    let axes = d.axes(shape.len());
    Sample::new([d.reals(&shape)], format!("x[0].{name}(&{axes:?})"), move |x| call(&x[0], &axes))
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::linear("fftn", "fft.fftn", "fft along axes", "ifftn, unscaled", |d| several(d, "fftn", 1, Var::fftn)),
    Declaration::linear("ifftn", "fft.ifftn", "ifft along axes", "fftn, scaled", |d| {
        several(d, "ifftn", 1, Var::ifftn)
    }),
    Declaration::linear("rfftn", "fft.rfftn", "half of fftn", "of its parts", |d| several(d, "rfftn", 0, Var::rfftn)),
    Declaration::linear("irfftn", "fft.irfftn", "ifftn of half a spectrum", "of its parts", |d| {
        several(d, "irfftn", 1, Var::irfftn)
    }),
    Declaration::linear("fftshift", "fft.fftshift", "halves exchanged", "exchanged back", |d| {
        shifted(d, "fftshift", Var::fftshift)
    }),
    Declaration::linear("ifftshift", "fft.ifftshift", "halves exchanged", "exchanged back", |d| {
        shifted(d, "ifftshift", Var::ifftshift)
    }),
];
