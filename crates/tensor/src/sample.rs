//! Samples from distributions whose parameters are tensors or numbers.

use crate::dtype::DType;
use crate::random::Rng;
use crate::shape::Shape;
use crate::tensor::Tensor;

impl Tensor {
    /// Numbers from the normal distribution with the given mean and standard deviation.
    #[track_caller]
    pub fn normal(rng: &mut Rng, shape: impl Into<Shape>, mean: f64, std: f64, dtype: DType) -> Tensor {
        let x = Tensor::randn(rng, shape, DType::F64) * std;
        (x + mean).cast(dtype)
    }

    /// Numbers from the exponential distribution with density `rate · exp(−rate · x)`.
    ///
    /// # Panics
    /// When `rate` is not positive.
    #[track_caller]
    pub fn exponential(rng: &mut Rng, shape: impl Into<Shape>, rate: f64, dtype: DType) -> Tensor {
        assert!(rate > 0.0, "exponential: the rate {rate} is not positive");
        Self::drawn(rng, shape, dtype, |rng| rng.exponential() / rate)
    }

    /// [`rand`](Tensor::rand) of this tensor's shape and type.
    #[track_caller]
    pub fn rand_like(&self, rng: &mut Rng) -> Tensor {
        Self::rand(rng, self.to_shape(), self.dtype())
    }

    /// [`randn`](Tensor::randn) of this tensor's shape and type.
    #[track_caller]
    pub fn randn_like(&self, rng: &mut Rng) -> Tensor {
        Self::randn(rng, self.to_shape(), self.dtype())
    }

    /// [`randint`](Tensor::randint) of this tensor's shape.
    ///
    /// # Panics
    /// When there are no such integers.
    #[track_caller]
    pub fn randint_like(&self, rng: &mut Rng, low: i64, high: i64) -> Tensor {
        Self::randint(rng, self.to_shape(), low, high)
    }

    /// Ones, each with the probability that stands at its place in this tensor, else zeros.
    ///
    /// # Panics
    /// When an element is no probability.
    ///
    /// ```
    /// use chainrule_tensor::{tensor, Rng};
    /// assert_eq!(tensor![0., 1.].bernoulli_each(&mut Rng::seed(0)).to_vec::<f32>(), [0., 1.]);
    /// ```
    #[track_caller]
    pub fn bernoulli_each(&self, rng: &mut Rng) -> Tensor {
        self.each_drawn(|p| {
            assert!((0.0..=1.0).contains(&p), "bernoulli_each: {p} is no probability (0 to 1)");
            f64::from(u8::from(rng.uniform() < p))
        })
    }

    /// Counts of events, each with the expected number that stands at its place in this tensor (by waiting
    /// times, so that the time it takes grows with that number).
    ///
    /// # Panics
    /// When an element is negative or not finite.
    ///
    /// ```
    /// use chainrule_tensor::{tensor, Rng};
    /// assert_eq!(tensor![0., 0.].poisson(&mut Rng::seed(0)).to_vec::<f32>(), [0., 0.]);
    /// ```
    #[track_caller]
    pub fn poisson(&self, rng: &mut Rng) -> Tensor {
        self.each_drawn(|rate| {
            assert!(rate >= 0.0 && rate.is_finite(), "poisson: the rate {rate} is not a finite number from 0 on");
            let mut time = rng.exponential();
            let mut count = 0.0;
            while time < rate {
                count += 1.0;
                time += rng.exponential();
            }
            count
        })
    }

    /// `count` classes per row, each with a probability in proportion to its weight.
    ///
    /// Shape: `[n]` → `[count]`, or `[rows, n]` → `[rows, count]`; `i64`. Without `replacement` no class occurs twice.
    ///
    /// # Panics
    /// When there are more than two axes or none, a weight is negative or not finite, a row's weights are all 0, or `count` exceeds the
    /// classes with positive weight without replacement.
    ///
    /// ```
    /// use chainrule_tensor::{tensor, Rng};
    /// assert_eq!(tensor![0., 2., 0.].multinomial(&mut Rng::seed(0), 3, true).to_vec::<i64>(), [1, 1, 1]);
    /// ```
    #[track_caller]
    pub fn multinomial(&self, rng: &mut Rng, count: usize, replacement: bool) -> Tensor {
        let mut shape = self.to_shape();
        assert!(matches!(shape.len(), 1 | 2), "multinomial: weights of shape {shape}, not a row or a matrix of rows");
        let last = shape.len() - 1;
        let classes = std::mem::replace(&mut shape[last], count);
        let mut picks: Vec<i64> = Vec::with_capacity(shape.count());
        let weights = self.to_f64_vec();
        for row in 0..shape[..last].iter().product() {
            let weights = &weights[row * classes..][..classes];
            let fine = weights.iter().all(|&w| w >= 0.0 && w.is_finite());
            assert!(fine, "multinomial: the weights {weights:?} are not all finite numbers from 0 on");
            let possible = weights.iter().filter(|&&w| w > 0.0).count();
            assert!(
                possible >= if replacement { count.min(1) } else { count },
                "multinomial: {count} classes to be drawn from {possible} with positive weight"
            );
            match replacement {
                true => picks.extend(with_replacement(weights, count, rng)),
                false => picks.extend(without_replacement(weights, count, rng)),
            }
        }
        Tensor::from_vec(picks, shape)
    }

    #[track_caller]
    fn each_drawn(&self, mut draw: impl FnMut(f64) -> f64) -> Tensor {
        let mut out = Vec::with_capacity(self.len());
        for x in self.to_f64_vec() {
            out.push(draw(x));
        }
        Tensor::from_vec(out, self.to_shape()).cast(self.dtype())
    }
}

impl Rng {
    /// A number from the exponential distribution with mean 1.
    pub fn exponential(&mut self) -> f64 {
        -libm::log(1.0 - self.uniform())
    }
}

fn with_replacement(weights: &[f64], count: usize, rng: &mut Rng) -> Vec<i64> {
    let mut total = 0.0;
    let ends: Vec<f64> = weights.iter().map(|w| (total += w, total).1).collect();
    let last = weights.iter().rposition(|&w| w > 0.0).unwrap_or(0);
    let mut pick = || {
        let at = rng.uniform() * total;
        ends.partition_point(|&end| end <= at).min(last) as i64
    };
    (0..count).map(|_| pick()).collect()
}

/// The first to ring of clocks that ring at these rates (Efraimidis and Spirakis, 2006).
fn without_replacement(weights: &[f64], count: usize, rng: &mut Rng) -> Vec<i64> {
    let mut rings: Vec<(f64, i64)> = weights.iter().zip(0..).map(|(w, class)| (rng.exponential() / w, class)).collect();
    rings.sort_by(|a, b| a.0.total_cmp(&b.0));
    rings[..count].iter().map(|&(_, class)| class).collect()
}
