//! Normalisation of channels with weight and bias: all numbers of a channel are read, and what becomes of them written, before the next channel's turn, while
//! they lie in the second-level cache.

use super::dense;
use crate::dtype::{DType, each_real};
use crate::kernel::dispatch::{Loop, array, vectorised};
use crate::kernel::lane::Real;
use crate::kernel::parallel::chunks_mut;
use crate::kernel::rows::sum;
use crate::tensor::Tensor;

/// (x − mean) / √(variance + eps) · weight + bias of channels: `[n, c, …]` with one weight, one bias, one mean and one variance each of the c channels. Halves
/// are computed in `f32`. Means are taken over runs of the axes that follow the channels', which should not be short.
///
/// ```
/// use chainrule_tensor::{ChannelNormalisation, tensor};
/// let norm = ChannelNormalisation { eps: 0.0 };
/// let (x, weight, bias) = (tensor![[[1., 3.], [5., 9.]]], tensor![1., 2.], tensor![0., 10.]);
/// let (y, [mean, variance]) = norm.forward([&x, &weight, &bias]);
/// assert_eq!(y.to_vec::<f32>(), [-1., 1., 8., 12.]);
/// assert_eq!((mean.to_vec::<f32>(), variance.to_vec::<f32>()), (vec![2., 7.], vec![1., 4.]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChannelNormalisation {
    /// What is added to the variance.
    pub eps: f64,
}

impl ChannelNormalisation {
    /// The result, and the means and variances `[c]`, which are divided by the count.
    ///
    /// # Panics
    /// When shapes or types do not fit together, there are no numbers, or they are not real.
    #[track_caller]
    pub fn forward(self, x: [&Tensor; 3]) -> (Tensor, [Tensor; 2]) {
        let form = Form::of(x);
        let [y, moments] = each_real!("norm", x[0], T => {
            let x = x.map(Tensor::contiguous);
            let [x, weight, bias] = x.each_ref().map(dense::<T>);
            let mut moments = Tensor::build::<T>([form.channels, 2], |_| ());
            let y = Tensor::build::<T>(form.shape.clone(), |out| {
                let mut jobs: Vec<_> = form.split(out).into_iter().zip(moments.make_mut::<T>().as_chunks_mut().0).collect();
                chunks_mut(&mut jobs, 1, |i, jobs| {
                    for (out, moments) in jobs {
                        let x = Channel { all: x, form: &form, index: i };
                        vectorised(Forward { eps: self.eps, x, weight: weight[i], bias: bias[i], out, moments });
                    }
                });
            });
            [y, moments]
        }, half => {
            let (y, moments) = self.forward(x.map(|x| x.cast(DType::F32)).each_ref());
            return (y.cast(x[0].dtype()), moments.map(|moments| moments.cast(x[0].dtype())));
        });
        (y, [0, 1].map(|i| moments.select(1, i).contiguous()))
    }

    /// The gradients of x, weight and bias, given that of the result.
    ///
    /// # Panics
    /// As [`forward`](ChannelNormalisation::forward).
    #[track_caller]
    pub fn backward(self, x: [&Tensor; 3], g: &Tensor) -> [Tensor; 3] {
        let form = Form::of(x);
        assert!(g.shape() == x[0].shape(), "norm: an input {} and a gradient {}", x[0].to_shape(), g.to_shape());
        let [of_x, of_parameters] = each_real!("norm", g, T => {
            let (dense_x, dense_g) = ([x[0].contiguous(), x[1].contiguous()], g.contiguous());
            let ([x, weight], g) = (dense_x.each_ref().map(dense::<T>), dense::<T>(&dense_g));
            let mut of_parameters = Tensor::build::<T>([form.channels, 2], |_| ());
            let of_x = Tensor::build::<T>(form.shape.clone(), |out| {
                let parameters = of_parameters.make_mut::<T>().as_chunks_mut().0;
                let mut jobs: Vec<_> = form.split(out).into_iter().zip(parameters).collect();
                chunks_mut(&mut jobs, 1, |i, jobs| {
                    for (out, of_parameters) in jobs {
                        let [x, g] = [x, g].map(|all| Channel { all, form: &form, index: i });
                        vectorised(Backward { eps: self.eps, x, weight: weight[i], g, out, of_parameters });
                    }
                });
            });
            [of_x, of_parameters]
        }, half => {
            let found = self.backward(x.map(|x| x.cast(DType::F32)).each_ref(), &g.cast(DType::F32));
            return found.map(|found| found.cast(g.dtype()));
        });
        let part = |i: isize| of_parameters.select(1, i).contiguous();
        [of_x, part(0), part(1)]
    }
}

/// `[n, channels, …]`, the axes at the end taken for one of length `inner`.
struct Form {
    shape: Vec<usize>,
    n: usize,
    channels: usize,
    inner: usize,
}

impl Form {
    #[track_caller]
    fn of([x, weight, bias]: [&Tensor; 3]) -> Form {
        let shape = x.shape();
        assert!(
            shape.len() >= 2 && !x.is_empty() && [weight, bias].iter().all(|p| p.shape() == [shape[1]]),
            "norm: an input {} with weight {} and bias {}",
            x.to_shape(),
            weight.to_shape(),
            bias.to_shape()
        );
        assert!(
            [weight, bias].iter().all(|p| p.dtype() == x.dtype()),
            "norm: an input of {} with weight of {} and bias of {}; convert them with .cast()",
            x.dtype(),
            weight.dtype(),
            bias.dtype()
        );
        Form { n: shape[0], channels: shape[1], inner: shape[2..].iter().product(), shape: shape.to_vec() }
    }

    /// What each channel has of `out`: a piece of every sample.
    fn split<'a, T>(&self, out: &'a mut [T]) -> Vec<Vec<&'a mut [T]>> {
        let mut channels: Vec<_> = (0..self.channels).map(|_| Vec::with_capacity(self.n)).collect();
        for (i, piece) in out.chunks_exact_mut(self.inner).enumerate() {
            channels[i % self.channels].push(piece);
        }
        channels
    }
}

/// The numbers of a channel.
#[derive(Clone, Copy)]
struct Channel<'a, T> {
    all: &'a [T],
    form: &'a Form,
    index: usize,
}

impl<'a, T: Real> Channel<'a, T> {
    /// Those of the `i`-th sample.
    #[inline(always)]
    fn piece(self, i: usize) -> &'a [T] {
        &self.all[(i * self.form.channels + self.index) * self.form.inner..][..self.form.inner]
    }

    #[inline(always)]
    fn count(self) -> T {
        T::from_f64((self.form.n * self.form.inner) as f64)
    }

    /// The mean and the variance.
    #[inline(always)]
    fn moments(self) -> [T; 2] {
        let mean = total([self], |[x]| x) / self.count();
        [mean, total([self], |[x]| (x - mean) * (x - mean)) / self.count()]
    }
}

/// The sum of `term` over the numbers of channels.
#[inline(always)]
fn total<T: Real, const N: usize>(x: [Channel<T>; N], term: impl Fn([T; N]) -> T + Copy) -> T {
    let mut total = 0.0;
    for i in 0..x[0].form.n {
        total += sum(array(|k| x[k].piece(i)), term).to_f64();
    }
    T::from_f64(total)
}

struct Forward<'a, 'b, T> {
    eps: f64,
    x: Channel<'a, T>,
    weight: T,
    bias: T,
    out: &'a mut [&'b mut [T]],
    moments: &'a mut [T; 2],
}

impl<T: Real> Loop for Forward<'_, '_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let [mean, variance] = self.x.moments();
        let scale = T::ONE / (variance + T::from_f64(self.eps)).sqrt();
        let (weight, bias) = (self.weight, self.bias);
        for (i, out) in self.out.iter_mut().enumerate() {
            let x = &self.x.piece(i)[..out.len()];
            for (j, o) in out.iter_mut().enumerate() {
                *o = (x[j] - mean) * scale * weight + bias;
            }
        }
        *self.moments = [mean, variance];
    }
}

struct Backward<'a, 'b, T> {
    eps: f64,
    x: Channel<'a, T>,
    weight: T,
    g: Channel<'a, T>,
    out: &'a mut [&'b mut [T]],
    /// The gradients of weight and bias.
    of_parameters: &'a mut [T; 2],
}

impl<T: Real> Loop for Backward<'_, '_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let (x, g, n) = (self.x, self.g, self.x.count());
        let [mean, variance] = x.moments();
        let scale = T::ONE / (variance + T::from_f64(self.eps)).sqrt();
        let of_bias = total([g], |[g]| g);
        let along = total([x, g], |[x, g]| (x - mean) * g);
        let (level, slope, factor) = (of_bias / n, along * scale * scale / n, self.weight * scale);
        for (i, out) in self.out.iter_mut().enumerate() {
            let (x, g) = (&x.piece(i)[..out.len()], &g.piece(i)[..out.len()]);
            for (j, o) in out.iter_mut().enumerate() {
                *o = (g[j] - level - (x[j] - mean) * slope) * factor;
            }
        }
        *self.of_parameters = [along * scale, of_bias];
    }
}
