//! Normalisation: mean 0 and variance 1, or length 1, along chosen axes.
//!
//! - [`batch`]: over the samples of a batch, or over places, for each channel.
//! - [`layer`]: over the numbers of one sample.
//! - [`weight`]: of weights instead of signals.

pub mod batch;
mod channels;
pub mod layer;
mod rows;
pub mod weight;

use chainrule_tensor::{Normalisation, Tensor, normalise_axes};

use crate::declare::{Declaration, Family, Sample};
use crate::var::Var;

impl Var {
    /// (x − mean) / √(variance + eps) along the axes, both taken over the data itself.
    ///
    /// # Panics
    /// When an axis does not exist or the elements are not real numbers.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let y = Var::constant(tensor![F64; 1., 3.]).standardise(&[0], 0.0);
    /// assert_eq!(y.value().to_vec::<f64>(), [-1., 1.]);
    /// ```
    #[track_caller]
    pub fn standardise(&self, axes: &[isize], eps: f64) -> Var {
        let sorted = normalise_axes("standardise", axes, self.rank());
        let trailing = sorted.first().is_some_and(|&first| first + sorted.len() == self.rank());
        if trailing && self.len() > 0 {
            let shape = &self.shape()[sorted[0]..];
            return self.normalise("standardise", Normalisation { centred: true, eps }, shape, [None, None]);
        }
        let [centred, variance] = self.centred(axes);
        centred * (variance + eps).rsqrt()
    }

    /// x − mean and the variance along the axes, which stay with length 1.
    #[track_caller]
    fn centred(&self, axes: &[isize]) -> [Var; 2] {
        self.centred_about(&self.mean_axes(axes, true), axes)
    }

    /// [`centred`](Var::centred), the mean being known.
    #[track_caller]
    fn centred_about(&self, mean: &Var, axes: &[isize]) -> [Var; 2] {
        let centred = self - mean;
        let variance = centred.square().mean_axes(axes, true);
        [centred, variance]
    }

    /// Weight and bias of this shape and of this variable's type: those given, else ones and zeros.
    fn parameters(&self, shape: &[usize], [weight, bias]: [Option<&Var>; 2]) -> [Var; 2] {
        let or = |given: Option<&Var>, x: f64| match given {
            Some(given) => given.clone(),
            None => Var::constant(Tensor::full(shape, x, self.dtype())),
        };
        [or(weight, 1.0), or(bias, 0.0)]
    }

    /// This variable · weight + bias, where there are any.
    #[track_caller]
    fn affine(self, weight: Option<&Var>, bias: Option<&Var>) -> Var {
        let scaled = match weight {
            Some(weight) => self * weight,
            None => self,
        };
        match bias {
            Some(bias) => scaled + bias,
            None => scaled,
        }
    }

    /// Each of some numbers `[c]` as `[c, 1, …]`, to stand beside this variable `[n, c, …]`.
    #[track_caller]
    fn beside_channels<const N: usize>(&self, op: &str, numbers: [Option<&Var>; N]) -> [Option<Var>; N] {
        let mut beside = [const { None }; N];
        for (slot, numbers) in beside.iter_mut().zip(numbers) {
            if let Some(numbers) = numbers {
                *slot = Some(self.per_channel(op, numbers));
            }
        }
        beside
    }

    /// `[c]` as `[c, 1, …]`, to stand beside this variable `[n, c, …]`.
    #[track_caller]
    fn per_channel(&self, op: &str, numbers: &Var) -> Var {
        assert!(self.rank() >= 2, "{op}: input {} needs two axes or more: [n, c, …]", self.to_shape());
        assert!(
            numbers.shape() == [self.size(1)],
            "{op}: input {} has {} channels, but a parameter has shape {}",
            self.to_shape(),
            self.size(1),
            numbers.to_shape()
        );
        let mut shape = vec![1; self.rank() - 1];
        shape[0] = numbers.len();
        numbers.reshape(shape)
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] =
    &[Declaration::new(Family::Composite, "standardise", "", "(x - mean) / √(var + eps)", "of its parts", |d| {
        let shape = [d.positive_size(), d.range(2, 4)];
        Sample::new([d.distinct(&shape)], "x[0].standardise(&[1], 0.1)", |x| x[0].standardise(&[1], 0.1))
    })];
