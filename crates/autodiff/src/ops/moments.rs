//! How far numbers lie from their mean, and how they vary together.

use chainrule_tensor::{DType, Tensor};

use crate::declare::{Declaration, Draw, Family, Sample};
use crate::ops::reduce::along;
use crate::var::Var;

/// What [`cov_with`](Var::cov_with) can be told about the observations.
#[derive(Clone, Debug)]
pub struct Observations {
    /// What is subtracted from their number in the denominator: 1 for an unbiased estimate.
    pub correction: f64,
    /// How often each one occurs, as `i64`.
    pub frequencies: Option<Tensor>,
    /// How much each one counts.
    pub weights: Option<Tensor>,
}

impl Default for Observations {
    fn default() -> Observations {
        Observations { correction: 1.0, frequencies: None, weights: None }
    }
}

impl Var {
    /// The variance along the axes (all when none is named): the mean square of the distance from the mean, with the sum divided by
    /// n − `correction`. 1 gives the unbiased estimate of a population's variance, 0 that of the data itself.
    ///
    /// # Panics
    /// When an axis does not exist or the elements are not real numbers.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// assert_eq!(Var::constant(tensor![1., 3.]).var_axes(&[], 1.0, false).item(), 2.0);
    /// ```
    #[track_caller]
    pub fn var_axes(&self, axes: &[isize], correction: f64, keep: bool) -> Var {
        let distance = self - self.mean_axes(axes, true);
        distance.square().sum_axes(axes, keep) / (self.count("var", axes) - correction).max(0.0)
    }

    /// The standard deviation along the axes (all when none is named): the root of [`var_axes`](Var::var_axes). The gradient where all
    /// elements are equal is 0.
    ///
    /// # Panics
    /// When an axis does not exist or the elements are not real numbers.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![5., 5., 5.]);
    /// assert_eq!(x.std_axes(&[], 1.0, false).backward()[&x].to_vec::<f32>(), [0., 0., 0.]);
    /// ```
    #[track_caller]
    pub fn std_axes(&self, axes: &[isize], correction: f64, keep: bool) -> Var {
        self.var_axes(axes, correction, keep).length()
    }

    /// The unbiased variance of all elements: [`var_axes`](Var::var_axes) with correction 1.
    ///
    /// # Panics
    /// When the elements are not real numbers.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![1., 2., 6.]);
    /// assert_eq!((x.var().item(), x.std().item()), (7.0, 7f64.sqrt() as f32 as f64));
    /// ```
    #[track_caller]
    pub fn var(&self) -> Var {
        self.var_axes(&[], 1.0, false)
    }

    /// The unbiased standard deviation of all elements: [`std_axes`](Var::std_axes) with correction 1.
    ///
    /// # Panics
    /// When the elements are not real numbers.
    #[track_caller]
    pub fn std(&self) -> Var {
        self.std_axes(&[], 1.0, false)
    }

    /// Variance and mean along the axes: [`var_axes`](Var::var_axes) and [`mean_axes`](Var::mean_axes).
    ///
    /// # Panics
    /// As those.
    #[track_caller]
    pub fn var_mean(&self, axes: &[isize], correction: f64, keep: bool) -> (Var, Var) {
        (self.var_axes(axes, correction, keep), self.mean_axes(axes, keep))
    }

    /// Standard deviation and mean along the axes: [`std_axes`](Var::std_axes) and [`mean_axes`](Var::mean_axes).
    ///
    /// # Panics
    /// As those.
    #[track_caller]
    pub fn std_mean(&self, axes: &[isize], correction: f64, keep: bool) -> (Var, Var) {
        (self.std_axes(axes, correction, keep), self.mean_axes(axes, keep))
    }

    /// The unbiased covariances of variables, each a row of observations.
    ///
    /// Shapes: `[variables, observations]` → `[variables, variables]`; `[observations]` or `[]` → `[]`.
    ///
    /// # Panics
    /// When there are more than two axes or the elements are not real numbers.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![[0., 1., 2.], [2., 1., 0.]]);
    /// assert_eq!(x.cov().value().to_vec::<f32>(), [1., -1., -1., 1.]);
    /// ```
    #[track_caller]
    pub fn cov(&self) -> Var {
        self.cov_with(&Observations::default())
    }

    /// As [`cov`](Var::cov), of observations that occur or count differently often. With w = frequency · weight the mean is Σ w·x / Σ w, and
    /// the denominator Σ w − correction · (Σ w·weight / Σ w).
    ///
    /// # Panics
    /// As `cov`; and when frequencies or weights are not one for each observation.
    #[track_caller]
    pub fn cov_with(&self, about: &Observations) -> Var {
        assert!(self.rank() <= 2, "cov: needs rows of observations, got shape {}", self.to_shape());
        let n = if self.rank() == 0 { 1 } else { self.size(-1) };
        let x = self.reshape([self.len() / n.max(1), n]);
        let check = |name: &str, w: &Option<Tensor>| -> Option<Tensor> {
            let w = w.as_ref()?;
            assert!(w.shape() == [n], "cov: {name} of shape {} for {n} observations", w.to_shape());
            Some(w.cast(self.dtype()))
        };
        let (frequencies, weights) = (check("frequencies", &about.frequencies), check("weights", &about.weights));
        let one = Tensor::ones([n], self.dtype());
        let w = frequencies.as_ref().unwrap_or(&one) * weights.as_ref().unwrap_or(&one);
        let total = w.sum(&[], false).cast(DType::F64).item();
        let share = match weights {
            Some(weights) => (&w * &weights).sum(&[], false).cast(DType::F64).item() / total,
            None => 1.0,
        };
        let w = Var::constant(w);
        let distance = &x - (&x * &w).sum_axes(&[1], true) / total; // [variables, observations]
        let y = (&distance * &w).matmul(&distance.t()) / (total - about.correction * share).max(0.0);
        if self.rank() < 2 { y.reshape([]) } else { y }
    }

    /// The correlations of variables, each a row of observations: covariances over the standard deviations.
    ///
    /// Shapes: `[variables, observations]` → `[variables, variables]`; `[observations]` or `[]` → `[]`.
    ///
    /// # Panics
    /// When there are more than two axes or the elements are not real numbers.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![[0., 1., 2.], [4., 2., 0.]]);
    /// assert!(x.corrcoef().value().allclose(&tensor![[1., -1.], [-1., 1.]], 1e-6, 0.0));
    /// ```
    #[track_caller]
    pub fn corrcoef(&self) -> Var {
        if self.rank() < 2 {
            let deviation = self.std_axes(&[], 1.0, false);
            return self.cov() / deviation.square(); // 1, or NaN where nothing varies
        }
        let deviation = self.std_axes(&[1], 1.0, true); // [variables, 1]
        self.cov() / &deviation / deviation.t()
    }
}

fn rows(draw: &mut Draw, source: &str, call: fn(&Var) -> Var) -> Sample {
    let shape = [draw.range(1, 3), draw.range(2, 4)];
    Sample::new([draw.distinct(&shape)], source, move |x| call(&x[0]))
}

/// Numbers with correction, along axes that leave something to correct.
fn corrected(draw: &mut Draw, name: &str, call: fn(&Var, &[isize], f64, bool) -> Var) -> Sample {
    let (shape, correction) = ([draw.range(2, 3), draw.range(2, 4)], draw.pick(&[0.0, 1.0, -0.5]));
    let (axes, keep) = (draw.pick(&[vec![], vec![0], vec![1]]), draw.flag());
    let source = format!("x[0].{name}(&{axes:?}, {correction:?}, {keep})");
    Sample::new([draw.distinct(&shape)], source, move |x| call(&x[0], &axes, correction, keep))
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(Family::Composite, "var_axes", "var", "Σ (x - mean)² / (n - correction)", "of its parts", |d| {
        match d.flag() {
            false => along(d, "var_axes", Draw::reals, |x, axes, keep| x.var_axes(axes, 0.0, keep)),
            true => corrected(d, "var_axes", Var::var_axes),
        }
    }),
    Declaration::new(Family::Composite, "std_axes", "std", "√var", "of its parts; 0 at 0", |d| {
        corrected(d, "std_axes", Var::std_axes)
    }),
    Declaration::new(Family::Composite, "var", "var", "Σ (x - mean)² / (n - 1)", "of its parts", |d| {
        rows(d, "x[0].var()", Var::var)
    }),
    Declaration::new(Family::Composite, "std", "std", "√var", "of its parts; 0 at 0", |d| {
        rows(d, "x[0].std()", Var::std)
    }),
    Declaration::new(Family::Composite, "var_mean", "var_mean", "variance, mean", "of its parts", |d| {
        corrected(d, "var_mean", |x, axes, correction, keep| {
            let (var, mean) = x.var_mean(axes, correction, keep);
            var * mean
        })
    }),
    Declaration::new(Family::Composite, "std_mean", "std_mean", "standard deviation, mean", "of its parts", |d| {
        corrected(d, "std_mean", |x, axes, correction, keep| {
            let (std, mean) = x.std_mean(axes, correction, keep);
            std * mean
        })
    }),
    Declaration::new(Family::Composite, "cov", "cov", "(x - mean) (x - mean)ᵀ / (n - 1)", "of its parts", |d| {
        rows(d, "x[0].cov()", Var::cov)
    }),
    Declaration::new(Family::Composite, "cov_with", "cov", "covariances, weighted", "of its parts", |d| {
        let shape = [d.range(1, 3), d.range(2, 4)];
        let frequencies = d.flag().then(|| d.indices(&[shape[1]], 3) + 1.0);
        let weights = d.flag().then(|| d.tensor(&[shape[1]], 0.5, 2.0));
        let about = Observations { correction: d.pick(&[1.0, 0.0]), frequencies, weights };
        let source = format!("x[0].cov_with(&{about:?})");
        Sample::new([d.distinct(&shape)], source, move |x| x[0].cov_with(&about))
    }),
    Declaration::new(Family::Composite, "corrcoef", "corrcoef", "cov / (std · stdᵀ)", "of its parts", |d| {
        rows(d, "x[0].corrcoef()", Var::corrcoef)
    }),
];
