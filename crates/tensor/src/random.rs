//! Seeded randomness. The stream of a seed is the same on every platform and in every version.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng};

use crate::dtype::{DType, Element, each_dtype, each_real};
use crate::kernel::philox::drop_out;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// A seeded generator of random numbers (ChaCha with eight rounds).
///
/// ```
/// use chainrule_tensor::{DType, Rng, Tensor};
/// let a = Tensor::randn(&mut Rng::seed(7), [3], DType::F64);
/// let b = Tensor::randn(&mut Rng::seed(7), [3], DType::F64);
/// assert!(a.equal(&b));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rng(ChaCha8Rng);

impl Rng {
    /// The generator of a seed.
    pub fn seed(seed: u64) -> Rng {
        Rng(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A generator of its own for a part of the work, such as a layer, drawn from this one.
    pub fn split(&mut self) -> Rng {
        Rng::seed(self.next_u64())
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number from [0, 1), a multiple of 2⁻⁵³.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// A number from 0 to `n − 1`.
    ///
    /// # Panics
    /// When `n` is 0.
    #[track_caller]
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "below: there is no number below 0");
        // Lemire's multiplication; the bias is below n / 2⁶⁴.
        ((u128::from(self.next_u64()) * n as u128) >> 64) as usize
    }

    /// Two independent numbers from the standard normal distribution (Box and Muller, 1958).
    pub fn normal_pair(&mut self) -> (f64, f64) {
        let radius = (-2.0 * libm::log(1.0 - self.uniform())).sqrt();
        let (sin, cos) = libm::sincos(std::f64::consts::TAU * self.uniform());
        (radius * cos, radius * sin)
    }

    /// Puts the items into a random order (Fisher and Yates).
    ///
    /// ```
    /// let mut order = [1, 2, 3, 4];
    /// chainrule_tensor::Rng::seed(1).shuffle(&mut order);
    /// order.sort();
    /// assert_eq!(order, [1, 2, 3, 4]);
    /// ```
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

impl Tensor {
    /// Numbers from the uniform distribution on [0, 1).
    #[track_caller]
    pub fn rand(rng: &mut Rng, shape: impl Into<Shape>, dtype: DType) -> Tensor {
        Self::drawn(rng, shape, dtype, Rng::uniform)
    }

    /// Numbers from the uniform distribution on [low, high).
    #[track_caller]
    pub fn uniform(rng: &mut Rng, shape: impl Into<Shape>, low: f64, high: f64, dtype: DType) -> Tensor {
        Self::drawn(rng, shape, dtype, |rng| low + (high - low) * rng.uniform())
    }

    /// Numbers from the standard normal distribution.
    ///
    /// ```
    /// use chainrule_tensor::{DType, Rng, Tensor};
    /// let x = Tensor::randn(&mut Rng::seed(0), [10_000], DType::F64);
    /// assert!(x.mean(&[], false).item().abs() < 0.05);
    /// ```
    #[track_caller]
    pub fn randn(rng: &mut Rng, shape: impl Into<Shape>, dtype: DType) -> Tensor {
        each_dtype!(dtype, T => Tensor::build::<T>(shape, |out| {
            for pair in out.chunks_mut(2) {
                let (a, b) = rng.normal_pair();
                for (o, x) in pair.iter_mut().zip([a, b]) {
                    *o = T::from_f64(x);
                }
            }
        }))
    }

    /// Integers from `low` to `high − 1`.
    ///
    /// # Panics
    /// When there are none.
    #[track_caller]
    pub fn randint(rng: &mut Rng, shape: impl Into<Shape>, low: i64, high: i64) -> Tensor {
        let span = high.checked_sub(low).filter(|&n| n > 0).and_then(|n| usize::try_from(n).ok());
        let Some(span) = span else { panic!("randint: no integers from {low} to below {high}") };
        Tensor::build::<i64>(shape, |out| out.iter_mut().for_each(|o| *o = low + rng.below(span) as i64))
    }

    /// Ones with probability `p`, else zeros, as the given type.
    ///
    /// # Panics
    /// When `p` is no probability.
    #[track_caller]
    pub fn bernoulli(rng: &mut Rng, shape: impl Into<Shape>, p: f64, dtype: DType) -> Tensor {
        assert!((0.0..=1.0).contains(&p), "bernoulli: {p} is no probability (0 to 1)");
        Self::drawn(rng, shape, dtype, |rng| f64::from(u8::from(rng.uniform() < p)))
    }

    /// Each element times 0 with probability `p`, else divided by 1 − p. The same key drops the same places, whatever else is in the tensor.
    ///
    /// One 32-bit number decides on each element, so `p` is rounded to a multiple of 2⁻³².
    ///
    /// Source: Salmon, Moraes, Dror and Shaw, Parallel random numbers: as easy as 1, 2, 3, 2011 (Philox4x32-10).
    ///
    /// # Panics
    /// When `p` is no probability, or the elements are not real numbers.
    ///
    /// ```
    /// use chainrule_tensor::{DType, Tensor};
    /// let y = Tensor::ones([1000], DType::F32).drop_out(0.5, 7);
    /// assert!(y.to_vec::<f32>().iter().all(|&v| v == 0.0 || v == 2.0));
    /// assert!((y.mean(&[], false).item() - 1.0).abs() < 0.1);
    /// ```
    #[track_caller]
    pub fn drop_out(&self, p: f64, key: u64) -> Tensor {
        assert!((0.0..=1.0).contains(&p), "drop_out: {p} is no probability (0 to 1)");
        let scale = if p < 1.0 { 1.0 / (1.0 - p) } else { 0.0 };
        let limit = (p * 2f64.powi(32)).round() as u32; // saturates
        each_real!("drop_out", self, T => {
            let x = self.contiguous();
            let x = x.as_slice::<T>().expect("contiguous() is dense");
            Tensor::build::<T>(self.to_shape(), |out| drop_out(x, key, limit, T::from_f64(scale), out))
        }, half => self.cast(DType::F32).drop_out(p, key).cast(self.dtype()))
    }

    /// The integers 0 to `n − 1` in random order.
    #[track_caller]
    pub fn randperm(rng: &mut Rng, n: usize) -> Tensor {
        let mut order: Vec<i64> = (0..n as i64).collect();
        rng.shuffle(&mut order);
        order.into()
    }

    #[track_caller]
    pub(crate) fn drawn(
        rng: &mut Rng,
        shape: impl Into<Shape>,
        dtype: DType,
        mut draw: impl FnMut(&mut Rng) -> f64,
    ) -> Tensor {
        each_dtype!(dtype, T => Tensor::build::<T>(shape, |out| out.iter_mut().for_each(|o| *o = T::from_f64(draw(rng)))))
    }
}
