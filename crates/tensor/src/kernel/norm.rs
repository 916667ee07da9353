//! Normalisation of rows with weight and bias: a row is read, and what becomes of it written, while it lies in the first-level cache.

mod channels;

use std::ops::Range;

pub use channels::ChannelNormalisation;

use super::dispatch::{Loop, vectorised};
use super::lane::Real;
use super::parallel::{SMALL, chunks_mut};
use super::rows::{Next, sum};
use crate::dtype::{DType, Element, each_real};
use crate::tensor::Tensor;

/// (x − mean) / √(variance + eps) · weight + bias of rows: the last axes of x, which have the lengths of weight and bias. Halves are computed in `f32`.
///
/// ```
/// use chainrule_tensor::{Normalisation, tensor};
/// let norm = Normalisation { centred: true, eps: 0.0 };
/// let (x, weight, bias) = (tensor![[1., 3.], [5., 9.]], tensor![1., 2.], tensor![0., 10.]);
/// assert_eq!(norm.forward([&x, &weight, &bias]).to_vec::<f32>(), [-1., 12., -1., 12.]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normalisation {
    /// Whether the mean is taken off; else it counts as 0, and the variance is the mean square.
    pub centred: bool,
    /// What is added to the variance.
    pub eps: f64,
}

/// Rows whose gradients of the parameters are added up one after the other: few enough that rounding errors stay small, enough that what is joined in the
/// end is little.
const RUN: Range<usize> = 8..64;

impl Normalisation {
    /// The result.
    ///
    /// # Panics
    /// When shapes or types do not fit together, or the elements are not real numbers.
    #[track_caller]
    pub fn forward(self, x: [&Tensor; 3]) -> Tensor {
        expect(x, x[0]);
        let shape = x[0].to_shape();
        each_real!("norm", x[0], T => {
            let x = x.map(Tensor::contiguous);
            let [x, weight, bias] = x.each_ref().map(dense::<T>);
            let block = (SMALL / weight.len().max(1)).max(1) * weight.len();
            Tensor::build::<T>(shape, |out| {
                chunks_mut(out, block, |i, out| {
                    vectorised(Forward { norm: self, x: &x[i * block..][..out.len()], weight, bias, out });
                });
            })
        }, half => self.forward(x.map(|x| x.cast(DType::F32)).each_ref()).cast(x[0].dtype()))
    }

    /// The gradients of x, weight and bias, given that of the result. Those of weight and bias are empty where they are not wanted.
    ///
    /// # Panics
    /// As [`forward`](Normalisation::forward).
    #[track_caller]
    pub fn backward(self, x: [&Tensor; 3], g: &Tensor, wants_parameters: bool) -> [Tensor; 3] {
        expect(x, g);
        let [of_x, parts] = each_real!("norm", g, T => {
            let (dense_x, dense_g) = ([x[0].contiguous(), x[1].contiguous()], g.contiguous());
            let ([all, weight], g) = (dense_x.each_ref().map(dense::<T>), dense::<T>(&dense_g));
            let width = weight.len();
            let fitting = SMALL / width.max(1);
            let run = fitting.clamp(RUN.start, RUN.end);
            let block = (fitting / run).max(1) * run;
            let runs = if wants_parameters { (all.len() / width.max(1)).div_ceil(run) } else { 0 };
            let mut parts = Tensor::build::<T>([runs, 2, width], |_| ());
            let of_x = Tensor::build::<T>(x[0].to_shape(), |out| {
                let mut parts = parts.make_mut::<T>().chunks_mut((block / run * 2 * width).max(1));
                let out = out.chunks_mut((block * width).max(1));
                let mut pieces: Vec<_> = out.map(|out| (out, parts.next().unwrap_or_default())).collect();
                chunks_mut(&mut pieces, 1, |i, pieces| {
                    for (out, parts) in pieces {
                        let [x, g] = [all, g].map(|x| &x[i * block * width..][..out.len()]);
                        vectorised(Backward { norm: self, run, x, weight, g, out, parts });
                    }
                });
            });
            [of_x, parts]
        }, half => {
            let found = self.backward(x.map(|x| x.cast(DType::F32)).each_ref(), &g.cast(DType::F32), wants_parameters);
            return found.map(|found| found.cast(g.dtype()));
        });
        if !wants_parameters {
            let nothing = || Tensor::zeros([0], g.dtype());
            return [of_x, nothing(), nothing()];
        }
        let of_parameters = parts.sum(&[0], false);
        let part = |i: isize| of_parameters.select(0, i).reshape(x[1].to_shape());
        [of_x, part(0), part(1)]
    }
}

fn dense<T: Element>(x: &Tensor) -> &[T] {
    x.as_slice().expect("made contiguous")
}

#[track_caller]
fn expect([x, weight, bias]: [&Tensor; 3], g: &Tensor) {
    let dtype = x.dtype();
    assert!(
        x.shape().ends_with(weight.shape()) && weight.shape() == bias.shape() && g.shape() == x.shape(),
        "norm: an input {} with weight {} and bias {}",
        x.to_shape(),
        weight.to_shape(),
        bias.to_shape()
    );
    assert!(
        [weight, bias, g].iter().all(|x| x.dtype() == dtype),
        "norm: an input of {dtype} with weight of {} and bias of {}; convert them with .cast()",
        weight.dtype(),
        bias.dtype()
    );
}

/// The mean of a row and 1/√(variance + eps), in two passes of so many.
#[inline(always)]
fn moments<T: Real, const N: usize>(norm: Normalisation, x: &[T], next: Next<T, N>, passes: usize) -> (T, T) {
    let n = T::from_f64(x.len() as f64);
    next.ask(0, passes);
    let mean = if norm.centred { sum([x], |[x]| x) / n } else { T::ZERO };
    next.ask(1, passes);
    let squares = sum([x], |[x]| (x - mean) * (x - mean));
    (mean, T::ONE / (squares / n + T::from_f64(norm.eps)).sqrt())
}

struct Forward<'a, T> {
    norm: Normalisation,
    x: &'a [T],
    weight: &'a [T],
    bias: &'a [T],
    out: &'a mut [T],
}

impl<T: Real> Loop for Forward<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let width = self.weight.len();
        let (weight, bias) = (self.weight, &self.bias[..width]);
        for (i, out) in self.out.chunks_exact_mut(width).enumerate() {
            let x = &self.x[i * width..][..width];
            let next = Next::after(i, width, [self.x]);
            let (mean, scale) = moments(self.norm, x, next, 3);
            next.ask(2, 3);
            for (j, o) in out.iter_mut().enumerate() {
                *o = (x[j] - mean) * scale * weight[j] + bias[j];
            }
        }
    }
}

struct Backward<'a, T> {
    norm: Normalisation,
    run: usize,
    x: &'a [T],
    weight: &'a [T],
    g: &'a [T],
    out: &'a mut [T],
    /// The gradients of weight and bias from each run of rows; empty where they are not wanted.
    parts: &'a mut [T],
}

impl<T: Real> Loop for Backward<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        const PASSES: usize = 5;
        let (weight, width) = (self.weight, self.weight.len());
        let n = T::from_f64(width as f64);
        for (i, out) in self.out.chunks_exact_mut(width).enumerate() {
            let (x, g) = (&self.x[i * width..][..width], &self.g[i * width..][..width]);
            let next = Next::after(i, width, [self.x, self.g]);
            let (mean, scale) = moments(self.norm, x, next, PASSES);
            next.ask(2, PASSES);
            let level = if self.norm.centred { sum([g, weight], |[g, w]| g * w) / n } else { T::ZERO };
            next.ask(3, PASSES);
            let slope = sum([x, g, weight], |[x, g, w]| (x - mean) * (g * w)) * scale * scale / n;
            next.ask(4, PASSES);
            for j in 0..width {
                out[j] = (g[j] * weight[j] - level - (x[j] - mean) * slope) * scale;
            }
            if self.parts.is_empty() {
                continue;
            }
            let parts = &mut self.parts[i / self.run * 2 * width..][..2 * width];
            if i % self.run == 0 {
                parts.fill(T::ZERO);
            }
            let (of_weight, of_bias) = parts.split_at_mut(width);
            for j in 0..width {
                of_weight[j] = of_weight[j] + (x[j] - mean) * scale * g[j];
                of_bias[j] = of_bias[j] + g[j];
            }
        }
    }
}
