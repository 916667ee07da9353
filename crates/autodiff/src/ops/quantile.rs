//! Quantiles: numbers below which a given share of others lies.

use chainrule_tensor::{Comparison, DType, Tensor, normalise_axis};

use crate::declare::{Declaration, Draw, Family, Sample};
use crate::var::Var;

/// What lies between two neighbours in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interpolation {
    /// The point of the straight line between them.
    #[default]
    Linear,
    /// The smaller.
    Lower,
    /// The larger.
    Higher,
    /// The nearer, of two equally near the one at an even position.
    Nearest,
    /// Their mean.
    Midpoint,
}

impl Var {
    /// The number below which a share `q` of the elements along an axis lies (of all elements with `None`), interpolated linearly between
    /// neighbours; NaN if one is. With `keep` the axis stays, with length 1.
    ///
    /// # Panics
    /// When the axis does not exist or has no elements, or `q` is not between 0 and 1.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::constant(tensor![1., 4., 2., 3.]);
    /// assert_eq!(x.quantile(0.5, None, false).item(), 2.5);
    /// ```
    #[track_caller]
    pub fn quantile(&self, q: f64, axis: impl Into<Option<isize>>, keep: bool) -> Var {
        self.quantiles("quantile", &[q], axis.into(), keep, Interpolation::Linear, false).select(0, 0)
    }

    /// As [`quantile`](Var::quantile), of several shares, as a new first axis, and with a choice of interpolation.
    ///
    /// # Panics
    /// As `quantile`.
    ///
    /// ```
    /// # use chainrule_autodiff::{Var, ops::quantile::Interpolation};
    /// # use chainrule_tensor::tensor;
    /// let y = Var::constant(tensor![1., 4., 2., 3.]).quantile_with(&[0.0, 0.5], None, false, Interpolation::Higher);
    /// assert_eq!(y.value().to_vec::<f32>(), [1., 3.]);
    /// ```
    #[track_caller]
    pub fn quantile_with(
        &self,
        q: &[f64],
        axis: impl Into<Option<isize>>,
        keep: bool,
        interpolation: Interpolation,
    ) -> Var {
        self.quantiles("quantile", q, axis.into(), keep, interpolation, false)
    }

    /// [`quantile`](Var::quantile) of what is not NaN; NaN of nothing.
    ///
    /// # Panics
    /// As `quantile`.
    #[track_caller]
    pub fn nanquantile(&self, q: f64, axis: impl Into<Option<isize>>, keep: bool) -> Var {
        self.quantiles("nanquantile", &[q], axis.into(), keep, Interpolation::Linear, true).select(0, 0)
    }

    /// [`quantile_with`](Var::quantile_with) of what is not NaN; NaN of nothing.
    ///
    /// # Panics
    /// As `quantile`.
    #[track_caller]
    pub fn nanquantile_with(
        &self,
        q: &[f64],
        axis: impl Into<Option<isize>>,
        keep: bool,
        interpolation: Interpolation,
    ) -> Var {
        self.quantiles("nanquantile", q, axis.into(), keep, interpolation, true)
    }

    #[track_caller]
    fn quantiles(
        &self,
        op: &str,
        q: &[f64],
        axis: Option<isize>,
        keep: bool,
        interpolation: Interpolation,
        ignore_nan: bool,
    ) -> Var {
        if let Some(q) = q.iter().find(|q| !(0.0..=1.0).contains(*q)) {
            panic!("{op}: {q} is no share; it must be between 0 and 1");
        }
        let axes: Vec<isize> = axis.into_iter().collect();
        let line = self.merged(op, &axes); // [rest, n]
        let n = line.size(-1);
        assert!(n > 0, "{op}: no elements along {axis:?} of shape {}", self.to_shape());
        let numbers =
            line.value().compare(Comparison::Eq, line.value()).cast(DType::I64).sum(&[-1], false).to_f64_vec();

        // The places between neighbours, for every line and share. Sorted, a NaN stands last.
        let place = |numbers: f64, q: f64| match (numbers < n as f64, ignore_nan) {
            (true, false) => (n - 1) as f64,
            _ => q * (numbers - 1.0).max(0.0),
        };
        let places: Vec<f64> = numbers.iter().flat_map(|&numbers| q.iter().map(move |&q| place(numbers, q))).collect();
        let shape = [&line.shape()[..line.rank() - 1], &[q.len()]].concat();
        let at = |f: fn(f64) -> f64| Tensor::from_vec(places.iter().map(|&p| f(p) as i64).collect(), shape.clone());

        let sorted = line.sort(-1, false).0;
        let between = |weight: fn(f64) -> f64| {
            let (low, high) = (sorted.gather(-1, &at(f64::floor)), sorted.gather(-1, &at(f64::ceil)));
            let weight = Tensor::from_vec(places.iter().map(|&p| weight(p)).collect(), shape.clone());
            &low + (&high - &low) * Var::constant(weight.cast(self.dtype()))
        };
        let y = match interpolation {
            Interpolation::Linear => between(|p| p - p.floor()),
            Interpolation::Midpoint => between(|_| 0.5),
            Interpolation::Lower => sorted.gather(-1, &at(f64::floor)),
            Interpolation::Higher => sorted.gather(-1, &at(f64::ceil)),
            Interpolation::Nearest => sorted.gather(-1, &at(f64::round_ties_even)),
        }; // [rest, shares]
        let last = y.rank() as isize - 1;
        let order: Vec<isize> = std::iter::once(last).chain(0..last).collect();
        let y = y.permute(&order); // [shares, rest]
        match (keep, axis) {
            (false, _) => y,
            (true, None) => y.reshape([&[q.len()], &vec![1; self.rank()][..]].concat()),
            (true, Some(_)) if self.rank() == 0 => y,
            (true, Some(axis)) => y.unsqueeze(normalise_axis(op, axis, self.rank()) as isize + 1),
        }
    }
}

/// Shares none of whose places is an element's, so that neighbours do not change.
const SHARES: [f64; 4] = [0.43, 0.0, 0.91, 1.0];

fn of_line(draw: &mut Draw, name: &str, call: fn(&Var, f64, Option<isize>, bool) -> Var) -> Sample {
    let shape = draw.positive_shape();
    let (q, axis, keep) = (draw.pick(&SHARES), draw.flag().then(|| draw.axis(shape.len())), draw.flag());
    let source = format!("x[0].{name}({q:?}, {axis:?}, {keep})");
    Sample::new([draw.distinct(&shape)], source, move |x| call(&x[0], q, axis, keep)).regular()
}

fn with(draw: &mut Draw, name: &str, call: fn(&Var, &[f64], Option<isize>, bool, Interpolation) -> Var) -> Sample {
    use Interpolation::*;
    let shape = draw.positive_shape();
    let (axis, keep) = (draw.flag().then(|| draw.axis(shape.len())), draw.flag());
    let how = draw.pick(&[Linear, Lower, Higher, Nearest, Midpoint]);
    let q: Vec<f64> = (0..draw.range(1, 3)).map(|_| draw.pick(&SHARES)).collect();
    let source = format!("x[0].{name}(&{q:?}, {axis:?}, {keep}, Interpolation::{how:?})");
    Sample::new([draw.distinct(&shape)], source, move |x| call(&x[0], &q, axis, keep, how)).regular()
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::linear("quantile", "quantile", "what a share q is below", "g to the two neighbours", |d| {
        of_line(d, "quantile", |x, q, axis, keep| x.quantile(q, axis, keep))
    }),
    Declaration::new(Family::Linear, "quantile_with", "quantile", "quantiles", "g to the two neighbours", |d| {
        with(d, "quantile_with", |x, q, axis, keep, how| x.quantile_with(q, axis, keep, how))
    }),
    Declaration::linear("nanquantile", "nanquantile", "a quantile of numbers", "g to the two neighbours", |d| {
        of_line(d, "nanquantile", |x, q, axis, keep| x.nanquantile(q, axis, keep))
    }),
    Declaration::new(Family::Linear, "nanquantile_with", "nanquantile", "quantiles", "g to the two neighbours", |d| {
        with(d, "nanquantile_with", |x, q, axis, keep, how| x.nanquantile_with(q, axis, keep, how))
    }),
];
