//! The error function's relatives and the normal distribution.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use crate::declare::{Declaration, Family};
use crate::var::Var;

use super::row::functions;

/// √(2π)
const ROOT_TWO_PI: f64 = 2.0 / (FRAC_2_SQRT_PI * FRAC_1_SQRT_2);

functions! {
    /// e^(x²) erfc x, which neither overflows nor vanishes for large x.
    erfcx(x) = special::erfcx(x);
        slope(in x) = (2.0 * x * x.erfcx() - FRAC_2_SQRT_PI); on -1.5..3.0; torch "special.erfcx";

    /// The number whose error function is x. ±∞ at ±1, NaN outside. Slope at ±1: +∞.
    erfinv(x) = special::erfinv(x);
        slope(out y) = ((y * y).exp() / FRAC_2_SQRT_PI); on -0.9..0.9; at 1.0 => f64::INFINITY;
        torch "erfinv";

    /// The number up to which the normal distribution has probability x: the inverse of [`ndtr`](crate::Var::ndtr). ∓∞ at 0 and 1, NaN outside.
    ndtri(x) = special::ndtri(x);
        slope(out y) = ((0.5 * (y * y)).exp() * ROOT_TWO_PI); on 0.05..0.95; at 0.0 => f64::INFINITY;
        torch "special.ndtri";

    /// ln Φ(x), Φ the normal distribution function, exact in both tails.
    log_ndtr(x) = special::log_ndtr(x);
        slope(in x) = x.normal_hazard(); on -4.0..4.0; torch "special.log_ndtr";

    /// φ(x) / Φ(x), the normal distribution's density over its function: the slope of [`log_ndtr`](crate::Var::log_ndtr).
    normal_hazard(x) = special::normal_hazard(x);
        slope(both x y) = (-y * (x + y)); on -4.0..4.0; torch "";

    /// −x ln x, a term of an entropy. 0 at 0, −∞ below. Slope at 0: +∞.
    entr(x) = match x { 0.0 => 0.0, _ if x < 0.0 => f64::NEG_INFINITY, _ => -x * x.ln() };
        slope(in x) = (-1.0 - x.log()); on 0.1..3.0; at 0.0 => f64::INFINITY; torch "special.entr";
}

impl Var {
    /// Φ(x), the probability that a standard normal number is below x, exact in the lower tail.
    ///
    /// # Panics
    /// When the elements are not real numbers.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// assert_eq!(Var::constant(0.0).ndtr().item(), 0.5);
    /// ```
    #[track_caller]
    pub fn ndtr(&self) -> Var {
        (self * -FRAC_1_SQRT_2).erfc() * 0.5
    }
}

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[Declaration::new(
    Family::Composite,
    "ndtr",
    "special.ndtr",
    "erfc(-x / √2) / 2",
    "of its parts: g · e^(-x²/2) / √2π",
    |d| d.function("ndtr", -3.0, 3.0, Var::ndtr),
)];
