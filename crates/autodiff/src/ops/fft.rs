//! Discrete Fourier transforms. Linear: the rule of each is its adjoint, which is the transform the other way.
//!
//! A complex number is a pair along a last axis of length 2, its real and its imaginary part; other axes are counted without that one.
//! Gradients are those of real functions of these pairs.

use chainrule_tensor::{Tensor, normalise_axis};

use crate::declare::{Declaration, Draw, Sample};
use crate::op::{Op, Saves};
use crate::var::Var;

/// What a transform is multiplied by; n is the number of elements that are transformed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FftNorm {
    /// 1 forward, 1/n backward.
    #[default]
    Backward,
    /// 1/√n both ways, which keeps lengths.
    Ortho,
    /// 1/n forward, 1 backward.
    Forward,
}

impl FftNorm {
    fn scale(self, n: usize, inverse: bool) -> f64 {
        match (self, inverse) {
            (FftNorm::Ortho, _) => 1.0 / (n as f64).sqrt(),
            (FftNorm::Backward, true) | (FftNorm::Forward, false) => 1.0 / n as f64,
            _ => 1.0,
        }
    }
}

/// A transform ↔ the transform the other way.
struct Dft {
    axis: isize,
    inverse: bool,
}
impl Op<1> for Dft {
    fn name(&self) -> &'static str {
        "dft"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        x.dft(self.axis, self.inverse)
    }
    fn backward(&self, _: usize, g: &Var, _: [&Var; 1], _: &Var) -> Var {
        Dft { axis: self.axis, inverse: !self.inverse }.apply([g])
    }
}

/// Real numbers to half a spectrum ↔ back, where the half that is not there counts for nothing.
struct RealDft {
    axis: isize,
}
impl Op<1> for RealDft {
    fn name(&self) -> &'static str {
        "real_dft"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        x.real_dft(self.axis)
    }
    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
        let n = x.size(self.axis);
        RealDftInverse { axis: self.axis, n }.apply([&(g * with_conjugates(g, self.axis, n, 0.5))])
    }
}

/// Half a spectrum to real numbers ↔ back, where what has a conjugate counts twice.
struct RealDftInverse {
    axis: isize,
    n: usize,
}
impl Op<1> for RealDftInverse {
    fn name(&self) -> &'static str {
        "real_dft_inverse"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        x.real_dft_inverse(self.axis, self.n)
    }
    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
        RealDft { axis: self.axis }.apply([g]) * with_conjugates(x, self.axis, self.n, 2.0)
    }
}

/// `times` for those elements of half a spectrum of `n` that have a conjugate in the other half, 1 for the others.
fn with_conjugates(half: &Var, axis: isize, n: usize, times: f64) -> Var {
    let axis = normalise_axis("rfft", axis, half.rank() - 1);
    let weights: Vec<f64> = (0..half.shape()[axis]).map(|k| if k == 0 || 2 * k == n { 1.0 } else { times }).collect();
    let mut shape = vec![1; half.rank() - axis];
    shape[0] = weights.len();
    Var::constant(Tensor::from_vec(weights, shape).cast(half.dtype()))
}

impl Var {
    /// Complex numbers from their real and imaginary parts.
    ///
    /// Shapes: two of `[…]` → `[…, 2]`.
    ///
    /// # Panics
    /// When shapes or types differ.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let z = Var::complex(&Var::constant(tensor![1., 2.]), &Var::constant(tensor![3., 4.]));
    /// assert_eq!(z.real().value().to_vec::<f32>(), [1., 2.]);
    /// assert_eq!(z.imag().value().to_vec::<f32>(), [3., 4.]);
    /// ```
    #[doc(alias = "view_as_complex")]
    #[track_caller]
    pub fn complex(real: &Var, imaginary: &Var) -> Var {
        Var::stack(&[real, imaginary], -1)
    }

    /// The real parts of complex numbers.
    ///
    /// # Panics
    /// When the last axis does not have length 2.
    #[track_caller]
    pub fn real(&self) -> Var {
        self.expect_complex("real");
        self.select(-1, 0)
    }

    /// The imaginary parts of complex numbers.
    ///
    /// # Panics
    /// When the last axis does not have length 2.
    #[track_caller]
    pub fn imag(&self) -> Var {
        self.expect_complex("imag");
        self.select(-1, 1)
    }

    /// The discrete Fourier transform along an axis of complex numbers: `y[j] = scale · Σ x[k] · e^(−2πi·jk/n)`. The axis is cut or filled with
    /// zeros to `n` elements first, if that is given.
    ///
    /// Shape: `[…, length, …, 2]` → `[…, n, …, 2]`.
    ///
    /// # Panics
    /// When the last axis does not hold pairs, the axis does not exist or nothing is transformed.
    ///
    /// ```
    /// # use chainrule_autodiff::{ops::fft::FftNorm, Var};
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![[1., 0.], [0., 1.]]);
    /// let y = x.fft(None, 0, FftNorm::Backward);
    /// assert_eq!(y.value().to_vec::<f32>(), [1., 1., 1., -1.]);
    /// assert_eq!(y.ifft(None, 0, FftNorm::Backward).value().to_vec::<f32>(), [1., 0., 0., 1.]);
    /// ```
    #[track_caller]
    pub fn fft(&self, n: Option<usize>, axis: isize, norm: FftNorm) -> Var {
        self.complex_transform("fft", n, axis, norm, false)
    }

    /// The inverse of [`fft`](Var::fft): `y[j] = scale · Σ x[k] · e^(2πi·jk/n)`.
    ///
    /// # Panics
    /// As `fft`.
    #[track_caller]
    pub fn ifft(&self, n: Option<usize>, axis: isize, norm: FftNorm) -> Var {
        self.complex_transform("ifft", n, axis, norm, true)
    }

    /// The discrete Fourier transform of real numbers: the first half of the spectrum, of which the other half is the conjugate. The axis is
    /// cut or filled with zeros to `n` elements first, if that is given.
    ///
    /// Shape: `[…, length, …]` → `[…, n/2 + 1, …, 2]`.
    ///
    /// # Panics
    /// When the axis does not exist or nothing is transformed.
    ///
    /// ```
    /// # use chainrule_autodiff::{ops::fft::FftNorm, Var};
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![1., 2., 3., 6.]);
    /// let y = x.rfft(None, 0, FftNorm::Backward);
    /// assert_eq!(y.value().to_vec::<f32>(), [12., 0., -2., 4., -4., 0.]);
    /// ```
    #[track_caller]
    pub fn rfft(&self, n: Option<usize>, axis: isize, norm: FftNorm) -> Var {
        let n = n.unwrap_or_else(|| self.size(axis));
        expect_some("rfft", n);
        RealDft { axis }.apply([&self.fitted(axis, n)]) * norm.scale(n, false)
    }

    /// The inverse of [`rfft`](Var::rfft): half a spectrum to `n` real numbers, an even number unless `n` says otherwise. Imaginary parts that
    /// have no conjugate to cancel them do not count.
    ///
    /// Shape: `[…, length, …, 2]` → `[…, n, …]`, n being 2·(length − 1) unless it is given.
    ///
    /// # Panics
    /// As [`fft`](Var::fft).
    ///
    /// ```
    /// # use chainrule_autodiff::{ops::fft::FftNorm, Var};
    /// # use chainrule_tensor::tensor;
    /// let half = Var::constant(tensor![[12., 0.], [-2., 4.], [-4., 0.]]);
    /// let x = half.irfft(None, 0, FftNorm::Backward);
    /// assert_eq!(x.value().to_vec::<f32>(), [1., 2., 3., 6.]);
    /// ```
    #[track_caller]
    pub fn irfft(&self, n: Option<usize>, axis: isize, norm: FftNorm) -> Var {
        self.expect_complex("irfft");
        let axis = normalise_axis("irfft", axis, self.rank() - 1) as isize;
        let n = n.unwrap_or_else(|| 2 * self.size(axis).saturating_sub(1));
        expect_some("irfft", n);
        RealDftInverse { axis, n }.apply([&self.fitted(axis, n / 2 + 1)]) * norm.scale(n, true)
    }

    #[track_caller]
    fn complex_transform(&self, op: &str, n: Option<usize>, axis: isize, norm: FftNorm, inverse: bool) -> Var {
        self.expect_complex(op);
        let axis = normalise_axis(op, axis, self.rank() - 1) as isize;
        let n = n.unwrap_or_else(|| self.size(axis));
        expect_some(op, n);
        Dft { axis, inverse }.apply([&self.fitted(axis, n)]) * norm.scale(n, inverse)
    }

    /// An axis cut or filled with zeros to `n` elements.
    #[track_caller]
    fn fitted(&self, axis: isize, n: usize) -> Var {
        let at = normalise_axis("fft", axis, self.rank());
        let length = self.shape()[at];
        if length >= n {
            return if length == n { self.clone() } else { self.narrow(axis, 0, n) };
        }
        let mut amounts = vec![(0, 0); self.rank()];
        amounts[at].1 = n - length;
        self.pad(&amounts)
    }

    #[track_caller]
    pub(super) fn expect_complex(&self, op: &str) {
        assert!(
            self.rank() >= 1 && self.size(-1) == 2,
            "{op}: complex numbers are pairs along a last axis of length 2, which shape {} does not have; Var::complex makes them",
            self.to_shape()
        );
    }
}

#[track_caller]
fn expect_some(op: &str, n: usize) {
    assert!(n > 0, "{op}: a transform of 0 elements");
}

pub(super) const NORMS: [FftNorm; 3] = [FftNorm::Backward, FftNorm::Ortho, FftNorm::Forward];

type One = fn(&Var, Option<usize>, isize, FftNorm) -> Var;

/// A transform along one axis of an input with `pairs` axes at the end that do not count.
fn one(d: &mut Draw, name: &str, pairs: usize, least: usize, call: One) -> Sample {
    let (mut shape, norm) = (d.positive_shape(), d.pick(&NORMS));
    let axis = d.axis(shape.len());
    let at = normalise_axis(name, axis, shape.len());
    shape[at] = shape[at].max(least);
    let n = d.flag().then(|| d.range(1, 6));
    shape.extend(vec![2; pairs]);
    let source = format!("x[0].{name}({n:?}, {axis}, FftNorm::{norm:?})");
    Sample::new([d.reals(&shape)], source, move |x| call(&x[0], n, axis, norm))
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::linear("complex", "complex", "pairs of both", "the parts of g", |d| {
        let shape = d.shape();
        Sample::new([d.reals(&shape), d.reals(&shape)], "Var::complex(&x[0], &x[1])", |x| Var::complex(&x[0], &x[1]))
    }),
    Declaration::linear("real", "real", "the first of each pair", "pairs of g and 0", |d| {
        let shape = [d.size(), 2];
        Sample::new([d.reals(&shape)], "x[0].real()", |x| x[0].real())
    }),
    Declaration::linear("imag", "imag", "the second of each pair", "pairs of 0 and g", |d| {
        let shape = [d.size(), 2];
        Sample::new([d.reals(&shape)], "x[0].imag()", |x| x[0].imag())
    }),
    Declaration::linear("fft", "fft.fft", "Σ x[k]·e^(−2πi·jk/n)", "the inverse, unscaled", |d| {
        one(d, "fft", 1, 1, Var::fft)
    }),
    Declaration::linear("ifft", "fft.ifft", "Σ x[k]·e^(2πi·jk/n) / n", "fft / n", |d| {
        one(d, "ifft", 1, 1, Var::ifft)
    }),
    Declaration::linear("rfft", "fft.rfft", "the first half of fft", "irfft, conjugates left out", |d| {
        one(d, "rfft", 0, 1, Var::rfft)
    }),
    Declaration::linear("irfft", "fft.irfft", "ifft of half a spectrum", "rfft, conjugates counted twice", |d| {
        one(d, "irfft", 1, 2, Var::irfft)
    }),
];
