//! The gamma function's logarithm, its derivatives and its incomplete relatives.

use std::f64::consts::PI;

use chainrule_tensor::Tensor;

use crate::declare::{Declaration, Draw, Family, Sample};
use crate::op::{Op, Saves};
use crate::ops::formula::pairs;
use crate::var::Var;

use super::row::functions;

functions! {
    /// ln |Γ(x)|, Γ the gamma function. +∞ at 0, −1, −2, …
    lgamma(x) = special::lgamma(x);
        slope(in x) = x.digamma(); on 0.3..5.0; torch "lgamma";

    /// ψ(x), the derivative of [`lgamma`](crate::Var::lgamma). NaN at −1, −2, …
    digamma(x) = special::digamma(x);
        slope(in x) = x.polygamma(1); on 0.3..5.0; torch "digamma";

    /// The derivative of the given order of [`digamma`](crate::Var::digamma).
    polygamma(x; order: u32 in [1, 0, 2, 3]) = special::polygamma(order, x);
        slope(in x) = x.polygamma(order + 1); on 0.5..5.0; torch "polygamma";
}

pairs! {
    /// a · ln(1 + b), exact for small b, and 0 where a is 0.
    xlog1py(a, b) = when(a.equals(0.0), when(b.equals(b), 0.0, b), a * b.log1p());
        by a = when(a.equals(0.0), when(b.at_most(-1.0), 0.0, b), b).log1p();
        by b = a / (b + 1.0);
        on 0.2..3.0, -0.8..3.0; torch "special.xlog1py";
}

/// One of the regularised incomplete gamma functions of x, at constant shapes a.
struct Incomplete {
    a: Tensor,
    upper: bool,
}

impl Op<1> for Incomplete {
    fn name(&self) -> &'static str {
        if self.upper { "igammac" } else { "igamma" }
    }
    fn saves(&self) -> Saves {
        Saves::Inputs
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        use chainrule_tensor::special::{igamma, igammac};
        self.a.zip_each(Op::name(self), x, &if self.upper { igammac } else { igamma })
    }
    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
        let a = Var::constant(&self.a);
        let density = ((&a - 1.0) * x.log() - x - a.lgamma()).exp();
        if self.upper { -g * density } else { g * density }
    }
}

impl Var {
    /// The regularised lower incomplete gamma function P(a, x) = ∫₀ˣ tᵃ⁻¹ e⁻ᵗ dt / Γ(a), broadcast. No derivative flows through a.
    ///
    /// # Panics
    /// When the types differ, are not real, or the shapes do not broadcast.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let p = Var::igamma(&tensor![F64; 1.0], &Var::leaf(tensor![F64; 2.0]));
    /// assert!((p.item() - (1.0 - (-2f64).exp())).abs() < 1e-15);
    /// ```
    #[track_caller]
    pub fn igamma(a: &Tensor, x: &Var) -> Var {
        Incomplete { a: a.clone(), upper: false }.apply([x])
    }

    /// The regularised upper incomplete gamma function Q(a, x) = 1 − P(a, x), exact where it is small. No derivative flows through a.
    ///
    /// # Panics
    /// When the types differ, are not real, or the shapes do not broadcast.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let q = Var::igammac(&tensor![F64; 1.0], &Var::leaf(tensor![F64; 50.0]));
    /// assert!((q.item() / (-50f64).exp() - 1.0).abs() < 1e-13);
    /// ```
    #[track_caller]
    pub fn igammac(a: &Tensor, x: &Var) -> Var {
        Incomplete { a: a.clone(), upper: true }.apply([x])
    }

    /// Hurwitz' zeta function ζ(s, q) = Σ (q + k)⁻ˢ over k ≥ 0, for a number s > 1.
    ///
    /// # Panics
    /// When the elements are not real numbers.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// let pi = std::f64::consts::PI;
    /// assert!((Var::constant(1.0).zeta(2.0).item() - pi * pi / 6.0).abs() < 1e-6);
    /// ```
    #[track_caller]
    pub fn zeta(&self, s: f64) -> Var {
        Zeta { s }.apply([self])
    }

    /// The logarithm of the multivariate gamma function of p dimensions, ¼p(p − 1) ln π + Σ ln Γ(x − j/2) over 0 ≤ j < p.
    ///
    /// # Panics
    /// When p is 0, or an element does not exceed (p − 1)/2.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// let x = Var::leaf(2.5);
    /// assert_eq!(x.mvlgamma(1).item(), x.lgamma().item());
    /// ```
    #[track_caller]
    pub fn mvlgamma(&self, p: usize) -> Var {
        assert!(p > 0, "mvlgamma: there is no gamma function of 0 dimensions");
        let bound = (p as f64 - 1.0) / 2.0;
        let within = self.value().to_f64_vec().iter().all(|&x| x > bound || x.is_nan());
        assert!(within, "mvlgamma: every element must exceed (p - 1) / 2 = {bound}, for p = {p}");
        let first = self.lgamma() + bound * p as f64 / 2.0 * PI.ln();
        (1..p).fold(first, |sum, j| sum + (self - 0.5 * j as f64).lgamma())
    }
}

/// ζ(s, q) as a function of q.
struct Zeta {
    s: f64,
}

impl Op<1> for Zeta {
    fn name(&self) -> &'static str {
        "zeta"
    }
    fn saves(&self) -> Saves {
        Saves::Inputs
    }
    fn forward(&self, [q]: [&Tensor; 1]) -> Tensor {
        q.map_each("zeta", &|q| chainrule_tensor::special::zeta(self.s, q))
    }
    fn backward(&self, _: usize, g: &Var, [q]: [&Var; 1], _: &Var) -> Var {
        g * (q.zeta(self.s + 1.0) * -self.s)
    }
}

fn incomplete(d: &mut Draw, name: &str, call: fn(&Tensor, &Var) -> Var) -> Sample {
    let [a, x] = d.broadcasting_shapes();
    let (a, x) = (d.tensor(&a, 0.3, 4.0), d.tensor(&x, 0.3, 4.0));
    let source = format!("Var::{name}(&Tensor::from_vec(vec!{:?}, {:?}), &x[0])", a.to_f64_vec(), a.shape());
    Sample::new([x], source, move |x| call(&a.cast(x[0].dtype()), &x[0]))
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(Family::Elementwise, "igamma", "igamma", "P(a, x)", "g · xᵃ⁻¹ e⁻ˣ / Γ(a)", |d| {
        incomplete(d, "igamma", Var::igamma)
    }),
    Declaration::new(Family::Elementwise, "igammac", "igammac", "Q(a, x)", "-g · xᵃ⁻¹ e⁻ˣ / Γ(a)", |d| {
        incomplete(d, "igammac", Var::igammac)
    }),
    Declaration::new(
        Family::Elementwise,
        "zeta",
        "special.zeta",
        "Σ (q + k)⁻ˢ",
        "-g · s · zeta(s + 1, q)",
        |d| {
            let (s, shape) = (d.pick(&[2.0, 1.5, 3.0]), d.shape());
            Sample::new([d.tensor(&shape, 0.4, 4.0)], format!("x[0].zeta({s:?})"), move |x| x[0].zeta(s))
        },
    ),
    Declaration::new(
        Family::Composite,
        "mvlgamma",
        "mvlgamma",
        "¼p(p-1) ln π + Σ ln Γ(x - j/2)",
        "of its parts: g · Σ ψ(x - j/2)",
        |d| {
            let (p, shape) = (d.range(1, 4), d.shape());
            Sample::new([d.tensor(&shape, 1.8, 5.0)], format!("x[0].mvlgamma({p})"), move |x| x[0].mvlgamma(p))
        },
    ),
];
